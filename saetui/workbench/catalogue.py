"""What a store holds, in the short form that commands need: its SAEs by name, and which studies were made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from saetui.lookup import meant
from saetui.plugins import leave_out
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screen_study import StudyEntry
from saetui.workbench.screens import GROUP, added_screens, screens, studies_shown
from saetui.workbench.subject import Subject
from store.exceptions import QueryError, QueryInterrupted

if TYPE_CHECKING:
    from store import Store

# The widest name of an SAE at the head of a column of its own.
_LABEL_CELLS = 7


def sae_label(name: str) -> str:
    """The name of an SAE at the head of a column: without what is after the first "-", where it is long."""
    return name.partition("-")[0] if len(name) > _LABEL_CELLS else name


@dataclass(frozen=True)
class SaeEntry:
    """One SAE of the store."""

    sae_id: str
    name: str
    model_id: str
    model_name: str
    hook_name: str
    width: int
    architecture: str
    k: float | None
    l0: float | None
    fvu: float | None
    mean_letter_f1: float | None
    absorption_rate: float | None
    model_source: str
    corpus_source: str
    # On how many tokens its activations were stored last; None where they were not.
    activation_tokens: int | None = None
    # How it was trained, as ``saetui.recipes`` reads it; None where that is not known.
    recipe: str | None = None
    d_model: int | None = None


@dataclass(frozen=True)
class Catalogue:
    """SAEs in the order of their site and width, and the studies that screens show, by kind, the newest first."""

    saes: tuple[SaeEntry, ...] = ()
    studies: Mapping[str, tuple[StudyEntry, ...]] = field(default_factory=dict)
    has_pursuits: bool = False

    @classmethod
    def read(cls, store: Store) -> Catalogue:
        saes = store.fetch(
            "SELECT sae_id, sae.name, sae.model_id, coalesce(sae.model, sae.model_id), hook_name, width, architecture, "
            "k, l0, fvu, mean_letter_f1, absorption_rate, "
            "coalesce(model.source, 'embedded'), coalesce(corpus.source, 'stdlib'), stored.n_tokens, "
            "(SELECT recipe FROM sae AS own WHERE own.sae_id = sae.sae_id), model.d_model "
            "FROM sae_summary AS sae LEFT JOIN model USING (model_id) LEFT JOIN corpus USING (corpus_id) "
            "LEFT JOIN (SELECT sae_id, coalesce(n_tokens, 0) AS n_tokens FROM last_activations LEFT JOIN corpus "
            "USING (corpus_id)) AS stored USING (sae_id) "
            "ORDER BY hook_name, width, sae.name"
        )
        pursuits = store.fetch("SELECT 1 FROM pursuit_run LIMIT 1")
        return cls(tuple(SaeEntry(*row) for row in saes.rows), _studies(store), bool(pursuits.rows))

    def has_study(self, kind: str, sae_id: str | None, in_view: Collection[str] = ()) -> bool:
        """Whether a study of a kind has been made: of the SAEs in view where it is one of several, else of the SAE."""
        study, described = self.study(kind, sae_id), studies_shown().get(kind)
        if study is None or described is None:
            return False
        return set(in_view) <= set(study.sae_ids) if described.together else sae_id in study.sae_ids

    def study(self, kind: str, sae_id: str | None) -> StudyEntry | None:
        """The newest study of a kind of an SAE, or else of its site; None where there is none."""
        entry, made = self.entry(sae_id), self.studies.get(kind, ())
        site = [study for study in made if entry is not None and study.hook_name == entry.hook_name]
        return next((study for study in made if sae_id in study.sae_ids), site[0] if site else None)

    def error_study(self, sae_id: str | None) -> StudyEntry | None:
        """The error study that is shown of an SAE."""
        return self.study("errors", sae_id)

    def sae(self, name: str) -> SaeEntry:
        """The SAE of a name, an id, or the unique beginning of either.

        Raises CommandError, which lists the names there are.
        """
        found = meant(name, self.saes, lambda sae: (sae.sae_id, sae.name))
        if len(found) == 1:
            return found[0]
        if not self.saes:
            raise CommandError("there is no SAE in this store yet; :study demo trains six")
        names = ", ".join(s.name for s in found or self.saes)
        raise CommandError(f"{name!r} can be {names}" if found else f"no SAE {name!r} here; there are {names}")

    def in_words(self, subject: Subject) -> str:
        """What a mark or note is about, as a person knows it."""
        return subject.in_words({sae.sae_id: sae.name for sae in self.saes})

    def entry(self, sae_id: str | None) -> SaeEntry | None:
        """The SAE of an id, or None."""
        return next((s for s in self.saes if s.sae_id == sae_id), None)


@dataclass(frozen=True)
class Holdings:
    """What the workbench keeps of a store, read at one revision."""

    revision: int
    catalogue: Catalogue
    marks: frozenset[Subject]

    @classmethod
    def read(cls, store: Store) -> Holdings:
        revision = store.revision
        marks = store.fetch("SELECT subject, key FROM mark")
        return cls(revision, Catalogue.read(store), frozenset(Subject(kind, key) for kind, key in marks.rows))


def _studies(store: Store) -> dict[str, tuple[StudyEntry, ...]]:
    """The studies that screens show; of another package's screen none where its query is refused."""
    found = {}
    for kind, study in studies_shown().items():
        if not study.made:
            continue
        try:
            rows = store.fetch(study.made).dicts()
            entries = tuple(
                StudyEntry(row["study_id"], row["hook_name"], tuple(row["sae_ids"]), row.get("corpus_id") or "")
                for row in rows
            )
            if entries:
                found[kind] = entries
        except (QueryError, KeyError, TypeError) as problem:
            screen = next(name for name, manifest in screens().items() if manifest.study is study)
            if isinstance(problem, QueryInterrupted) or screen not in added_screens():
                raise
            reason = f"no column {problem}" if isinstance(problem, KeyError) else problem
            leave_out(GROUP, screen, added_screens()[screen], f"{GROUP}: made: {reason}", part=f"the study {kind!r}")
    return found
