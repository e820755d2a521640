"""Tests of the screen of absorption."""
