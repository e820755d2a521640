"""The base of all errors that are told to a person."""


class SaetuiError(Exception):
    """Something that a person can put right; the message names the file or argument, what is wrong, and the fix."""
