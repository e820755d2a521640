"""The looks of a table: its style sheet, and the palette that it paints with."""

from textual.widget import Widget

from saetui.tui.table.layout import Palette

COMPONENTS = {
    "query-table--header",
    "query-table--header-cursor",
    "query-table--cursor",
    "query-table--cell",
    "query-table--unread",
    "query-table--heat",
}
CSS = """
QueryTable {
    height: 1fr;
    border-top: solid $foreground 20%;
    border-title-color: $text-muted;
    border-title-background: transparent;
    scrollbar-size-vertical: 1;
    scrollbar-gutter: stable;
    scrollbar-background: $background;
    scrollbar-color: $foreground 25%;

    & > .query-table--header { color: $text-muted; }
    & > .query-table--header-cursor { color: $text-muted; }
    & > .query-table--cursor { background: $foreground 10%; }
    & > .query-table--unread { color: $text-muted; }
    & > .query-table--heat { color: $warning; }

    &:focus {
        border-top: solid $accent;
        border-title-color: $accent;
        & > .query-table--header-cursor { color: $accent; text-style: bold underline; }
        & > .query-table--cursor { background: $accent 30%; }
        & > .query-table--cell { text-style: bold; }
    }

    &:ansi > .query-table--cursor { background: ansi_default; text-style: bold; }
    &:ansi:focus > .query-table--cursor { background: ansi_default; text-style: reverse; }
}
"""


def palette_of(table: Widget) -> Palette:
    """The styles of a table in the current theme."""
    style = table.get_component_rich_style
    return Palette(
        row=table.rich_style,
        cursor=style("query-table--cursor"),
        cell=style("query-table--cell", partial=True),
        header=style("query-table--header"),
        header_cursor=style("query-table--header-cursor"),
        unread=style("query-table--unread", partial=True),
        background=table.background_colors[1],
        heat=table.get_component_styles("query-table--heat").color,
        theme=table.app.theme_variables,
    )
