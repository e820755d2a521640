"""The workbench: a store, its jobs, one cursor of attention, and the doing of commands; knows no terminal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock, RLock
from time import monotonic
from typing import TYPE_CHECKING, Any

from saetui.workbench.action import Action, ActionRecorder
from saetui.workbench.annotations import PARAMETERS
from saetui.workbench.attention import Attention, History, Looking, Place
from saetui.workbench.catalogue import Catalogue, Holdings, SaeEntry, sae_label
from saetui.workbench.events import (
    AttentionEvent,
    Event,
    JobsEvent,
    MarksEvent,
    NoticeEvent,
    ScreenEvent,
    StoreEvent,
    TableEvent,
)
from saetui.workbench.exceptions import CommandError
from saetui.workbench.filter_columns import Condition, FilterColumn, labelled
from saetui.workbench.front import Front, NoFront
from saetui.workbench.new_saes import at_the_site, news_of
from saetui.workbench.screens import no_screen, screens, tables, tables_of
from saetui.workbench.sql_text import parameter_names
from saetui.workbench.subject import Subject
from saetui.workbench.table_query import TableQuery
from saetui.workbench.tables import Table, TableState
from saetui.workbench.trouble import Troubles, outside_errors, told
from saetui.workbench.view import View
from saetui.workbench.waiting import waiting_text
from store import QueryInterrupted, Store

if TYPE_CHECKING:
    from saetui.jobs import Job, JobClient

_LOOK_SECONDS = 1.0
# How long leaving waits for reads of the background to end by themselves.
_CLOSE_PATIENCE = 1.0
_PAUSE = 0.05
# Whether what is done in this thread is the move of a cursor, which looks and does not choose.
_LOOKS: ContextVar[bool] = ContextVar("looks", default=False)
# The parts of what is looked at that say which rows a table has; others change what the rows say.
_IDENTIFYING = frozenset({"sae", "letter", "latent", "token", "study", "context", "position", "pursuit", "pursued"})


class Workbench:
    """Everything a person works with, without the terminal.

    Listeners receive events, some of them from the writing thread. With ``inline`` writes happen before ``perform``
    returns, which is what headless use and tests want.
    """

    def __init__(self, store: Store, *, inline: bool = False, front: Front | None = None) -> None:
        self.store = store
        self.front: Front = front if front is not None else NoFront()
        self._attending = Looking()
        self.screen = next(iter(screens()))
        self.attention = Attention()
        self.focus = tables_of(self.screen)[0].id
        self.page = ""
        self.tables: dict[str, TableState] = {name: TableState() for name in tables()}
        self.history = History()
        self.marks: frozenset[Subject] = frozenset()
        self.jobs: list[Job] = []
        self.recorder: ActionRecorder | None = None
        self.revision = -1
        self.waiting = ""
        self.catalogue = Catalogue()
        self._listeners: list[Callable[[Event], None]] = []
        self._writer = None if inline else ThreadPoolExecutor(1, thread_name_prefix="saetui-writer")
        self._writes: list[Future[None]] = []
        self._commit: Future[None] | None = None
        self._closing, self._is_closing = Lock(), False
        # Commands that ask the store are done beside the interface, which moves cursors and looks around meanwhile.
        self._changing, self._looking = Lock(), RLock()
        self.last_words: list[str] = []
        self._next_look = self._next_read = 0.0
        self.troubles = Troubles(lambda text: self.notify(text, "error"))
        self._fresh: Holdings | None = None
        self._columns: dict[str, tuple[FilterColumn, ...]] = {}
        self._take(Holdings.read(store))
        self._asked = self.revision
        if inline:
            self._look_at_jobs()
        self.history.visit(self.place)

    @classmethod
    def open(cls, path: Path, *, create: bool = False, inline: bool = False) -> Workbench:
        """The workbench of a store folder; raises StoreError as ``Store.open`` does."""
        return cls(Store.open(path, create=create), inline=inline)

    # Commands

    def perform(self, done: Action, *, visit: bool = True, shared: bool = False) -> None:
        """Do a command whose arguments are all filled in, and record it.

        ``visit=False`` is for moving a cursor: what it looks at is for the screen in front alone, or for all of them
        where it is ``shared``, and the place replaces the current step of the history.
        Raises CommandError, StoreError or JobError where it cannot be done; nothing is recorded then.
        """
        looks = not visit and not shared
        visit = visit and done.visits
        steps = self.history.index
        with _looking(looks):
            done.run(self)
        if self.history.index == steps:
            self.history.visit(self.place, replace_current=not visit)
        if self.recorder is not None and done.recorded:
            recorder, view = self.recorder, self.view()
            line = recorder.line(done, visit=not looks)
            self.in_background(lambda: self._record(recorder, line, view))

    def _record(self, recorder: ActionRecorder, line: dict[str, Any], view: View) -> None:
        if self.recorder is not recorder:
            return  # It has stopped already, and said so.
        try:
            try:
                digest = view.digest(self.store)
            except QueryInterrupted:
                digest = ""  # The person did not wait for the answer, but the command was given.
            recorder.record(line, digest)
        except outside_errors() as problem:
            self.recorder = None
            raise CommandError(f"recording has stopped: {told(problem)}") from problem

    @cached_property
    def client(self) -> JobClient:
        """The jobs of the store; imported when first looked at, after the first paint."""
        from saetui.jobs import JobClient

        return JobClient(self.store.root)

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Have every event from now on."""
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Tell all listeners."""
        for listener in self._listeners:
            listener(event)

    def notify(self, text: str, severity: str = "information") -> None:
        """Tell the person something."""
        self.emit(NoticeEvent(text, severity))

    def in_background(self, work: Callable[[], str | None]) -> Future[None] | None:
        """Run something that waits for the disk, in order, beside the interface; its text or its error is shown."""

        def guarded() -> None:
            # Any other exception is a bug; poll() raises it again where it is seen.
            try:
                text = work()
            except QueryInterrupted:
                self.notify("stopped")
            except outside_errors() as problem:
                self.notify(told(problem), "error")
            else:
                if text:
                    self.notify(text)

        if self._is_closing:
            return None
        if self._writer is None:
            text = work()
            if text:
                self.notify(text)
            return None
        write = self._writer.submit(guarded)
        self._writes.append(write)
        return write

    # State that commands change

    def attend(self, **changes: Any) -> None:
        """Choose another SAE, letter, latent, token or job, or set in view; in the move of a cursor, look at it."""
        with self._changing:
            before = self.attention
            (self._attending.look if _LOOKS.get() else self._attending.choose)(self.screen, **changes)
            self.attention = self._attending.on(self.screen)
        if before != self.attention:
            self.emit(AttentionEvent(before, self.attention))

    def show(self, screen: str) -> None:
        """Bring a screen to the front, with the focus on its first table."""
        if screen not in screens():
            raise CommandError(no_screen(screen))
        if screen == self.screen:
            return
        with self._changing:
            self.screen = screen
            self.attention = self._attending.on(screen)
        self._turn_to(tables_of(screen)[0])
        self.emit(ScreenEvent(screen))

    @property
    def chosen(self) -> Attention:
        """What is chosen for all screens; the one in front may look at something else."""
        return self._attending.chosen

    @property
    def place(self) -> Place:
        """The screen in front and what is looked at there."""
        return Place(self.screen, self.attention, self._attending.chosen)

    def go(self, place: Place) -> None:
        """Return to an earlier place."""
        self._attending.restore(place)
        self.show(place.screen)
        with self._changing:
            before, self.attention = self.attention, self._attending.on(self.screen)
        if before != self.attention:
            self.emit(AttentionEvent(before, self.attention))

    def change_table(self, table: str, **changes: Any) -> None:
        """Change filter, sort or row of a table."""
        with self._changing:
            before = self.tables[table]
            after = self.tables[table] = replace(before, **changes)
        if before != after:
            self.emit(TableEvent(table))

    def set_focus(self, table: str) -> None:
        """Make a table of this screen the one that filter, sort, mark and export act on."""
        if table not in tables() or tables()[table].screen != self.screen:
            raise CommandError(f"no table {table!r} here; there are {', '.join(t.id for t in tables_of(self.screen))}")
        if table != self.focus:
            self._turn_to(tables()[table])
            self.emit(TableEvent(table))

    def _turn_to(self, table: Table) -> None:
        self.focus = table.id
        if self.page not in table.pages:
            self.page = table.pages[0]

    def toggle_mark(self, subject: Subject) -> bool:
        """Mark something, or unmark it; return whether it is marked now."""
        marked = subject not in self.marks
        self.marks = self.marks | {subject} if marked else self.marks - {subject}
        self.emit(MarksEvent())
        return marked

    # What is shown

    @property
    def table(self) -> Table:
        """The table in focus."""
        return tables()[self.focus]

    @property
    def row(self) -> Mapping[str, Any] | None:
        """The row under the cursor of the table in focus; None while those of what is looked at are being read."""
        return self.row_of(self.focus)

    def row_of(self, table: str) -> Mapping[str, Any] | None:
        """The row under the cursor of a table."""
        state = self.tables[table]
        if state.row is None or state.asked is None:
            return state.row
        now = self.table_parameters(table)
        is_current = all(value == now.get(name) for name, value in state.asked.items() if name in _IDENTIFYING)
        return state.row if is_current else None

    @property
    def subject(self) -> Subject | None:
        """What the row under the cursor is about, as marks and notes name it."""
        if self.row is None or self.table.subject is None:
            return None
        return Subject.of_row(self.table.subject, self.row, sae=self.attention.sae)

    def parameters(self, query: str) -> dict[str, Any]:
        """The values that attention gives to the ``$names`` of a query; None where there is nothing to give."""
        return self._values(parameter_names(self.store.sql_of(query)))

    def _values(self, names: Iterable[str]) -> dict[str, Any]:
        study = self.catalogue.error_study(self.attention.sae)
        known = {
            "sae": self.attention.sae,
            "in_view": list(self.attention.in_view),
            "letter": self.attention.letter,
            "latent": self.attention.latent,
            "token": self.attention.token,
            "model": self.attention.model,
            "hook": self.attention.hook,
            "metric": self.attention.metric,
            "tau": self.attention.tau,
            "lead": self.attention.lead,
            "min_cosine": self.attention.min_cosine,
            "study": study.study_id if study is not None else None,
            "context": self.attention.context,
            "position": self.attention.position,
            "order": self.attention.order,
            "unit": self.attention.unit,
            "pursuit": self.attention.pursuit,
            "beside": self.attention.beside,
            "pursued": self.attention.pursued,
            "corpus": None,
            "probe": None,
            "limit": None,
            "offset": 0,
        }
        return {name: known.get(name) for name in names}

    def table_parameters(self, table: str) -> dict[str, Any]:
        """The values for the ``$names`` of a table's query and of its filters: what is looked at."""
        own = tables()[table]
        texts = (self.store.sql_of(own.query), *own.filters.values(), *own.looked_up.values())
        names = [name for text in texts for name in parameter_names(text)]
        return self._values([*names, *PARAMETERS] if own.subject is not None else names)

    def asked(self, table: str) -> TableQuery:
        """What a table shows, with its filter and order, for the screen, ``Q``, exports and sessions alike."""
        own, state = tables()[table], self.tables[table]
        condition = self.condition(table, state.filter)
        return own.asked(self.store.sql_of(own.query), self.table_parameters(table), condition, state.order)

    def query_of(self, table: str) -> tuple[str, dict[str, Any]]:
        """``(sql, parameters)`` of all rows of a table, with its filter and order."""
        return self.asked(table).text()

    def condition(self, table: str, filter: str, unit: str = "") -> Condition:  # noqa: A002
        """What a filter line means for a table; raises FilterError, a CommandError, where it cannot be read."""
        return tables()[table].condition(filter, self.columns(table) if filter else (), unit=unit)

    def column_names(self, table: str) -> Mapping[str, tuple[str, ...]]:
        """The names of a table's columns on the screen, where they are others than the query's, and what they mean."""
        own = tables()[table]
        named = dict(own.named_columns)
        study = self.catalogue.error_study(self.attention.sae) if own.sae_columns else None
        for index, sae_id in enumerate(study.sae_ids if study is not None else ()):
            entry = self.catalogue.entry(sae_id)
            for name in {entry.name, sae_label(entry.name)} if entry is not None else ():
                named[name] = (*named.get(name, ()), f"{own.sae_columns}{index}")
        return named

    def columns(self, table: str) -> tuple[FilterColumn, ...]:
        """The columns of a table's query, with their names on the screen."""
        own = tables()[table]
        if table not in self._columns:
            asked = own.asked(self.store.sql_of(own.query), self.table_parameters(table))
            self._columns[table] = asked.columns(self.store)
        return self.known_columns(table)

    def known_columns(self, table: str) -> tuple[FilterColumn, ...]:
        """The columns of a table's query as far as they have been asked for; nothing is read."""
        return labelled(self._columns.get(table, ()), self.column_names(table))

    def view(self) -> View:
        """What is shown now: screen, attention, and the query of every table of the screen."""
        shown = [table.id for table in tables_of(self.screen) if self.page in table.pages]
        return View(self.screen, self.attention, tuple((table, self.asked(table)) for table in shown))

    # The world outside

    def poll(self) -> None:
        """Look at the job folders, the spool and the store; cheap enough for four times a second.

        All reading and writing happens beside the caller, who only takes over what has been read. What a disk or a
        damaged folder does to it is told once, and is in ``troubles`` as long as it lasts.
        """
        if self._is_closing:
            return
        with self._looking:
            self._look_around()

    def _look_around(self) -> None:
        for write in [w for w in self._writes if w.done()]:
            self._writes.remove(write)
            write.result()
        self._look_at_jobs()
        if self._fresh is not None:
            fresh, self._fresh = self._fresh, None
            self._take(fresh)
            self.emit(StoreEvent(self.revision))
        revision = self.store.revision
        if revision != self._asked and monotonic() >= self._next_read:
            self._asked = revision
            self.in_background(self._read_again)

    def commit(self) -> None:
        """Take finished results from the spool into the store; ``waiting`` says who is in the way, if anyone."""
        with self.troubles.watched("results cannot be taken into the store"):
            report = self.store.commit_spool()
            self.waiting = waiting_text(report)
            for rejection in report.rejected:
                self.notify(f"a result of job {rejection.job_id} does not fit the store: {rejection.reason}", "error")

    def stop(self) -> bool:
        """Stop the export, figure or other background read in progress; return whether there was one."""
        if all(write.done() for write in self._writes):
            return False
        self.store.interrupt()
        return True

    def close(self) -> None:
        """Finish writing, close the session file and the store; what a disk does to that is in ``last_words``.

        Reads of the background that take long are stopped; what a person wrote is kept. May be called again, and from
        another thread.
        """
        self._is_closing = True
        with self._closing:
            if self._writer is not None:
                self._writer.shutdown(wait=False)
                writes = list(self._writes)
                wait(writes, timeout=_CLOSE_PATIENCE)
                while wait(writes, timeout=_PAUSE).not_done:
                    self.store.interrupt()
            recorder, self.recorder = self.recorder, None
            try:
                if recorder is not None:
                    recorder.close(self.store)
            except outside_errors() as problem:
                # The file is the session; that the store lists it is a convenience.
                self.last_words.append(f"the session is not listed in the store: {told(problem)}")
            finally:
                self.store.close()

    def _look_at_jobs(self) -> None:
        jobs = self.jobs
        with self.troubles.watched("the jobs cannot be read"):
            jobs = self.client.jobs()
        if [_moving(job) for job in jobs] != [_moving(job) for job in self.jobs]:
            self.jobs = jobs
            self.emit(JobsEvent())
        if monotonic() < self._next_look:
            return
        self._next_look = monotonic() + _LOOK_SECONDS
        if any(job.state == "queued" for job in self.jobs):
            with self.troubles.watched("no worker can be started"):
                self.client.ensure_workers()
        if self._commit is None or self._commit.done():
            with self.troubles.watched("the spool cannot be read"):
                if _holds_results(self.store.spool):
                    self._commit = self.in_background(self.commit)

    def _read_again(self) -> None:
        fresh = None
        with self.troubles.watched("the store cannot be read"), suppress(QueryInterrupted):
            fresh = Holdings.read(self.store)
        if fresh is None:
            # Until it can be read, it is tried again.
            self._next_read = monotonic() + _LOOK_SECONDS
            self._asked = -1
        else:
            self._fresh = fresh

    def _take(self, fresh: Holdings) -> None:
        known = {sae.sae_id for sae in self.catalogue.saes}
        self.revision, self.catalogue, self.marks = fresh.revision, fresh.catalogue, fresh.marks
        new = [sae for sae in self.catalogue.saes if sae.sae_id not in known] if known else []
        if new:
            self._put_in_view(new)
        if self.catalogue.entry(self.attention.sae) is None and self.catalogue.saes:
            first = self.catalogue.saes[0]
            self.attend(
                model=first.model_id,
                hook=first.hook_name,
                sae=first.sae_id,
                in_view=tuple(s.sae_id for s in self.catalogue.saes if s.hook_name == first.hook_name),
            )

    def _put_in_view(self, new: Sequence[SaeEntry]) -> None:
        """What was trained or imported at the hook point that is looked at comes into view; the rest is told of."""
        in_view = {*self.attention.in_view, *(sae.sae_id for sae in at_the_site(new, self.attention))}
        self.attend(in_view=tuple(sae.sae_id for sae in self.catalogue.saes if sae.sae_id in in_view))
        for text in news_of(new, self.attention):
            self.emit(NoticeEvent(text))


@contextmanager
def _looking(looks: bool) -> Iterator[None]:
    token = _LOOKS.set(looks)
    try:
        yield
    finally:
        _LOOKS.reset(token)


def _moving(job: Job) -> tuple[Any, ...]:
    """The parts of a job that change."""
    return (job.record, job.progress, job.waiting)


def _holds_results(spool: Path) -> bool:
    """Whether anything in the spool waits; what was set aside does not."""
    with os.scandir(spool) as entries:
        return any(not entry.name.endswith(".rejected") for entry in entries)
