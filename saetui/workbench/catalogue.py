"""What a store holds, in the short form that commands need: its SAEs by name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from saetui.lookup import meant
from saetui.workbench.exceptions import CommandError
from saetui.workbench.subject import Subject

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
    is_studied: bool  # whether its absorption has been studied
    model_source: str
    corpus_source: str
    activation_tokens: int | None = (
        None  # on how many tokens its activations were stored last; None where they were not
    )
    # How it was trained, as ``saetui.recipes`` reads it; None where that is not known.
    recipe: str | None = None
    d_model: int | None = None


@dataclass(frozen=True)
class ErrorStudyEntry:
    """One error study: SAEs of a site, by rising width, on the same tokens."""

    study_id: str
    hook_name: str
    corpus_id: str
    sae_ids: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """SAEs in the order of their site and width, and error studies, the newest first."""

    saes: tuple[SaeEntry, ...] = ()
    error_studies: tuple[ErrorStudyEntry, ...] = ()
    has_pursuits: bool = False

    @classmethod
    def read(cls, store: Store) -> Catalogue:
        saes = store.fetch(
            "SELECT sae_id, sae.name, sae.model_id, coalesce(sae.model, sae.model_id), hook_name, width, architecture, "
            "k, l0, fvu, mean_letter_f1, absorption_rate, sae_id IN (SELECT sae_id FROM absorption_run), "
            "coalesce(model.source, 'embedded'), coalesce(corpus.source, 'stdlib'), stored.n_tokens, "
            "(SELECT recipe FROM sae AS own WHERE own.sae_id = sae.sae_id), model.d_model "
            "FROM sae_summary AS sae LEFT JOIN model USING (model_id) LEFT JOIN corpus USING (corpus_id) "
            "LEFT JOIN (SELECT sae_id, coalesce(n_tokens, 0) AS n_tokens FROM last_activations LEFT JOIN corpus "
            "USING (corpus_id)) AS stored USING (sae_id) "
            "ORDER BY hook_name, width, sae.name"
        )
        studies = store.fetch(
            "SELECT study_id, hook_name, corpus_id, sae_ids FROM error_study ORDER BY created DESC, study_id"
        )
        pursuits = store.fetch("SELECT 1 FROM pursuit_run LIMIT 1")
        return cls(
            tuple(SaeEntry(*row) for row in saes.rows),
            tuple(ErrorStudyEntry(study, hook, corpus, tuple(ids)) for study, hook, corpus, ids in studies.rows),
            bool(pursuits.rows),
        )

    @property
    def has_letters(self) -> bool:
        """Whether the letters of any SAE have been studied."""
        return any(sae.mean_letter_f1 is not None for sae in self.saes)

    @property
    def has_absorption(self) -> bool:
        """Whether the absorption of any SAE has been studied."""
        return any(sae.is_studied for sae in self.saes)

    def has_study(self, kind: str, sae_id: str | None, in_view: Collection[str]) -> bool:
        """Whether a study of a kind has been made: of the SAEs in view where it is one of several, else of the SAE."""
        entry = self.entry(sae_id)
        if kind == "errors":
            study = self.error_study(sae_id)
            return study is not None and set(in_view) <= set(study.sae_ids)
        if entry is None:
            return False
        return {"letters": entry.mean_letter_f1 is not None, "absorption": entry.is_studied}.get(kind, False)

    def error_study(self, sae_id: str | None) -> ErrorStudyEntry | None:
        """The newest error study of an SAE, or else of its site; None where there is none."""
        entry = self.entry(sae_id)
        site = [s for s in self.error_studies if entry is not None and s.hook_name == entry.hook_name]
        return next((s for s in self.error_studies if sae_id in s.sae_ids), site[0] if site else None)

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
