"""A figure on the whole screen."""

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message

from saetui.commands.arguments import text_of
from saetui.commands.figures import ShowFigure
from saetui.figures.description import Figure
from saetui.figures.registry import figure_kind
from saetui.tui.drawing.figure_view import FigureView
from saetui.tui.panels.base import Panel
from saetui.tui.panels.pick import Item, PickPanel
from saetui.tui.panels.scroll import TextPanel
from saetui.tui.panels.sql import query_panel
from saetui.workbench.trouble import outside_errors, told

if TYPE_CHECKING:
    from saetui.tui.app import WorkbenchApp

_KEYS = "e export  Q query  i explain  ⎋ close"


class FigurePanel(Panel[None]):
    """Reads a figure in a thread and draws it; keys export it, show its query, explain it, and turn its pages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "close", "Close", show=False),
        Binding("e", "export", "Export", show=False),
        Binding("Q", "query", "Query", show=False),
        Binding("i", "explain", "Explain", show=False),
        Binding("z,enter", "alone", "One plot alone", show=False),
        Binding("tab,l,j,right,down,pagedown", "turn(1)", "Next plots", show=False, priority=True),
        Binding("shift+tab,h,k,left,up,pageup", "turn(-1)", "Plots before", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    FigurePanel > .panel { width: 100%; height: 100%; max-width: 100%; max-height: 100%; background: $background; }
    """

    @dataclass
    class PanelFigureRead(Message):
        """The figure as it is in the store, or why there is none."""

        figure: Figure | None
        problem: str = ""

    def __init__(self, command: ShowFigure) -> None:
        super().__init__()
        self._command = command
        self._kind = figure_kind(command.name)
        self.view = FigureView()
        self._box = Vertical(self.view, classes="panel")
        self._box.border_title = Content(f"{self._kind.name} · {self._kind.question}")
        self._box.border_subtitle = Content(_KEYS)

    def compose(self) -> ComposeResult:
        yield self._box

    def on_mount(self) -> None:
        self._reader = self.bench.store.reader()
        self._read()

    def on_unmount(self) -> None:
        self._reader.interrupt()

    @work(thread=True, exclusive=True, group="figure")
    def _read(self) -> None:
        try:
            message = self.PanelFigureRead(self._command.drawn(self._reader))
        except outside_errors() as problem:
            message = self.PanelFigureRead(None, told(problem))
        self.post_message(message)

    @on(PanelFigureRead)
    def _show(self, message: PanelFigureRead) -> None:
        if message.figure is None:
            self.dismiss()
            self.workbench_app.say(message.problem, "error")
            return
        self.view.figure = message.figure
        self._say_where()

    def on_resize(self) -> None:
        # The figure hears of its new size after the panel does.
        self.call_after_refresh(self._say_where)

    def action_turn(self, by: int) -> None:
        self.view.turn(by)
        self._say_where()

    def action_alone(self) -> None:
        self.view.alone = not self.view.alone
        self._say_where()

    def action_export(self) -> None:
        if self.view.figure is None or self.view.figure.is_empty:
            self.app.notify("there is nothing to export yet", severity="warning")
            return
        self.app.push_screen(export_panel(self._command, self.workbench_app))

    def action_query(self) -> None:
        figure = self.view.figure
        if figure is not None:
            self.app.push_screen(query_panel(figure.sql, figure.parameters))

    def action_explain(self) -> None:
        kind, figure = self._kind, self.view.figure
        parts = [kind.question.strip(), kind.explanation, figure.note if figure is not None else ""]
        body = Content("\n\n").join([Content(part) for part in parts if part])
        body = Content.assemble("\n", body, "\n\n", ("source ", "$muted"), kind.source)
        self.app.push_screen(TextPanel(kind.name, body, copied=body.plain.strip(), what="explanation"))

    def _say_where(self) -> None:
        """Which of its plots are on screen, where that is not all."""
        figure = self.view.figure
        if figure is None:
            return
        (first, count), whole = self.view.shown, len(figure.drawn)
        where = ""
        if count < whole:
            shown = f"plot {first + 1}" if count == 1 else f"plots {first + 1}–{first + count}"
            where = f"{shown} of {whole}  ⇥ next  "
        alone = "z all  " if self.view.alone else "z one  " if whole > 1 else ""
        self._box.border_subtitle = Content(where + alone + _KEYS)


def export_panel(command: ShowFigure, app: "WorkbenchApp") -> PickPanel:
    """Asks for the format of a figure's file, or for another name."""

    def line(suffix: str) -> str:
        return text_of(replace(command, path=f"{command.name}{suffix}"))

    formats = {".svg": "lines and text that can be edited", ".png": "300 dots per inch"}
    items = [
        Item(f"{command.name}{suffix}", what, "", partial(app.action_command, line(suffix)))
        for suffix, what in formats.items()
    ]
    items.append(Item("another file", "ending in .svg or .png", "", partial(app.open_panel, "prompt", line(".svg"))))
    return PickPanel("export the figure as", items)
