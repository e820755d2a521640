"""What can go wrong with a sparse autoencoder that a person can put right."""


class SAEError(Exception):
    """The message names the file or SAE, the field, and the fix."""
