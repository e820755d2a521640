"""A table over a query: of any length, read a window at a time."""
