"""What is known of one word in the absorption study, read from the store for its card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from saetui.tui.cards.latent_facts import LatentFacts, read_latent
from saetui.tui.table.row_window import RowSource
from saetui.workbench.filter_columns import Condition
from saetui.workbench.sql_text import parameter_names
from saetui.workbench.table_query import TableQuery
from store.queries import named_query


@dataclass(frozen=True)
class CaseSubject:
    """A word as it is judged: ``asked`` are the parameters of the queries; ``latent`` is the one to describe.

    ``place`` is the context and position of an occurrence in the corpus to describe instead.
    """

    asked: Mapping[str, Any]
    latent: int | None = None
    place: tuple[int, int] | None = None


@dataclass(frozen=True)
class CaseFacts:
    """A row of ``absorption_cases``, the rows of ``absorption_evidence``, the latent, and notes on the word.

    ``thresholds`` has the lead and min_cosine that the word was judged by.
    ``active`` are rows of ``absorption_active`` for the occurrence that was asked about.
    """

    case: Mapping[str, Any]
    evidence: Sequence[Mapping[str, Any]]
    latent: LatentFacts | None
    notes: tuple[str, ...] = ()
    active: Sequence[Mapping[str, Any]] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)

    @property
    def main(self) -> list[Mapping[str, Any]]:
        return [row for row in self.evidence if row["role"] == "main"]

    def row_of(self, latent: int | None) -> Mapping[str, Any] | None:
        return next((row for row in self.evidence if row["latent"] == latent), None)


_THRESHOLDS = """
SELECT coalesce($lead, lead) AS lead, coalesce($min_cosine, min_cosine) AS min_cosine
FROM last_absorption
WHERE sae_id = $sae
"""
_NOTES = "SELECT text FROM note WHERE subject = 'token' AND token = $token ORDER BY changed DESC"


def read_case(reader: RowSource, subject: CaseSubject) -> CaseFacts | None:
    """Everything the card shows; None where the word is not among those of the study.

    Raises:
        StoreError: the store cannot be read, or the reader was interrupted.
    """
    of_word = Condition("surface = $token", {"token": subject.asked["token"]})
    sql, asked = TableQuery(named_query("absorption_cases"), subject.asked, condition=of_word).text()
    cases = reader.fetch(sql, **asked).dicts()
    if not cases:
        return None
    (case,) = cases
    evidence = _rows(reader, named_query("absorption_evidence"), subject.asked)
    notes = tuple(text for (text,) in reader.fetch(_NOTES, token=case["surface"]).rows)
    (thresholds,) = _rows(reader, _THRESHOLDS, subject.asked) or [{}]
    if subject.place is not None:
        asked = {**subject.asked, "context": subject.place[0], "position": subject.place[1]}
        active = _rows(reader, named_query("absorption_active"), asked)
        return CaseFacts(case, evidence, None, notes, active, thresholds)
    latent = subject.latent if subject.latent is not None else case["absorber"]
    if latent is None and evidence:
        latent = evidence[0]["latent"]
    facts = read_latent(reader, str(subject.asked["sae"]), latent) if latent is not None else None
    return CaseFacts(case, evidence, facts, notes, thresholds=thresholds)


def _rows(reader: RowSource, sql: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    return reader.fetch(sql, **{name: asked[name] for name in parameter_names(sql) if name in asked}).dicts()
