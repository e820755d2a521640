"""The tables of each screen: which query fills them, what a row is, and how a person has filtered and sorted them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class TableSpec:
    """One table: a named query, the columns that name a row, and what marks and notes on a row are about."""

    id: str
    query: str
    key: tuple[str, ...]
    subject: str | None = None
    # Whether a person can filter and sort it; the list of jobs is no query on the screen.
    sortable: bool = True
    # The pages of the screen that show it; most screens have one.
    pages: tuple[str, ...] = ("",)

    @property
    def screen(self) -> str:
        return self.id.partition(".")[0]


# The first table of a screen has the focus when the screen is opened.
TABLES: Mapping[str, TableSpec] = {
    spec.id: spec
    for spec in (
        TableSpec("overview.saes", "overview", ("sae_id",), "sae"),
        TableSpec("letters.letters", "letters", ("letter",), "letter"),
        TableSpec("letters.latents", "letter_latents", ("latent",), "latent"),
        TableSpec("letters.words", "letter_words", ("surface",), "token"),
        TableSpec("absorption.letters", "absorption_letters", ("letter",), "letter"),
        TableSpec("absorption.cases", "absorption_cases", ("surface",), "token"),
        TableSpec("absorption.evidence", "absorption_evidence", ("latent",), "latent", pages=("", "word")),
        TableSpec("absorption.occurrences", "absorption_occurrences", ("rank",), "token", pages=("word",)),
        TableSpec("absorption.map", "absorption_map", ("sae_id",), "sae", pages=("map",)),
        TableSpec("jobs.jobs", "job_history", ("job_id",), sortable=False),
    )
}


def tables_of(screen: str) -> list[TableSpec]:
    """The tables of a screen in the order of ``tab``."""
    return [spec for spec in TABLES.values() if spec.screen == screen]


@dataclass(frozen=True)
class TableState:
    """How one table stands: what a person filtered and sorted by, and the row under the cursor."""

    filter: str = ""
    sort: str | None = None
    descending: bool = False
    row: Mapping[str, Any] | None = field(default=None, compare=False)
