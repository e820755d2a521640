"""A grid of characters above a grid of braille dots."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

# Beside a character that is two cells wide.
_NOTHING = "\0"
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


@dataclass
class Canvas:
    """A grid of characters with a braille dot grid of 2×4 dots per cell below it."""

    columns: int
    rows: int
    _dots: dict[tuple[int, int], int] = field(default_factory=dict)
    _characters: dict[tuple[int, int], str] = field(default_factory=dict)
    _styles: dict[tuple[int, int], Style] = field(default_factory=dict)

    def dot(self, x: int, y: int, style: Style) -> None:
        """Set the dot ``x`` from the left and ``y`` from the top."""
        cell = (x // 2, y // 4)
        if 0 <= cell[0] < self.columns and 0 <= cell[1] < self.rows:
            self._dots[cell] = self._dots.get(cell, 0) | _DOTS[y % 4][x % 2]
            self._styles.setdefault(cell, style)

    def line(self, start: tuple[float, float], end: tuple[float, float], style: Style, dash: int = 0) -> None:
        """Dots along a straight line, ends in dot coordinates; with a ``dash`` so many columns of dots take turns."""
        steps = max(1, round(max(abs(end[0] - start[0]), abs(end[1] - start[1]))))
        for step in range(steps + 1):
            part = step / steps
            x, y = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
            if not dash or x // dash % 2 == 0:
                self.dot(x, y, style)

    def character(self, column: int, row: int, character: str, style: Style) -> None:
        """Put a character above the dots of a cell."""
        if 0 <= column < self.columns and 0 <= row < self.rows:
            self._characters[column, row] = character
            self._styles[column, row] = style

    def text(self, column: int, row: int, text: str, style: Style) -> None:
        """Put the characters of a text above the dots of as many cells; a wide one takes two."""
        for character in text:
            self.character(column, row, character, style)
            for beside in range(1, cell_len(character)):
                self.character(column + beside, row, _NOTHING, style)
            column += cell_len(character)

    @property
    def drawn(self) -> Collection[tuple[int, int]]:
        """The cells with dots or a character, by column and row."""
        return self._styles.keys()

    def segments(self, row: int, empty: Style) -> Iterable[Segment]:
        """One line of cells, those of one style together."""
        text, style = "", empty
        for column in range(self.columns):
            cell = (column, row)
            dots = self._dots.get(cell)
            character = self._characters.get(cell) or (chr(0x2800 + dots) if dots else " ")
            if character == _NOTHING:
                continue
            wanted = empty if character == " " else self._styles.get(cell, empty)
            if wanted != style and text:
                yield Segment(text, style)
                text = ""
            style = wanted
            text += character
        yield Segment(text, style)
