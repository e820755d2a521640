"""Where the columns of a table stand on a line, and how one row becomes a strip of styled text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.content import Content
from textual.strip import Strip

from saetui.tui.drawing.fit import fit
from saetui.tui.drawing.heat import heat_style
from saetui.tui.table.column import Column

GUTTER = 2
_GAP = 1
# Fewer cells of words than these say nothing.
_FEWEST_OF_WORDS = 4
# Widths of drawn numbers do not depend on colours.
_ANY = Color(0, 0, 0)


@dataclass(frozen=True)
class Palette:
    """The styles a table is painted with."""

    row: Style
    cursor: Style
    cell: Style
    header: Style
    header_cursor: Style
    unread: Style
    background: Color
    heat: Color
    theme: Mapping[str, str]

    def tint(self, name: str) -> Style:
        """Text in a colour of the theme."""
        return Style(color=Color.parse(self.theme[name]).rich_color)


@dataclass(frozen=True)
class _Placed:
    """A column that is on screen: where it begins on the line as it is seen, and how many cells it has there."""

    index: int
    left: int
    cells: int


class TableLayout:
    """Widths of columns; the first ``pinned`` stay when the others scroll sideways.

    Columns are seen whole: one that there is no room for is left out, since a number that is cut is another number.
    Only words may be cut, with an ellipsis. Columns become wider where the values that are read need it.
    """

    def __init__(self, columns: Sequence[Column], *, pinned: int = 1) -> None:
        self.columns = tuple(columns)
        self.pinned = min(pinned, len(self.columns))
        self.widths: tuple[int, ...] = ()
        self.left: tuple[int, ...] = ()
        self.width = 0
        self._least = [column.width for column in self.columns]
        self._available = 0
        self.arrange(0)

    @property
    def natural_width(self) -> int:
        """The least width of a line with all columns whole."""
        return GUTTER + sum(width + _GAP for width in self._least)

    def arrange(self, available: int) -> None:
        """Share the cells that are left over among the columns that grow."""
        self._available = available
        widths = list(self._least)
        spare = available - self.natural_width
        shares = sum(column.grow for column in self.columns)
        if spare > 0 and shares:
            widths = [width + spare * column.grow // shares for width, column in zip(widths, self.columns, strict=True)]
        self.widths = tuple(widths)
        edges = [GUTTER]
        for width in widths:
            edges.append(edges[-1] + width + _GAP)
        self.left, self.width = tuple(edges[:-1]), edges[-1]

    def make_room_for(self, rows: Iterable[Mapping[str, Any]]) -> bool:
        """Widen the columns whose numbers would not fit; whether any has become wider."""
        before = list(self._least)
        numbers = [(index, column) for index, column in enumerate(self.columns) if not _may_be_cut(column)]
        for values in rows:
            for index, column in numbers:
                self._least[index] = max(self._least[index], _needed(column, values, self._least[index]))
        if self._least == before:
            return False
        self.arrange(self._available)
        return True

    @property
    def pinned_width(self) -> int:
        return self.left[self.pinned] if self.pinned < len(self.left) else self.width

    def scrolled_width(self, room: int) -> int:
        """The width to scroll over: with enough beyond the last column to begin the view at a column's edge."""
        return self.width if self.width <= room else self.width + max(self.widths)

    def seen(self, scroll_x: int, width: int) -> list[_Placed]:
        """The columns that are on screen, from left to right."""
        placed: list[_Placed] = []
        last = len(self.columns) - 1
        # Columns scroll whole: the first that is seen begins where the pinned ones end.
        scrolled = self.left[self.pinned :]
        shift = next((left for left in scrolled if left - self.pinned_width >= scroll_x), max(scrolled, default=0))
        for index, (left, cells) in enumerate(zip(self.left, self.widths, strict=True)):
            if index >= self.pinned and left < shift:
                continue
            start = left if index < self.pinned else left - shift + self.pinned_width
            # The last cell of a line with more columns to its right says so.
            room = width - start - (index < last)
            if cells > room:
                if room >= _FEWEST_OF_WORDS and _may_be_cut(self.columns[index]):
                    placed.append(_Placed(index, start, room))
                break
            placed.append(_Placed(index, start, cells))
        return placed

    def column_at(self, x: int, scroll_x: int, width: int) -> int | None:
        """The column at a cell of the line as it is seen."""
        for column in self.seen(scroll_x, width):
            if column.left - _GAP < x < column.left + column.cells + _GAP:
                return column.index
        return None

    def scroll_to_show(self, index: int, scroll_x: int, available: int) -> int:
        """The sideways scroll at which a column is seen whole; it starts at a column's edge and changes little."""
        if index < self.pinned:
            return scroll_x
        starts = [left - self.pinned_width for left in self.left[self.pinned : index + 1]]
        # One cell says that there are more columns.
        right = self.left[index] + self.widths[index] - self.pinned_width + (index < len(self.columns) - 1)
        return next(
            (start for start in starts if start >= min(scroll_x, starts[-1]) and right - start <= available), starts[-1]
        )

    def header(
        self, palette: Palette, *, scroll_x: int, width: int, sorting: Mapping[str, bool], cursor: int | None
    ) -> Strip:
        """The line of labels; ``sorting`` maps column keys to "descending", ``cursor`` is the chosen column."""
        segments = [Segment(" " * GUTTER, palette.header)]
        seen = self.seen(scroll_x, width)
        for placed in seen:
            column, cells = self.columns[placed.index], placed.cells
            arrow = ("▼" if sorting[column.key] else "▲") if column.key in sorting else ""
            if arrow and len(column.label) == cells and column.align == "right":
                # The label fills its column: the arrow takes the gap before it.
                gap = segments.pop()
                segments.append(Segment(gap.text[:-1] + arrow, gap.style))
                arrow = ""
            label = fit(column.label, max(0, cells - len(arrow))).rstrip()
            text = arrow + label if column.align == "right" else label + arrow
            text = text.center(cells) if column.align == "center" else fit(text, cells, right=column.align == "right")
            segments.append(Segment(text, palette.header_cursor if placed.index == cursor else palette.header))
            segments.append(Segment(" " * _GAP, palette.header))
        strip = Strip(segments).crop_extend(0, width, palette.header)
        if scroll_x and len(seen) > self.pinned and seen[self.pinned].index > self.pinned:
            strip = self._marked(strip, self.pinned_width - 1, "‹", palette.header)
        last = seen[-1] if seen else None
        is_whole = last is not None and last.index == len(self.columns) - 1 and last.cells == self.widths[-1]
        return strip if is_whole else self._marked(strip, width - 1, "›", palette.header)

    def _marked(self, strip: Strip, x: int, character: str, style: Style) -> Strip:
        """The strip with one character replaced, to say that there is more on that side."""
        left, right = strip.crop(0, x), strip.crop(x + 1, strip.cell_length)
        return Strip.join([left, Strip([Segment(character, style)], 1), right])

    def row(
        self,
        palette: Palette,
        values: Mapping[str, Any] | None,
        *,
        scroll_x: int,
        width: int,
        cursor: bool,
        cell: int | None,
        marked: bool,
        dim: bool = False,
    ) -> Strip:
        """One row; ``values`` is None while it is being read. ``cell`` is the chosen column of the cursor's row.

        A ``dim`` row has no heat: its numbers do not count.
        """
        style = palette.cursor if cursor else palette.row
        if values is None:
            text = f"{'▸' if cursor else ' '} ···"
            return Strip([Segment(text, style + palette.unread)], len(text)).crop_extend(0, width, style)
        if marked:
            style += Style(bold=True)
        segments = [Segment(("▸" if cursor else " ") + ("◆" if marked else " "), style)]
        for placed in self.seen(scroll_x, width):
            column, cells = self.columns[placed.index], placed.cells
            if column.paint is not None:
                segments += _painted(column.paint(values, cells, palette.background, palette.heat), cells, style)
                segments.append(Segment(" " * _GAP, style))
                continue
            value = values.get(column.key)
            text = column.cell(value, cells)
            cell_style = style
            if dim or (column.dims is not None and column.dims(values)):
                cell_style = style + Style(dim=True)
            elif column.heat is not None and isinstance(value, int | float) and not isinstance(value, bool):
                shade = heat_style(column.heat.level(value), palette.background, palette.heat)
                cell_style = style + shade
            elif column.tints and value in column.tints:
                cell_style = style + palette.tint(column.tints[value])
            if placed.index == cell:
                cell_style = style + palette.cell
            segments += _written(text, cell_style, style)
        return Strip(segments).crop_extend(0, width, style)


