"""A screen in another package."""
