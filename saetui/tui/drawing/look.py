"""The styles that a drawing uses, from a widget's theme or for a terminal whose colours are not known."""

from dataclasses import dataclass

from rich.style import Style
from textual.color import Color

from saetui.tui.drawing.heat import POSITIVE

# Told apart in every common form of colour blindness, on dark and on light; with markers also without colour.
COLOURS = ("#e08a1e", "#3f93d8", "#3fae84", "#cf78b5", "#b9a53a", "#8f86e0")
MARKERS = ("●", "▲", "■", "◆", "✚", "▼", "✖")
REFERENCE_MARKER = "○"


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
        return self.text + Style(color=COLOURS[index % len(COLOURS)])


def marker(index: int, *, reference: bool = False) -> str:
    """The marker of one of several series; colours and markers go round at different paces."""
    return REFERENCE_MARKER if reference else MARKERS[index % len(MARKERS)]


PLAIN = Look(Style(), Style(dim=True), Style(bold=True), Style(bold=True, reverse=True), Color(0, 0, 0, ansi=-1))
