"""A small plot of lines on two axes, with its title on the upper edge; readable from some 20×5 cells on."""

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from saetui.figures.plots import Chart, Scale
from saetui.tui.drawing.chart import draw_chart
from saetui.tui.drawing.look import Look

NO_CHART = Chart("", Scale(""), Scale(""), ())


class XYPlot(Widget):
    """One chart, drawn again only when it or its size changes."""

    ALLOW_SELECT = False
    ALLOW_MAXIMIZE = True
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "enlarge", "Show it large, as a figure", show=False)]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"xy-plot--axis", "xy-plot--highlight"}
    DEFAULT_CSS = """
    XYPlot {
        height: 1fr;
        width: 1fr;
        padding-right: 1;
        border-top: solid $foreground 20%;
        border-title-color: $text-muted;
        border-title-background: transparent;
        & > .xy-plot--axis { color: $text-muted; }
        & > .xy-plot--highlight { color: $foreground; text-style: bold reverse; }
        &:focus { border-top: solid $accent; border-title-color: $accent; }
    }
    """

    @dataclass
    class Enlarged(Message):
        """Asks to see the plot large."""

        plot: "XYPlot"

    chart: reactive[Chart] = reactive(NO_CHART, init=False)
    """What is drawn."""
    highlight: reactive[tuple[float, float] | None] = reactive(None, init=False)
    """A point that stands out, e.g. that of the current SAE."""

    def __init__(
        self,
        chart: Chart,
        *,
        empty: str = "nothing to draw yet",
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._empty = empty
        self._drawn: list[Strip] | None = None
        self._drawn_with: tuple[object, ...] = ()
        self.set_reactive(XYPlot.chart, chart)
        self.watch_chart()

    def watch_chart(self) -> None:
        self._entitle()
        self._forget()

    def watch_has_focus(self, _has_focus: bool) -> None:
        super().watch_has_focus(_has_focus)
        self._entitle()

    def _entitle(self) -> None:
        self.border_title = Content(self.chart.title + ("  ⏎ large" if self.has_focus else ""))

    def watch_highlight(self) -> None:
        self._forget()

    def action_enlarge(self) -> None:
        self.post_message(self.Enlarged(self))

    def _forget(self) -> None:
        self._drawn = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        # Styles are worked out again for all sorts of reasons; drawing is for those that change the picture.
        size = self.content_size
        looks = (size, self.rich_style, self.get_component_rich_style("xy-plot--axis"))
        if self._drawn is None or looks != self._drawn_with:
            drawn = draw_chart(self.chart, *size, self._look(), highlight=self.highlight, empty=self._empty)
            self._drawn, self._drawn_with = drawn, looks
        return self._drawn[y] if y < len(self._drawn) else Strip.blank(size.width, self.rich_style)

    def _look(self) -> Look:
        axis, highlight = (self.get_component_rich_style(f"xy-plot--{part}") for part in ("axis", "highlight"))
        return Look(self.rich_style, axis, self.rich_style, highlight, self.background_colors[1])
