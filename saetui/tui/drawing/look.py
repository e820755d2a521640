"""The styles that a drawing uses, from a widget's theme or for a terminal whose colours are not known."""

from dataclasses import dataclass

from rich.style import Style
from textual.color import Color

from saetui.tui.drawing.depth import cube, depth
from saetui.tui.drawing.heat import POSITIVE

# Told apart in every common form of colour blindness, on dark and on light, and among the 256 that terminals have; with
# markers also without colour. Where there are sixteen, the terminal's own: red, blue and magenta, which can be read on
# black and on white, before green, cyan and yellow, which are pale on white.
COLOURS = tuple(cube(number).rich_color for number in (172, 32, 35, 169, 142, 98))
SIXTEEN = tuple(Color(0, 0, 0, ansi=number).rich_color for number in (1, 12, 5, 2, 6, 3))
MARKERS = ("●", "▲", "■", "◆", "✚", "▼", "✖")
REFERENCE_MARKER = "○"
# Of several references without markers each has its own dashes: columns of dots that take turns; and their sign.
REFERENCE_DASHES = ((0, "─"), (3, "╌"), (1, "┈"))


@dataclass(frozen=True)
class Look:
    """``background`` is what heat is blended with; an ANSI colour leaves it to the terminal's sixteen."""

    text: Style
    axis: Style
    title: Style
    highlight: Style
    background: Color
    heat: Color = POSITIVE

    def series(self, index: int, *, reference: bool = False) -> Style:
        """The style of one of several series."""
        if reference:
            return self.text
        colours = SIXTEEN if depth().is_poor or self.background.ansi is not None else COLOURS
        return self.text + Style(color=colours[index % len(colours)])


def marker(index: int, *, reference: bool = False) -> str:
    """The marker of one of several series; colours and markers go round at different paces."""
    return REFERENCE_MARKER if reference else MARKERS[index % len(MARKERS)]


PLAIN = Look(Style(), Style(dim=True), Style(bold=True), Style(bold=True, reverse=True), Color(0, 0, 0, ansi=-1))
