"""From text to command: what a person types after ``:``, and what keys carry."""

from difflib import get_close_matches
from typing import Any

from saetui.commands.arguments import build, split
from saetui.commands.command import Command
from saetui.commands.vocabulary import EARLIER_VERBS, commands
from saetui.lookup import meant
from saetui.workbench.exceptions import CommandError

# The longest line is a note; anything longer was pasted by mistake.
LONGEST = 50_000
# What people type who know it from other programs.
_ALIASES = {"q": "quit", "h": "help", **EARLIER_VERBS}


def parse(text: str) -> Command:
    """The command in ``:letter s``, ``letter s`` or ``letter letter=s``.

    A verb may be shortened while it stays unique. Raises CommandError that names the nearest verb or argument.
    """
    if len(text) > LONGEST:
        raise CommandError(f"a command has at most {LONGEST:,} characters, and this one has {len(text):,}")
    verb, _, tail = text.strip().removeprefix(":").lstrip().partition(" ")
    verb, _, more = _ALIASES.get(verb, verb).partition(" ")
    tail = f"{more} {tail}".strip()
    if not verb:
        raise CommandError("give a command, for example :letter s (ctrl+p lists them all)")
    cls = find(verb)
    arguments = cls.arguments()
    if any(a.rest for a in arguments):
        rest = next(a for a in arguments if a.rest)
        given: dict[str, Any] = {rest.name: tail.strip()}
    else:
        given = split(cls, tail)
    return build(cls, given)


def find(verb: str) -> type[Command]:
    """The command of a verb or of its unique beginning."""
    known = commands()
    verb = _ALIASES.get(verb, verb).partition(" ")[0]
    found = meant(verb, known, lambda name: (name,))
    if len(found) == 1:
        return known[found[0]]
    if found:
        raise CommandError(f"{verb!r} can be {', '.join(sorted(found))}")
    near = get_close_matches(verb, known, n=1)
    raise CommandError(f"no command {verb!r}" + (f"; nearest is {near[0]!r}" if near else "; ctrl+p lists them all"))
