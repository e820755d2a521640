"""Lines of plain words in a drawing."""

from textwrap import wrap

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from saetui.tui.drawing.fit import fit
from saetui.tui.drawing.look import Look


def said(text: str, width: int, look: Look) -> Strip:
    """Something said where a drawing would be."""
    return Strip([Segment(fit("  " + text, width), look.text + Style(dim=True))], width)


def line(text: str, width: int, style: Style) -> Strip:
    """One line of text, cut where it is longer."""
    return Strip([Segment(fit(text, width), style)], width)


def paragraph(text: str, width: int, style: Style, most: int | None = None) -> list[Strip]:
    """Text on as many lines as it takes, or on ``most`` and cut."""
    lines = wrap(text, max(1, width))
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], " ".join(lines[most - 1 :])] if most > 0 else []
    return [line(part, width, style) for part in lines]
