"""What can go wrong with a sparse autoencoder that a person can put right."""

from saetui.exceptions import SaetuiError


class SAEError(SaetuiError):
    """The message names the file or SAE, the field, and the fix."""
