"""Errors about a sparse autoencoder that a person can fix."""

from saetui.exceptions import SaetuiError


class SAEError(SaetuiError):
    """The message names the file or SAE, the field, and the fix."""
