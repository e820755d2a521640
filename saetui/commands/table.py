"""Commands of every table: filter, sort, mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.commands.select import surface_of
from saetui.workbench.exceptions import CommandError
from saetui.workbench.filter_columns import ColumnNames, FilterError
from saetui.workbench.known_places import require_subject
from saetui.workbench.screens import current_name, screens, tables, tables_of
from saetui.workbench.subject import Subject
from saetui.workbench.tables import RowChoice, Table
from store.exceptions import StoreError

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

# How a filter is written, with what it means: the shorthand, and SQL.
FILTER_USAGE = (
    ("sh   ~sth   !sh   'sea f'   a or b", "text in any column; letters in this order; not; with a space; either"),
    ("f1>0.5   rate>5%   word~ing", "a column compared, or with a text in it; terms side by side must all hold"),
    ("f1=none   word='None'", "no value; what stands in quotes is text, a quotation mark in it is written twice"),
    ("word like '%ing' and not usable", "SQL: in (…), between … and …, is null, or, functions such as abs(effect)"),
)


@command(
    "filter",
    "Show only rows that have a text, or where f1 > 0.5",
    keys={"slash": ""},
    label="filter",
    asks=True,
)
class Filter(Command):
    text: str = argument(
        help="words, ~fuzzy, f1>0.5, !not, or between them, or SQL such as f1 is not null; nothing shows all",
        rest=True,
    )
    table: str = argument(default="", help="the table; the focused one if left out", complete="table")

    @property
    def reads(self) -> bool:
        return bool(self.text)

    def resolved(self, bench: Workbench) -> Filter:
        return Filter(self.text, table=_table(bench, self.table))

    def run(self, bench: Workbench) -> None:
        bench.condition(self.table, self.text, bench.attention.unit)
        bench.change_table(self.table, filter=self.text)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.table.sortable else f"{bench.focus} is always in its own order, and shown whole"


@command("sort", "Sort by a column; again to reverse the order", keys={"s": ""}, label="sort", asks=True)
class Sort(Command):
    column: str = argument(help="a column of the table", complete="column")
    direction: str = argument(default="", help="up or down; reversed if left out", complete="direction")
    table: str = argument(default="", help="the table; the focused one if left out", complete="table")

    @property
    def reads(self) -> bool:
        return True

    def resolved(self, bench: Workbench) -> Sort:
        table = _table(bench, self.table)
        try:
            column = ColumnNames(bench.columns(table)).column(self.column)
        except FilterError as problem:
            raise CommandError(f"sort: {problem}") from problem
        state = bench.tables[table]
        # Words begin at a, numbers with the largest.
        first, second = ("up", "down") if column.kind == "words" else ("down", "up")
        now = None if state.sort != column.name else "down" if state.descending else "up"
        return Sort(column.name, direction=self.direction or (second if now == first else first), table=table)

    def run(self, bench: Workbench) -> None:
        if self.direction not in ("up", "down"):
            raise CommandError(f"sort: direction is up or down, not {self.direction!r}")
        bench.change_table(self.table, sort=self.column, descending=self.direction == "down")

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.table.sortable else f"{bench.focus} is always in its own order, and shown whole"


@command("unsort", "Restore the table's own order")
class Unsort(Command):
    table: str = argument(default="", help="the table; the focused one if left out", complete="table")

    def resolved(self, bench: Workbench) -> Unsort:
        return Unsort(_table(bench, self.table))

    def run(self, bench: Workbench) -> None:
        bench.change_table(self.table, sort=None, descending=False)


def missing_study(bench: Workbench) -> str:
    """What to say where there is no study yet that fills the screen; empty where there is one, or nothing to say."""
    study = screens()[bench.screen].study
    return study.missing if study is not None and not bench.catalogue.studies.get(study.kind) else ""


def choices_of(bench: Workbench) -> tuple[Table, tuple[RowChoice, ...]] | None:
    """The table of this screen whose rows can be chosen by name, and its choices; None where there is none."""
    return next(((table, table.choices) for table in tables_of(bench.screen) if table.choices), None)


def filter_of(bench: Workbench, choice: RowChoice) -> str | None:
    """The filter that keeps the rows of a choice; None where what it needs is not looked at, or not studied."""
    attention = bench.attention
    if choice.study and not bench.catalogue.has_study(choice.study, attention.sae):
        return None
    value = str(getattr(attention, choice.needs) or "") if choice.needs else ""
    if choice.needs and not value:
        return None
    return choice.filter.replace(f"{{{choice.needs}}}", value.replace('"', '""'))


def shown_choice(bench: Workbench, table: str) -> str | None:
    """The name of the choice of rows that a table shows; None where a filter of another kind holds."""
    text, choices = bench.tables[table].filter, tables()[table].choices
    return next((choice.name for choice in choices if filter_of(bench, choice) == text), None)


def _names(bench: Workbench) -> list[str]:
    found = choices_of(bench)
    return [choice.name for choice in found[1]] if found is not None else []


@command("only", "Show all rows of a letter or a study, or only some of them", keys={"w": ""}, label="rows")
class Only(Command):
    which: str = argument(
        default="",
        help="all, missed, absorbed, …, as the screen has them; the next of them if left out",
        complete=_names,
    )

    def resolved(self, bench: Workbench) -> Filter:
        found = choices_of(bench)
        if found is None:
            raise CommandError("only: there is nothing to choose from here")
        table, choices = found
        filters = {choice.name: filter_of(bench, choice) for choice in choices}
        if self.which and self.which not in filters:
            raise CommandError(f"only: must be one of {', '.join(filters)}, not {self.which!r}")
        offered = [name for name, text in filters.items() if text is not None]
        if self.which:
            name = self.which
        else:
            shown = shown_choice(bench, table.id)
            name = offered[(offered.index(shown) + 1) % len(offered)] if shown in offered else offered[0]
        text = filters[name]
        if text is None:
            missing = next(choice.missing for choice in choices if choice.name == name)
            raise CommandError(f"only {name}: {missing}")
        return Filter(text, table=table.id)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:  # noqa: ARG003
        found = choices_of(bench)
        if found is None:
            return "there is nothing to choose from here"
        if missing := missing_study(bench):
            return missing
        return "" if bench.page in found[0].pages else f"the {found[0].title} are not shown; M shows them"


def typed_subject(bench: Workbench, kind: str, key: str) -> Subject:
    """What a typed kind and key name; CommandError where it is neither in the store nor marked."""
    subject = Subject(kind, key)
    if subject in bench.marks:
        return subject  # Also of what the store no longer has, a mark can be taken off.
    return require_subject(bench.store, bench.catalogue, kind, surface_of(bench, key) if kind == "token" else key)


@command("mark", "Mark the row under the cursor, or unmark it", keys={"m": ""}, label="mark")
class Mark(Command):
    kind: str = argument(default="", help="sae, letter, latent or token", complete="subject")
    key: str = argument(default="", help="which one, e.g. an SAE and a latent of it: w2048-k4/412")

    @property
    def reads(self) -> bool:
        return bool(self.kind and self.key)

    def resolved(self, bench: Workbench) -> Mark:
        if self.kind and self.key:
            subject = typed_subject(bench, self.kind, self.key)
            return Mark(subject.kind, subject.key)
        if bench.subject is None:
            raise CommandError("mark: put the cursor on an SAE, letter, latent or token")
        return Mark(bench.subject.kind, bench.subject.key)

    def run(self, bench: Workbench) -> None:
        subject = Subject(self.kind, self.key)
        if bench.toggle_mark(subject):
            sql = "INSERT INTO mark VALUES ($kind, $key, now()::TIMESTAMP) ON CONFLICT DO NOTHING"
        else:
            sql = "DELETE FROM mark WHERE subject = $kind AND key = $key"

        def save() -> None:
            try:
                bench.store.write(sql, {"kind": subject.kind, "key": subject.key})
            except StoreError:
                # What is shown as marked is what the store has.
                bench.toggle_mark(subject)
                raise

        bench.in_background(save)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.table.subject is not None else "put the cursor on an SAE, letter, latent or token"


def _table(bench: Workbench, name: str) -> str:
    name = current_name(name) or bench.focus
    if name not in tables():
        raise CommandError(f"no table {name!r}; there are {', '.join(tables())}")
    if not tables()[name].sortable:
        raise CommandError(f"{name} is always in its own order, and shown whole")
    return name
