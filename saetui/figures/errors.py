"""What a person can get wrong when asking for a figure."""


class FigureError(Exception):
    """A figure that does not exist or cannot be drawn or written; the message names the argument and the way out."""
