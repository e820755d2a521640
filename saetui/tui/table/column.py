"""A column of a table: what it is called, how wide it is, how its values are written and coloured."""

import datetime
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from textual.color import Color
from textual.content import Content

from saetui.tui.drawing.fit import fit, short_number
from saetui.tui.drawing.heat import Heat
from saetui.tui.drawing.sparkline import sparkline
from saetui.visible import visible, visible_token

Align = Literal["left", "right", "center"]
ABSENT = "–"


def _moment(value: datetime.datetime) -> str:
    return f"{value:%m-%d %H:%M}"


_NAMED_FORMATS: dict[str, Callable[[Any], str]] = {
    "text": lambda value: visible(str(value)),
    "token": lambda value: visible_token(str(value)),
    "tokens": lambda value: " ".join(visible_token(str(token)) for token in value if token is not None),
    "short": short_number,
    "dot": lambda value: "●" if value else "",
    "time": _moment,
    "sparkline": lambda value: sparkline(value, len(value)),
}
_TEXT_FORMATS = frozenset({"text", "token", "tokens"})


@dataclass(frozen=True)
class Column:
    """One column of a :class:`QueryTable`.

    ``format`` is a format specification such as ``".2f"`` or ``",d"``, one of the names ``text``, ``token``,
    ``tokens``, ``short``, ``dot``, ``time`` and ``sparkline``, or a function of the value. ``width`` is in terminal
    cells; ``grow`` is the column's share of the width that is left over. ``tints`` gives some values a colour of the
    theme, such as ``error``. ``paint`` draws the cell from the whole row instead, in at most the given number of cells
    on a background, with one strong colour; ``told`` says in words what is drawn, where that is not the column's value.
    ``dims`` says of a row whether the cell is drawn dim, without heat.
    """

    key: str
    label: str
    width: int = 8
    align: Align = "right"
    format: str | Callable[[Any], str] = "text"
    heat: Heat | None = None
    help: str = ""
    grow: int = 0
    tints: Mapping[Any, str] = field(default_factory=dict)
    paint: Callable[[Mapping[str, Any], int, Color, Color], Content] | None = None
    told: Callable[[Mapping[str, Any]], str] | None = None
    dims: Callable[[Mapping[str, Any]], bool] | None = None

    @property
    def is_text(self) -> bool:
        """True for a column of words, which a plain word in a filter is looked for in."""
        return self.format in _TEXT_FORMATS

    def written(self, value: Any) -> str:
        """The value as text of any length; a missing or undefined value is a dash, unless a function says otherwise."""
        if not isinstance(self.format, str):
            return self.format(value)
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ABSENT
        named = _NAMED_FORMATS.get(self.format)
        if named is not None:
            return named(value)
        return format(value, self.format).replace("-", "−")

    def written_of(self, row: Mapping[str, Any]) -> str:
        """The cell of a row as text of any length, also where it is drawn from other fields of the row."""
        if self.told is not None:
            return self.told(row)
        # What is drawn of a text, such as the text around a token, is not what the row has in this column.
        if self.paint is None or (self.key in row and (self.is_text and self.align == "left")):
            return self.written(row.get(self.key))
        return self.paint(row, self.width, Color(0, 0, 0), Color(255, 255, 255)).plain.strip()

    def cell(self, value: Any, width: int) -> str:
        """The value in exactly ``width`` cells; a number that does not fit is ``…`` rather than cut to a wrong one."""
        text = self.written(value)
        if len(text) > width and not self.is_text:
            return "…".rjust(width)
        if self.align == "center":
            text = text.center(width)
        return fit(text, width, right=self.align == "right")
