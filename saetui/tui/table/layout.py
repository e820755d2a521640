"""Where the columns of a table stand on a line, and how one row becomes a strip of styled text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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


class TableLayout:
    """Widths and left edges of columns; the first ``pinned`` stay when the others scroll sideways."""

    def __init__(self, columns: Sequence[Column], *, pinned: int = 1) -> None:
        self.columns = tuple(columns)
        self.pinned = min(pinned, len(self.columns))
        self.widths: tuple[int, ...] = ()
        self.left: tuple[int, ...] = ()
        self.width = 0
        self.natural_width = GUTTER + sum(column.width + _GAP for column in self.columns)
        self.arrange(0)

    def arrange(self, available: int) -> None:
        """Share the cells that are left over among the columns that grow."""
        widths = [column.width for column in self.columns]
        spare = available - self.natural_width
        shares = sum(column.grow for column in self.columns)
        if spare > 0 and shares:
            widths = [width + spare * column.grow // shares for width, column in zip(widths, self.columns, strict=True)]
        self.widths = tuple(widths)
        edges = [GUTTER]
        for width in widths:
            edges.append(edges[-1] + width + _GAP)
        self.left, self.width = tuple(edges[:-1]), edges[-1]

    @property
    def pinned_width(self) -> int:
        return self.left[self.pinned] if self.pinned < len(self.left) else self.width

    def scrolled_width(self, room: int) -> int:
        """The width to scroll over: with enough beyond the last column to begin the view at a column's edge."""
        return self.width if self.width <= room else self.width + max(self.widths)

    def column_at(self, x: int) -> int | None:
        """The column at a cell of the unscrolled line."""
        for index, (left, width) in enumerate(zip(self.left, self.widths, strict=True)):
            if left - _GAP < x < left + width + _GAP:
                return index
        return None

    def scroll_to_show(self, index: int, scroll_x: int, available: int) -> int:
        """The sideways scroll at which a column is seen whole; it starts at a column's edge and changes little."""
        if index < self.pinned:
            return scroll_x
        starts = [left - self.pinned_width for left in self.left[self.pinned : index + 1]]
        right = self.left[index] + self.widths[index] - self.pinned_width
        return next(
            (start for start in starts if start >= min(scroll_x, starts[-1]) and right - start <= available), starts[-1]
        )

    def _crop(self, segments: list[Segment], scroll_x: int, width: int, fill: Style) -> Strip:
        strip = Strip(segments, self.width)
        if scroll_x:
            pinned = self.pinned_width
            strip = Strip.join([strip.crop(0, pinned), strip.crop(pinned + scroll_x, max(pinned, self.width))])
        return strip.crop_extend(0, width, fill)

    def header(
        self, palette: Palette, *, scroll_x: int, width: int, sorting: Mapping[str, bool], cursor: int | None
    ) -> Strip:
        """The line of labels; ``sorting`` maps column keys to "descending", ``cursor`` is the chosen column."""
        segments = [Segment(" " * GUTTER, palette.header)]
        for index, (column, cells) in enumerate(zip(self.columns, self.widths, strict=True)):
            arrow = ("▼" if sorting[column.key] else "▲") if column.key in sorting else ""
            if arrow and len(column.label) == cells and column.align == "right":
                # The label fills its column: the arrow takes the gap before it.
                gap = segments.pop()
                segments.append(Segment(gap.text[:-1] + arrow, gap.style))
                arrow = ""
            label = fit(column.label, max(0, cells - len(arrow))).rstrip()
            text = arrow + label if column.align == "right" else label + arrow
            text = text.center(cells) if column.align == "center" else fit(text, cells, right=column.align == "right")
            segments.append(Segment(text, palette.header_cursor if index == cursor else palette.header))
            segments.append(Segment(" " * _GAP, palette.header))
        strip = self._crop(segments, scroll_x, width, palette.header)
        if scroll_x:
            strip = self._marked(strip, self.pinned_width - 1, "‹", palette.header)
        return self._marked(strip, width - 1, "›", palette.header) if self.width - scroll_x > width else strip

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
        for index, (column, cells) in enumerate(zip(self.columns, self.widths, strict=True)):
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
            if index == cell:
                cell_style = style + palette.cell
            if cell_style is style:
                segments.append(Segment(text + " " * _GAP, style))
            else:
                segments.append(Segment(text, cell_style))
                segments.append(Segment(" " * _GAP, style))
        return self._crop(segments, scroll_x, width, style)


def _painted(content: Content, cells: int, style: Style) -> list[Segment]:
    """Content as segments in exactly ``cells`` cells."""
    segments = [Segment(text, style + own.rich_style) for text, own in content.render(end="")]
    return [*segments, Segment(" " * (cells - content.cell_length), style)]
