"""Commands of the hard-tokens screen: order, unit, and one place in a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.commands.table import missing_study
from saetui.workbench.attention import ORDERS, UNITS
from saetui.workbench.exceptions import CommandError

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

SCREEN = "hard_tokens"
TOKENS, SCALING, ABSORBED = (f"{SCREEN}.{part}" for part in ("tokens", "scaling", "absorbed"))
# What each order and unit is called on screen.
ORDER_NAMES = {
    "hard": "hard for all",
    "solved": "solved by width",
    "worse": "worse with width",
    "nonlinear": "nonlinear share",
    "damage": "CE damage",
}
UNIT_NAMES = {"norm": "error norm", "share": "share of |x|", "fvu": "FVU"}
_PLACE = """
SELECT coalesce(vocabulary.surface, '#' || token.token_id) AS surface, vocabulary.letter
FROM error_token AS token
JOIN error_study AS study USING (study_id)
LEFT JOIN vocabulary ON vocabulary.model_id = study.model_id AND vocabulary.token_id = token.token_id
WHERE token.study_id = $study AND token.context = $context AND token.position = $position
"""


class _OnTokens(Command):
    """A command on the table of tokens, which must be there and shown."""

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:  # noqa: ARG003
        if missing := missing_study(bench):
            return missing
        return "the tokens are not shown; M shows them" if bench.page else ""


def _next(names: Sequence[str], name: str) -> str:
    return names[(names.index(name) + 1) % len(names)]


@command("order", "Sort tokens by what makes them hard", keys={"O": ""}, label="order")
class ChooseOrder(_OnTokens):
    name: str = argument(
        default="",
        help="hard (for all), solved (by width), worse (with width), nonlinear (share) or damage; the next if left out",
        complete=lambda _: ORDERS,
    )

    def resolved(self, bench: Workbench) -> ChooseOrder:
        return self if self.name else ChooseOrder(_next(ORDERS, bench.attention.order))

    def run(self, bench: Workbench) -> None:
        if self.name not in ORDERS:
            raise CommandError(f"order: must be one of {', '.join(ORDERS)}, not {self.name!r}")
        bench.change_table(TOKENS, sort=None, descending=False)
        # Another order is asked for to see its first tokens.
        changes = {} if self.name == bench.attention.order else {"context": None, "position": None}
        bench.attend(order=self.name, **changes)


@command("unit", "Show errors as norms, shares of the activation, or FVU", keys={"u": ""}, label="unit")
class Unit(_OnTokens):
    name: str = argument(default="", help="norm, share or fvu; the next of them if left out", complete=lambda _: UNITS)

    def resolved(self, bench: Workbench) -> Unit:
        return self if self.name else Unit(_next(UNITS, bench.attention.unit))

    def run(self, bench: Workbench) -> None:
        if self.name not in UNITS:
            raise CommandError(f"unit: must be one of {', '.join(UNITS)}, not {self.name!r}")
        bench.attend(unit=self.name)


@command("place", "Look at a token in its text", elsewhere=True)
class At(Command):
    context: int = argument(help="number of the text in the token set")
    position: int = argument(help="where in it the token stands, from 0")

    @property
    def reads(self) -> bool:
        return True

    def run(self, bench: Workbench) -> None:
        study = bench.parameters("error_context")["study"]
        found = bench.store.fetch(_PLACE, study=study, context=self.context, position=self.position).rows
        if not found:
            raise CommandError(f"place: the error study has no token at {self.context} {self.position}")
        ((surface, letter),) = found
        changes = {"letter": letter} if letter is not None else {}
        bench.attend(token=surface, context=self.context, position=self.position, **changes)
