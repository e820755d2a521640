"""A kind of job in another package."""
