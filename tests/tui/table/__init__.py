"""Widgets, each on its own."""
