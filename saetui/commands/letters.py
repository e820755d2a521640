"""Commands of the letters screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.commands.table import Filter
from saetui.workbench.exceptions import CommandError

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

WORDS = "letters.words"
# What a latent makes of a word, by the name a person gives it, with the filter that keeps such words.
VERDICTS = {"all": "", "missed": "verdict = 'missed'", "alarms": "verdict = 'false alarm'"}


def shown_verdict(bench: Workbench) -> str | None:
    """Which words are shown, as in ``VERDICTS``; None where a filter of another kind holds."""
    text = bench.tables[WORDS].filter
    return next((name for name, filtered in VERDICTS.items() if filtered == text), None)


@command(
    "words",
    "Show all words of the letter, the missed ones, or the false alarms",
    keys={"w": ""},
    label="words",
)
class Words(Command):
    which: str = argument(
        default="", help="all, missed or alarms; the next of them if left out", complete=lambda _: VERDICTS
    )

    def resolved(self, bench: Workbench) -> Command:
        names = list(VERDICTS)
        which = self.which
        if not which:
            shown = shown_verdict(bench)
            which = names[(names.index(shown) + 1) % len(names)] if shown is not None else names[0]
        if which not in VERDICTS:
            raise CommandError(f"words: must be one of {', '.join(names)}, not {which!r}")
        return Filter(VERDICTS[which], table=WORDS)
