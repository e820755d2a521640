"""A table of a screen: it owns its query, what a row is, and its order, and is asked by all that show it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from saetui.workbench.annotations import annotation_filters
from saetui.workbench.filter_columns import Condition, FilterColumn
from saetui.workbench.row_filter import parse_filter
from saetui.workbench.table_query import Order, TableQuery
from saetui.workbench.written_values import SHARE, Writing

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class TableState:
    """The state of one table: what a person filtered and sorted by, and the row under the cursor."""

    filter: str = ""
    sort: str | None = None
    descending: bool = False
    row: Mapping[str, Any] | None = field(default=None, compare=False)
    # The parameters that the row was read with.
    asked: Mapping[str, Any] | None = field(default=None, compare=False)

    @property
    def order(self) -> tuple[Order, ...]:
        """The order that a person asked for; empty where the table's own holds."""
        return (Order(self.sort, self.descending),) if self.sort is not None else ()


@dataclass(frozen=True)
class RowChoice:
    """Some of the rows of a table, by the name a person gives them, with the filter that keeps them.

    ``{letter}`` and ``{token}`` in the filter stand for what is looked at. Where what it ``needs``, one of these, is
    not there, or no ``study`` of that kind has been made of the SAE, it is not offered, and ``missing`` says why.
    """

    name: str
    filter: str = ""
    needs: str = ""
    study: str = ""
    missing: str = ""


@dataclass(frozen=True)
class Table:
    """One table: a query, by name or as SQL, the column that names a row, and what it says where it is empty.

    ``order`` is the table's own; without one that of the query holds, which is total.
    """

    id: str
    query: str
    key: str
    # What marks and notes on a row are about.
    subject: str | None = None
    title: str = ""
    empty: str = "no rows"
    # Parts of what is looked at that it needs, each with what it says where there is none.
    needs: tuple[tuple[str, str], ...] = ()
    # The study of an SAE that its rows come from, and what it says where that has not been made and does not run.
    study: str = ""
    unstudied: str = "not studied for this SAE\nA studies all SAEs in view"
    order: tuple[Order, ...] = ()
    # Values of parameters that do not follow what is looked at.
    fixed: Mapping[str, Any] = field(default_factory=dict)
    # Whether a person can filter and sort it; the list of jobs is no query on the screen.
    sortable: bool = True
    # Words that mean a condition of their own in a filter, with the condition in SQL.
    filters: Mapping[str, str] = field(default_factory=dict)
    # Columns on which a filter is tested elsewhere, with the SQL around the condition.
    looked_up: Mapping[str, str] = field(default_factory=dict)
    # Names of columns on the screen, where they are others than the query's, with the columns that they can mean.
    names: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    # How values stand on the screen, by column, where that is otherwise than they are stored.
    writings: Mapping[str, Writing] = field(default_factory=dict)
    # "error_" where error_0 and so on are columns of the SAEs of the error study, which have the SAEs' names there.
    sae_columns: str = ""
    # A condition that keeps one of several equal rows, and the columns in which these differ: a filter that names one
    # of them asks for every row.
    distinct: str = ""
    differing: tuple[str, ...] = ()
    # Which rows can be shown; the key goes through them.
    choices: tuple[RowChoice, ...] = ()
    # The column with the latent that a row is about, which can be inspected.
    latent: str = ""
    # The format of sessions since which its rows are what they are now; earlier digests say nothing of them.
    rows_since: int = 1
    # What ⏎ on a row does: a word for the footer, and what help says.
    enter: str = ""
    enter_help: str = ""
    # A column of truth: rows for which it is false are drawn dim.
    full: str = ""
    # Names of columns that were on the screen before, which filters and sessions still say.
    earlier: Mapping[str, str] = field(default_factory=dict)
    # Columns that came after sessions had been recorded: they are not in digests, so that those hold.
    undigested: tuple[str, ...] = ()
    # What columns were called when sessions were recorded: digests say that still. ``earlier`` has it as well.
    renamed: Mapping[str, str] = field(default_factory=dict)
    # The pages of the screen that show it; most screens have one.
    pages: tuple[str, ...] = ("",)

    @property
    def screen(self) -> str:
        return self.id.partition(".")[0]

    @property
    def widget_id(self) -> str:
        """The id of the widget that shows it, in which there can be no full stop."""
        return self.id.replace(".", "-")

    @property
    def named_columns(self) -> Mapping[str, tuple[str, ...]]:
        """The columns that each name can mean, on the screen or before."""
        named = {**self.earlier, **self.names}
        return {name: (meant,) if isinstance(meant, str) else meant for name, meant in named.items()}

    def condition(self, text: str, columns: Sequence[FilterColumn], *, unit: str = "") -> Condition:
        """The condition of a filter line here, the errors of SAEs in a unit; raises FilterError where it is none."""
        written = [replace(column, writing=self._writing(column.name, unit)) for column in columns]
        return parse_filter(text, written, self.named_conditions(columns), self.looked_up)

    def _writing(self, column: str, unit: str) -> Writing:
        if unit == "share" and self.sae_columns and column.startswith(self.sae_columns):
            return SHARE
        return self.writings.get(column, Writing())

    def named_conditions(self, columns: Sequence[FilterColumn]) -> Mapping[str, str]:
        """Words that mean a condition of their own in a filter here: its own, and "marked" and "noted"."""
        return {**annotation_filters(self.subject, {column.name for column in columns}), **self.filters}

    def asked(
        self,
        sql: str,
        params: Mapping[str, Any],
        condition: Condition | None = None,
        order: tuple[Order, ...] = (),
    ) -> TableQuery:
        """What it shows: ``sql`` is its query's text, ``order`` the one asked for, ``params`` what is looked at."""
        params = {**params, **self.fixed}
        condition = condition or Condition()
        if self.is_distinct(condition, order):
            one = f"{self.distinct} AND ({condition.sql})" if condition else self.distinct
            condition = replace(condition, sql=one)
        return TableQuery(sql, params, self.key, condition, order or self.order)

    def is_distinct(self, condition: Condition, order: tuple[Order, ...] = ()) -> bool:
        """Whether one of several equal rows stands for them; not where what is asked for differs between them."""
        asked_for = {*_WORD.findall(condition.sql), *(column.column for column in order)}
        return bool(self.distinct) and asked_for.isdisjoint(self.differing)
