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
    # Words that mean a condition of their own in a filter, with the condition in SQL.
    filters: Mapping[str, str] = field(default_factory=dict)
    # Columns on which a filter is tested elsewhere, with the SQL around the condition.
    looked_up: Mapping[str, str] = field(default_factory=dict)
    # The pages of the screen that show it; most screens have one.
    pages: tuple[str, ...] = ("",)

    @property
    def screen(self) -> str:
        return self.id.partition(".")[0]


_ABSORBED = (
    "token_id IN (SELECT token_id FROM absorption_verdicts([$sae], NULL, NULL, NULL) WHERE verdict = 'absorbed')"
)
_VOCABULARY = (
    "token_id IN (SELECT vocabulary.token_id FROM vocabulary JOIN error_study USING (model_id) "
    "WHERE study_id = $study AND ({}))"
)

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
        TableSpec(
            "hard.tokens",
            "hard_tokens",
            ("place",),
            "place",
            filters={"absorbed": _ABSORBED},
            looked_up=dict.fromkeys(("surface", "letter"), _VOCABULARY),
        ),
        TableSpec("hard.scaling", "error_scaling", ("sae_id",), "sae", pages=("scaling",)),
        TableSpec("hard.absorbed", "hard_absorbed", ("row",), pages=("scaling",)),
        TableSpec("pursuit.runs", "pursuit_runs", ("pursuit_id",), "sae"),
        TableSpec("pursuit.tokens", "pursuit_tokens", ("row",), "place"),
        TableSpec("pursuit.latents", "pursuit_latents", ("latent",), "latent"),
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
