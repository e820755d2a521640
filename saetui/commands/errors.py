"""What a person can get wrong when giving a command."""


class CommandError(Exception):
    """A command that cannot be understood or done here; the message names the command, the argument and the way out."""
