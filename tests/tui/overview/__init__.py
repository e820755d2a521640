"""Tests of the overview screen."""
