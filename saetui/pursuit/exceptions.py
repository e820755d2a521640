"""Errors of a pursuit study."""

from saetui.exceptions import SaetuiError


class PursuitError(SaetuiError):
    """The tokens cannot be pursued; the message names the setting, what is wrong, and the fix."""
