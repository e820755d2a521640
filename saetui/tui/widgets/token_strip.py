"""Tokens in their context on one line, each coloured by a number such as a latent's activation."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.color import Color
from textual.content import Content
from textual.style import Style

from saetui.tui.widgets.heat import POSITIVE, heat_colours
from saetui.tui.widgets.visible import fit, visible

ELLIPSIS = "…"
# More of what came before a token is worth seeing than of what follows: the model has not seen the latter.
_BEFORE = 3
_AFTER = 1


@dataclass(frozen=True)
class StripToken:
    """A token's surface and its number; None where it has none."""

    surface: str
    value: float | None = None


def _window(widths: Sequence[int], focus: int, room: int) -> tuple[int, int]:
    """The run of tokens around ``focus`` that fits into ``room`` cells."""
    first, last, used = focus, focus, widths[focus]
    for turn in range(len(widths) * (_BEFORE + _AFTER)):
        before = turn % (_BEFORE + _AFTER) < _BEFORE
        if before and first > 0 and used + widths[first - 1] <= room:
            first -= 1
            used += widths[first]
        elif not before and last + 1 < len(widths) and used + widths[last + 1] <= room:
            last += 1
            used += widths[last]
    return first, last + 1


def token_strip(
    tokens: Sequence[StripToken],
    width: int,
    *,
    top: float,
    focus: int | None = None,
    background: Color,
    strong: Color = POSITIVE,
) -> Content:
    """One line of at most ``width`` cells around the token ``focus``; ``top`` is the number with the full colour.

    Line breaks and control characters are visible, spaces are not replaced: a token's colour shows where it begins.
    """
    if not tokens or width < 1:
        return Content("")
    texts = [visible(token.surface) for token in tokens]
    widths = [cell_len(text) for text in texts]
    focus_at = 0 if focus is None else min(focus, len(tokens) - 1)
    # The two ellipses are taken off beforehand, so that adding one never pushes a token out.
    first, last = _window(widths, focus_at, max(1, width - 2 * len(ELLIPSIS)))
    parts: list[Content | tuple[str, Style]] = []
    if first:
        parts.append((ELLIPSIS, Style(dim=True)))
    for index in range(first, last):
        value = tokens[index].value
        style = Style(dim=True)
        if value:
            under, over = heat_colours(value / top if top else 0.0, background, strong)
            style = Style(background=under, foreground=over)
        if index == focus:
            style += Style(bold=True, underline=True, dim=False)
        parts.append((texts[index], style))
    if last < len(tokens):
        parts.append((ELLIPSIS, Style(dim=True)))
    strip = Content.assemble(*parts)
    return strip if strip.cell_length <= width else strip.truncate(width, ellipsis=True)


def padded_label(text: str, width: int) -> Content:
    """A right-aligned label ahead of a strip."""
    return Content.styled(fit(text, width, right=True), Style(dim=True))
