"""Pictures of a toy SAE in plain text: cosines as coloured cells, latents as bars."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

# Tints under black text, so that they can be read on dark and light terminals alike.
_POSITIVE = ((251, 237, 217), (224, 138, 30))
_NEGATIVE = ((219, 233, 249), (47, 127, 214))
_VISIBLE = 0.005
_CELL = 7
_NAME = 19
# A glyph each, so that the two stay apart without colours.
PARENT_BAR, CHILD_BAR = ("█", "#5fa8a0"), ("▒", "#b48ad0")

Matrix = Sequence[Sequence[float]]


def cosine_maps(encoder: Matrix, decoder: Matrix, features: Sequence[str]) -> Text:
    """Two maps side by side: each latent's row, each feature's column."""
    gap = Text("   ")
    side = _CELL * len(features)
    lines = [
        Text(" " * _NAME)
        .append("reads (encoder)".center(side))
        .append_text(gap)
        .append("writes (decoder)".center(side)),
        Text(" " * _NAME).append_text(_header(features)).append_text(gap).append_text(_header(features)),
    ]
    for name, read, written in zip(features, encoder, decoder, strict=True):
        line = Text(f"{name}'s latent".ljust(_NAME))
        lines.append(line.append_text(_cells(read)).append_text(gap).append_text(_cells(written)))
    return Text("\n").join(lines)


def _header(features: Sequence[str]) -> Text:
    return Text("".join(name.center(_CELL) for name in features), style="dim")


def _cells(values: Sequence[float]) -> Text:
    line = Text()
    for value in values:
        line.append(number(value).center(_CELL), _shade(value))
    return line


def _shade(value: float) -> Style:
    if abs(value) < _VISIBLE:
        return Style(dim=True)
    faint, strong = _POSITIVE if value > 0 else _NEGATIVE
    level = min(1.0, abs(value))
    red, green, blue = (round(low + (high - low) * level) for low, high in zip(faint, strong, strict=True))
    return Style(color="black", bgcolor=f"rgb({red},{green},{blue})")


def number(value: float) -> str:
    """Two digits and a true minus; a dot for nothing."""
    return "·" if abs(value) < _VISIBLE else f"{value:.2f}".replace("-", "−")


def stacked_bar(parent: float, child: float, unit: int) -> Text:
    """The two latents as one bar of ``unit`` cells for each 1."""
    whole = round((parent + child) * unit)
    first = min(whole, round(parent * unit))
    return bar(first, PARENT_BAR).append_text(bar(whole - first, CHILD_BAR))


def bar(cells: int, look: tuple[str, str]) -> Text:
    """A number of cells of a glyph in its colour."""
    glyph, colour = look
    return Text(glyph * cells, style=colour)
