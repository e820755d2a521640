"""Tests of the frame, and of the app as a whole."""
