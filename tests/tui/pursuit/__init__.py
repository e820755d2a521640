"""Tests of the screen of pursuits."""
