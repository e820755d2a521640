"""What all screens of the workbench share: the frame around them, and how they hear of changes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.dom import DOMNode
from textual.events import DescendantFocus, ScreenResume
from textual.screen import Screen
from textual.widget import Widget

from saetui.commands.command import Command
from saetui.commands.navigate import Focus
from saetui.commands.table import Sort
from saetui.tui.cards.fact_card import FactCard
from saetui.tui.explained import Explained, cell_explained
from saetui.tui.frame.empty_text import empty_text
from saetui.tui.frame.footer_line import FooterLine
from saetui.tui.frame.status_line import StatusLine
from saetui.tui.frame.tab_line import TabLine
from saetui.tui.messages import BenchEvent
from saetui.tui.table.halting import HaltsReads
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.attention import Attention
from saetui.workbench.events import AttentionEvent, JobsEvent, MarksEvent, StoreEvent, TableEvent
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import ScreenManifest, added_screens, screens, tables
from saetui.workbench.subject import Subject
from saetui.workbench.tables import Table
from saetui.workbench.trouble import outside_errors, told
from saetui.workbench.workbench import Workbench

if TYPE_CHECKING:
    from saetui.commands.figures import ShowFigure
    from saetui.jobs import Job
    from saetui.jobs.devices import Device
    from saetui.tui.app import WorkbenchApp

# On a terminal narrower than this the right-hand card folds away; from 160 columns on there is room for more.
FOLDED_WIDTH = 100


class WorkbenchScreen(Screen[None]):
    """A screen with frame; a subclass gives ``MANIFEST`` and ``compose_body`` and overrides the hooks it needs.

    A table's widget id is its table id with ``-`` for ``.``, e.g. ``letters-latents`` for ``letters.latents``.
    """

    MANIFEST: ClassVar[ScreenManifest]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (FOLDED_WIDTH, "-normal"), (160, "-wide")]  # noqa: RUF012
    ESCAPE_TO_MINIMIZE: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__(name=self.NAME)
        self._seen: tuple[Attention, int, frozenset[Subject]] | None = None
        self._sizes: dict[Widget, dict[str, int]] = {}
        self._has_tables = False
        # The jobs that the screen has heard of; while another one was in front they may have gone on.
        self._jobs_seen: list[Job] | None = None

    def compose(self) -> ComposeResult:
        yield StatusLine(self.bench, lambda: self.workbench_app.devices)
        yield TabLine(self.NAME)
        with Container(id="body"):
            yield from self.compose_body()
        yield FooterLine(self.bench)

    def compose_body(self) -> ComposeResult:
        """The screen's own parts."""
        raise NotImplementedError

    @property
    def NAME(self) -> str:  # noqa: N802
        """The screen's name."""
        return self.MANIFEST.name

    @property
    def workbench_app(self) -> WorkbenchApp:
        return cast("WorkbenchApp", self.app)

    @property
    def bench(self) -> Workbench:
        """The workbench that all screens share."""
        return self.workbench_app.bench

    def dispatch(self, command: Command | str, *, visit: bool = True) -> None:
        """Do a command; ``visit=False`` when a cursor merely moved."""
        self.workbench_app.dispatch(command, visit=visit)

    # Hooks

    def attention_changed(self) -> None:
        """``self.bench.attention`` is another one; also called when the screen is first shown, or again."""

    def store_changed(self) -> None:
        """The store has new rows, or other marks; called like ``attention_changed``."""

    def jobs_changed(self) -> None:
        """Called when jobs have made progress or ended."""

    def devices_seen(self, devices: tuple[Device, ...]) -> None:
        """How busy the devices are now."""

    def why_empty(self, table: Table) -> str:
        """What a table says where it has no rows, unless a filter leaves none."""
        return empty_text(self.bench, table)

    def turn_page(self) -> None:
        """Show the page of ``self.bench.page``, where the screen has several."""

    def current_query(self) -> tuple[str, dict[str, Any]] | None:
        """``(sql, parameters)`` of what the focused part shows, unless that is a figure, which is asked for its own."""
        return self.bench.query_of(self.bench.focus)

    def figure_in_focus(self) -> ShowFigure | None:
        """The command that shows the focused part large, where that is a plot; exported in place of the table."""
        return None

    def current_column(self) -> str | None:
        """The column under the cursor of the focused table."""
        table = self.table(self.bench.focus)
        return table.column.key if table is not None else None

    def explained(self) -> list[Explained]:
        """The numbers that a person asks about: that under the cursor of the focused table, or those of the card."""
        focused = self.focused
        if isinstance(focused, FactCard):
            return focused.explained()
        # The focus may still be on its way to the table that was asked for last.
        in_table = focused is None or isinstance(focused, QueryTable)
        table = self.table(self.bench.focus) if in_table else None
        return [cell_explained(table)] if table is not None else []

    def tell_row(self) -> None:
        """Tell the workbench which row is under the cursor of the focused table: keys are about it, however quick."""
        table = self.table(self.bench.focus)
        if table is not None:
            self.row_moved(table.table.id, table.cursor_row)

    def row_moved(self, table: str, row: Mapping[str, Any] | None) -> None:
        """Tell the workbench which row the cursor of a table is on: marks, notes and copies are about it."""
        widget = self.table(table)
        # While other rows are being read, those on screen are of what was looked at before.
        asked = widget.shown_params if widget is not None else None
        self.bench.change_table(table, row=row, asked=asked)
        self.refresh_frame()

    @on(QueryTable.Loaded)
    def _tell_of_no_row(self, event: QueryTable.Loaded) -> None:
        if event.table.cursor_row is None:
            self.row_moved(event.table.table.id, None)

    # Plumbing

    def _guarded(self) -> AbstractContextManager[None]:
        """An error of the store or of a job is shown, and the screen stays."""
        return self.bench.troubles.watched(f"screen {self.NAME} is not up to date")

    def halt_reads(self) -> bool:
        """Stop this screen's slow reads; return whether there were any."""
        halted = [part.halt_reads() for part in self.query("*").results() if isinstance(part, HaltsReads)]
        return any(halted)

    def table(self, table: str) -> QueryTable | None:
        """The widget of a table of this screen."""
        found = self.query(f"#{tables()[table].widget_id}").results(QueryTable)
        return next(iter(found), None)

    def sortable(self) -> list[tuple[str, str]]:
        """``(column, label)`` of the focused table."""
        table = self.table(self.bench.focus)
        return [(c.key, c.label) for c in table.columns if c.label] if table is not None else []

    def try_filter(self, table: str, text: str) -> str:
        """Filter a table while it is being typed; what is wrong with the filter, if anything."""
        widget = self.table(table)
        try:
            if widget is not None:
                widget.column_names = self.bench.column_names(table)
                widget.set_filter(text)
        except outside_errors() as problem:
            return told(problem)
        return ""

    def give_size(self, part: Widget, **size: int) -> None:
        """Set the width or height of a part, in cells, for as long as it is not zoomed."""
        self._sizes[part] = size
        for name, cells in size.items():
            setattr(part.styles, name, None if part.has_class("-zoomed") else cells)

    def zoom(self) -> None:
        """Show the focused part on the whole screen but for the footer, or go back."""
        if self.is_zoomed:
            self.query(".-zoomed, .-beside-zoomed").remove_class("-zoomed", "-beside-zoomed")
            self.remove_class("-alone")
        elif self.focused is not None:
            self.add_class("-alone")
            part: DOMNode | None = self.focused
            while part is not None and part.id != "body" and part.parent is not None:
                for sibling in part.parent.children:
                    sibling.add_class("-zoomed" if sibling is part else "-beside-zoomed")
                part = part.parent
        for sized, size in self._sizes.items():
            self.give_size(sized, **size)

    @property
    def is_zoomed(self) -> bool:
        """Whether one part fills the screen."""
        return self.has_class("-alone")

    @property
    def is_whole(self) -> bool:
        """Whether all parts are there; they come after the screen, those inside of others last, and go before it."""
        if not (self.app.is_running and self.is_attached and self.is_running and self.query(FooterLine)):
            return False
        if not self._has_tables:
            # Once there they stay, and this is asked with each event.
            self._has_tables = all(self.query(f"#{table.widget_id}") for table in self.MANIFEST.tables)
        return self._has_tables

    def refresh_frame(self) -> None:
        """Draw status line and footer again."""
        for part in self.query("StatusLine, FooterLine"):
            part.refresh()

    @on(BenchEvent)
    def _heard(self, message: BenchEvent) -> None:
        match message.event:
            case AttentionEvent() | StoreEvent() | MarksEvent():
                self._catch_up()
            case JobsEvent():
                self._jobs_changed()
            case TableEvent(table):
                self.table_changed(table)

    @on(ScreenResume)
    def _catch_up(self) -> None:
        """Hear of what changed, also while another screen was in front."""
        if not self.is_whole:
            return
        self.refresh_frame()
        self.turn_page()
        bench, seen = self.bench, self._seen
        self._seen = (bench.attention, bench.revision, bench.marks)
        if seen is None and (table := self.table(bench.focus)) is not None:
            # It may have been asked for before it was there.
            self.set_focus(table)
        with self._guarded():
            if seen is None or seen[0] != bench.attention:
                self.attention_changed()
            if seen is None or seen[1:] != self._seen[1:]:
                self.store_changed()
            if self._jobs_seen is not bench.jobs:
                self._take_jobs()
            self._tell_why_empty()

    def _jobs_changed(self) -> None:
        if not self.is_whole:
            return
        self.refresh_frame()
        with self._guarded():
            self._take_jobs()

    def _take_jobs(self) -> None:
        """Have what is said of jobs be of those that the first line is about."""
        self._jobs_seen = self.bench.jobs
        self.jobs_changed()
        self._tell_why_empty()

    def _tell_why_empty(self) -> None:
        for table in self.query(QueryTable):
            text = self.why_empty(table.table)
            if text != table.empty:
                table.empty = text
                table.refresh()

    def table_changed(self, table: str) -> None:
        """Filter or order of a table changed, or another one has the focus."""
        self.refresh_frame()
        widget, state = self.table(table), self.bench.tables[table]
        if widget is None:
            return
        widget.column_names = self.bench.column_names(table)
        try:
            widget.set_filter(state.filter)
            widget.sort_by(state.sort, state.descending)
        except outside_errors() as problem:
            widget.fail(told(problem))

    @on(QueryTable.HeaderSelected)
    def _header_chosen(self, event: QueryTable.HeaderSelected) -> None:
        self.dispatch(Sort(event.column.key, table=event.table.table.id))

    @on(DescendantFocus)
    def _focus_moved(self, event: DescendantFocus) -> None:
        widget: Widget = event.widget
        if widget is not self.focused or self.bench.screen != self.NAME:
            return  # It has moved on since.
        table = next((table.id for table in self.MANIFEST.tables if table.widget_id == widget.id), self.bench.focus)
        if table != self.bench.focus:
            self.dispatch(Focus(table))


def made_screen(name: str) -> WorkbenchScreen:
    """A screen; its module is imported when it is first shown."""
    return cast(WorkbenchScreen, screen_class(name)())


def screen_class(name: str) -> Any:
    """The class of a screen; raises CommandError where another package's cannot be had."""
    try:
        return resolve_name(screens()[name].view)
    except Exception as problem:
        package = added_screens().get(name)
        if package is None:
            raise
        raise CommandError(f"screen {name} of {package}: {type(problem).__name__}: {problem}") from problem
