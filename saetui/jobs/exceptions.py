"""Errors of the job system."""

from saetui.exceptions import SaetuiError


class JobError(SaetuiError):
    """A job that cannot be read, submitted or run; the message says what is wrong and what to do."""


class JobCancelled(BaseException):
    """Raised inside a task when its job was asked to stop; no ``except Exception`` of a task takes it."""
