"""A figure as a widget: as many of its plots as there is room for, or one alone."""

from typing import ClassVar

from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from saetui.figures.description import Figure
from saetui.tui.drawing.look import Look
from saetui.tui.drawing.sheet import Page, draw_page


class FigureView(Widget):
    """Draws a figure again only when it, its size or what is shown of it changes."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"figure-view--axis", "figure-view--title"}
    DEFAULT_CSS = """
    FigureView {
        width: 1fr;
        height: 1fr;
        & > .figure-view--axis { color: $text-muted; }
        & > .figure-view--title { color: $foreground; text-style: bold; }
    }
    """

    figure: reactive[Figure | None] = reactive(None, init=False)
    """What is drawn; nothing while it is being read."""
    first: reactive[int] = reactive(0, init=False)
    """The plot that is drawn first."""
    alone: reactive[bool] = reactive(False, init=False)
    """Whether that one has all the room."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._before: list[int] = []
        self._page: Page | None = None
        self._drawn_with: tuple[object, ...] = ()

    def watch_figure(self) -> None:
        self.refresh()

    def watch_first(self) -> None:
        self.refresh()

    def watch_alone(self) -> None:
        self.refresh()

    @property
    def shown(self) -> tuple[int, int]:
        """Which plots are on screen: the first, and how many."""
        page = self._drawn()
        return page.first, page.count

    def turn(self, by: int) -> None:
        """Go on to the plots that there was no room for, or back the same way; after the last comes the first."""
        if self.figure is None or not self.figure.drawn:
            return
        first, count = self.shown
        if by < 0:
            self.first = self._before.pop() if self._before else max(0, first - 1)
        elif first + count < len(self.figure.drawn):
            self._before.append(first)
            self.first = first + count
        else:
            self._before.clear()
            self.first = 0

    def render_line(self, y: int) -> Strip:
        strips = self._drawn().strips
        return strips[y] if y < len(strips) else Strip.blank(self.content_size.width, self.rich_style)

    def _drawn(self) -> Page:
        size = self.content_size
        look = self._look()
        drawn_with = (self.figure, self.first, self.alone, size, look)
        if self._page is None or drawn_with != self._drawn_with:
            self._drawn_with = drawn_with
            self._page = (
                Page([], 0, 0)
                if self.figure is None
                else draw_page(self.figure, *size, look, self.first, alone=self.alone)
            )
        return self._page

    def _look(self) -> Look:
        axis, title = (self.get_component_rich_style(f"figure-view--{part}") for part in ("axis", "title"))
        return Look(self.rich_style, axis, title, title, self.background_colors[1])
