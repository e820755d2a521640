"""Tokens in their context on one line, each coloured by a number such as a latent's activation."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.color import Color
from textual.content import Content
from textual.style import Style

from saetui.tui.drawing.heat import POSITIVE, heat_look
from saetui.visible import visible

ELLIPSIS = "…"
_DIM = Style(dim=True)
_FOCUS = Style(bold=True, underline=True, dim=False)
# More of what came before a token is worth seeing than of what follows: the model has not seen the latter.
_ANCHOR = 0.55


@dataclass(frozen=True)
class StripToken:
    """A token's surface and its number; None where it has none."""

    surface: str
    value: float | None = None


def _fitting(widths: Sequence[int], room: int) -> int:
    """How many of the first ``widths`` fit into ``room``, with one cell kept for an ellipsis where not all do."""
    used = 0
    for count, width in enumerate(widths):
        rest = sum(widths[count + 1 :])
        if used + width + (len(ELLIPSIS) if rest else 0) > room:
            return count
        used += width
    return len(widths)


def token_strip(
    tokens: Sequence[StripToken],
    width: int,
    *,
    top: float,
    focus: int,
    background: Color,
    strong: Color = POSITIVE,
) -> Content:
    """One line of at most ``width`` cells in which the token ``focus`` begins at one place past the middle.

    ``top`` is the number with the full colour. Line breaks and control characters are visible; spaces are not replaced,
    a token's colour shows where it begins.
    """
    if not tokens or width < 1:
        return Content("")
    texts = [visible(token.surface) for token in tokens]
    widths = [cell_len(text) for text in texts]
    anchor = min(int(width * _ANCHOR), max(0, width - widths[focus]))
    before = _fitting(widths[:focus][::-1], anchor)
    first = focus - before
    room = width - anchor - widths[focus]
    last = focus + 1 + _fitting(widths[focus + 1 :], room)
    shown_before = sum(widths[first:focus]) + (len(ELLIPSIS) if first else 0)
    parts: list[tuple[str, Style]] = [(" " * (anchor - shown_before) + (ELLIPSIS if first else ""), _DIM)]
    for index in range(first, last):
        value = tokens[index].value
        style = _DIM
        if value:
            style = heat_look(value / top if top else 0.0, background, strong)
        if index == focus:
            style += _FOCUS
        parts.append((texts[index], style))
    if last < len(tokens):
        parts.append((ELLIPSIS, _DIM))
    strip = Content.assemble(*parts)
    return strip if strip.cell_length <= width else strip.truncate(width, ellipsis=True)
