"""What a person can get wrong when asking for a figure."""

from saetui.exceptions import SaetuiError


class FigureError(SaetuiError):
    """A figure that does not exist or cannot be drawn or written; the message names the argument and the fix."""
