"""What a person can get wrong when giving a command."""

from saetui.exceptions import SaetuiError


class CommandError(SaetuiError):
    """A command that cannot be understood or done here; the message names the command, the argument and the fix."""


class UsageError(CommandError):
    """An argument that means nothing, whatever is in the store; the command line ends with 2 then."""


def user_errors() -> tuple[type[Exception], ...]:
    """All errors that are shown to the person and not raised further."""
    from store.exceptions import StoreError

    return (SaetuiError, StoreError)
