"""What can be done on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.workbench.exceptions import CommandError

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

_LONGEST = "SELECT surface FROM word WHERE letter = $letter ORDER BY length(surface) DESC, surface LIMIT 1"


@command("longest", "Look at the longest word of a letter", keys={"L": "s"}, label="longest")
class Longest(Command):
    letter: str = argument(help="a to z", complete=lambda _: ("a", "s", "z"))

    def run(self, bench: Workbench) -> None:
        found = bench.store.fetch(_LONGEST, letter=self.letter).rows
        if not found:
            raise CommandError(f"longest: there is no word with {self.letter}")
        bench.attend(token=str(found[0][0]))
