"""The tables of each screen: each owns its query, what a row is, and its order, and is asked by all that show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saetui.workbench.row_filter import Condition, FilterColumn, parse_filter
from saetui.workbench.table_query import Order, TableQuery


@dataclass(frozen=True)
class TableState:
    """The state of one table: what a person filtered and sorted by, and the row under the cursor."""

    filter: str = ""
    sort: str | None = None
    descending: bool = False
    row: Mapping[str, Any] | None = field(default=None, compare=False)

    @property
    def order(self) -> tuple[Order, ...]:
        """The order that a person asked for; empty where the table's own holds."""
        return (Order(self.sort, self.descending),) if self.sort is not None else ()


@dataclass(frozen=True)
class Table:
    """One table: a named query, the column that names a row, and what it says where it is empty.

    ``order`` is the table's own; without one that of the query holds, which is total.
    """

    id: str
    query: str
    key: str
    # What marks and notes on a row are about.
    subject: str | None = None
    title: str = ""
    empty: str = "no rows"
    order: tuple[Order, ...] = ()
    # Values of parameters that do not follow what is looked at.
    fixed: Mapping[str, Any] = field(default_factory=dict)
    # Whether a person can filter and sort it; the list of jobs is no query on the screen.
    sortable: bool = True
    # Words that mean a condition of their own in a filter, with the condition in SQL.
    filters: Mapping[str, str] = field(default_factory=dict)
    # Columns on which a filter is tested elsewhere, with the SQL around the condition.
    looked_up: Mapping[str, str] = field(default_factory=dict)
    # The pages of the screen that show it; most screens have one.
    pages: tuple[str, ...] = ("",)

    @property
    def screen(self) -> str:
        return self.id.partition(".")[0]

    @property
    def widget_id(self) -> str:
        """The id of the widget that shows it, in which there can be no full stop."""
        return self.id.replace(".", "-")

    def condition(self, text: str, columns: Sequence[FilterColumn]) -> Condition:
        """The condition of a filter line here; raises FilterError where it cannot be read."""
        return parse_filter(text, columns, self.filters, self.looked_up)

    def asked(
        self,
        sql: str,
        params: Mapping[str, Any],
        condition: Condition | None = None,
        order: tuple[Order, ...] = (),
    ) -> TableQuery:
        """What it shows: ``sql`` is its query's text, ``order`` the one asked for, ``params`` what is looked at."""
        params = {**params, **self.fixed}
        return TableQuery(sql, params, self.key, condition or Condition(), order or self.order)


_ABSORBED = (
    "token_id IN (SELECT token_id FROM absorption_verdicts([$sae], NULL, NULL, NULL) WHERE verdict = 'absorbed')"
)
_VOCABULARY = (
    "token_id IN (SELECT vocabulary.token_id FROM vocabulary JOIN error_study USING (model_id) "
    "WHERE study_id = $study AND ({}))"
)

# The first table of a screen has the focus when the screen is opened.
TABLES: Mapping[str, Table] = {
    table.id: table
    for table in (
        Table("overview.saes", "overview", "sae_id", "sae", title="SAEs"),
        Table(
            "letters.letters",
            "letters",
            "letter",
            "letter",
            title="letters",
            empty="not studied for this SAE\n:study letters does it",
        ),
        Table(
            "letters.latents",
            "letter_latents",
            "latent",
            "latent",
            title="latents",
            empty="no latent claims this letter",
        ),
        Table("letters.words", "letter_words", "surface", "token", title="words", empty="no words"),
        Table(
            "absorption.letters",
            "absorption_letters",
            "letter",
            "letter",
            title="letters",
            empty="not studied for this SAE\nA does it, for all in view",
        ),
        Table(
            "absorption.cases",
            "absorption_cases",
            "surface",
            "token",
            title="words",
            empty="no words of this letter were judged",
        ),
        Table(
            "absorption.evidence",
            "absorption_evidence",
            "latent",
            "latent",
            title="latents",
            empty="choose a word",
            pages=("", "word"),
        ),
        Table(
            "absorption.occurrences",
            "absorption_occurrences",
            "rank",
            "token",
            title="occurrences",
            empty="the corpus does not have this word",
            pages=("word",),
        ),
        Table(
            "absorption.map",
            "absorption_map",
            "sae_id",
            "sae",
            title="map",
            empty="none of the SAEs in view has been studied\nA does it",
            pages=("map",),
        ),
        Table(
            "hard_tokens.tokens",
            "hard_tokens",
            "place",
            "place",
            title="tokens",
            empty="the errors of this SAE have not been studied\nA does it, for all in view",
            # The order of the query, named: a place in millions of rows is then found without sorting them.
            order=(Order("rank_value", True),),
            fixed={"parts": True},
            filters={"absorbed": _ABSORBED},
            looked_up=dict.fromkeys(("surface", "letter"), _VOCABULARY),
        ),
        Table(
            "hard_tokens.scaling",
            "error_scaling",
            "sae_id",
            "sae",
            title="what is left unexplained",
            empty="no study of these SAEs",
            pages=("scaling",),
        ),
        Table(
            "hard_tokens.absorbed",
            "hard_absorbed",
            "row",
            title="absorbed words beside others",
            empty="the letters of these SAEs were not studied for absorption\n3 A does it",
            # Words of all letters, since those of one are too few to compare.
            fixed={"letter": None},
            pages=("scaling",),
        ),
        Table("pursuit.runs", "pursuit_runs", "pursuit_id", "sae", title="pursuits", empty="none yet; p makes one"),
        Table(
            "pursuit.tokens",
            "pursuit_tokens",
            "row",
            "place",
            title="tokens",
            empty="no pursuit of this SAE yet; p makes one",
        ),
        Table("pursuit.latents", "pursuit_latents", "latent", "latent", title="latents", empty="no latent fires"),
        Table("jobs.jobs", "job_history", "job_id", sortable=False),
    )
}


# What screens were called before: sessions, links and commands may still say so.
EARLIER_NAMES = {"hard": "hard_tokens"}
_RECORDED_NAMES = {now: earlier for earlier, now in EARLIER_NAMES.items()}


def current_name(name: str) -> str:
    """The name that a screen, or a table of it, has now."""
    screen, dot, table = name.partition(".")
    return EARLIER_NAMES.get(screen, screen) + dot + table


def recorded_name(name: str) -> str:
    """The name of a screen or table in digests: its first, so that those of earlier sessions hold."""
    screen, dot, table = name.partition(".")
    return _RECORDED_NAMES.get(screen, screen) + dot + table


def tables_of(screen: str) -> list[Table]:
    """The tables of a screen in the order of ``tab``."""
    return [table for table in TABLES.values() if table.screen == screen]