def _may_be_cut(column: Column) -> bool:
    """Whether less of a column still says something true: words, and drawings that begin at the left."""
    return column.is_text if column.paint is None else column.align == "left"


def _needed(column: Column, values: Mapping[str, Any], cells: int) -> int:
    """Cells that a row's value takes whole."""
    if column.paint is not None:
        return column.paint(values, cells, _ANY, _ANY).cell_length
    return cell_len(column.written(values.get(column.key)))


def _written(text: str, cell_style: Style, style: Style) -> list[Segment]:
    """A cell and the gap after it; blanks beside a number are not underlined with it."""
    gap = Segment(" " * _GAP, style)
    if cell_style is style:
        return [Segment(text + " " * _GAP, style)]
    bare = text.lstrip(" ")
    if not cell_style.underline or not bare or bare == text:
        return [Segment(text, cell_style), gap]
    blank = Segment(text[: len(text) - len(bare)], cell_style + Style(underline=False))
    return [blank, Segment(bare, cell_style), gap]


def _painted(content: Content, cells: int, style: Style) -> list[Segment]:
    """Content as segments in exactly ``cells`` cells."""
    segments = [Segment(text, style + own.rich_style) for text, own in content.render(end="")]
    if content.cell_length > cells:
        return list(Strip(segments).crop(0, cells))
    return [*segments, Segment(" " * (cells - content.cell_length), style)]
