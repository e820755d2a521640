"""Tests of the frame: app, panels, Overview and Jobs."""
