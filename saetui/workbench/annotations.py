"""Marks and notes: the filters "marked" and "noted" of a table, and the list of all of them with the way to each."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from saetui.workbench.sql_text import quoted

if TYPE_CHECKING:
    from store import Reader

# The parameters of the conditions.
PARAMETERS = ("sae", "study")


def annotation_filters(subject: str | None, columns: Collection[str]) -> Mapping[str, str]:
    """The conditions "marked" and "noted" of rows about a kind of subject; none where their columns are not enough."""
    key = _key(subject, columns)
    if subject is None or not key:
        return {}
    marked = f"{key} IN (SELECT key FROM mark WHERE subject = '{subject}')"
    noted = f"'{subject}:' || {key} IN (SELECT note_id FROM note)"
    if subject == "place" and "surface" in columns and "corpus_id" in columns:
        # A word in a prompt stands nowhere in a corpus.
        word = annotation_filters("token", ("surface",))
        marked = f"CASE WHEN corpus_id IS NULL THEN {word['marked']} ELSE {marked} END"
        noted = f"CASE WHEN corpus_id IS NULL THEN {word['noted']} ELSE {noted} END"
    return {"marked": marked, "noted": noted}


def _key(subject: str | None, columns: Collection[str]) -> str:
    """The key of a row's subject, in SQL."""
    of_one = {"sae": "sae_id", "letter": "letter", "token": "surface"}.get(subject or "")
    if of_one is not None:
        return f"CAST({quoted(of_one)} AS VARCHAR)" if of_one in columns else ""
    if subject == "latent" and "latent" in columns:
        sae = quoted("sae_id") if "sae_id" in columns else "CAST($sae AS VARCHAR)"
        return f"({sae} || '/' || {quoted('latent')})"
    if subject == "place" and {"context", "position"} <= set(columns):
        study = "(SELECT corpus_id FROM error_study WHERE study_id = $study)"
        corpus = quoted("corpus_id") if "corpus_id" in columns else study
        return f"({corpus} || '/' || context || '/' || position)"
    return ""


@dataclass(frozen=True)
class Annotation:
    """Something that is marked, noted or both: what it is in words, and the link that leads to it."""

    about: str
    note: str
    is_marked: bool
    changed: datetime.datetime
    link: str
    subject: str
    key: str

    def has(self, words: str) -> bool:
        """Whether a text is in its note or in what it is about."""
        return words.strip().lower() in f"{self.about}\n{self.note}".lower()


def read_annotations(store: Reader) -> list[Annotation]:
    """All marks and notes, the latest first."""
    rows = store.fetch("annotations").dicts()
    return [
        Annotation(
            str(row["about"]),
            str(row["note"] or ""),
            bool(row["is_marked"]),
            row["changed"],
            _link(row),
            str(row["subject"]),
            str(row["key"]),
        )
        for row in rows
    ]


def _link(row: Mapping[str, object]) -> str:
    options = {"sae": row["sae"], "token": row["token"]}
    screen = "overview" if row["subject"] == "sae" else "letters"
    path = [row["shown_letter"]] if row["shown_letter"] else []
    if row["subject"] == "latent":
        path = [row["shown_letter"] or "a", row["latent"]]
    if row["subject"] == "place":
        screen, path = "hard_tokens", [row["context"], row["position"]]
    given = urlencode({name: value for name, value in options.items() if value is not None}, errors="replace")
    return "/".join([screen, *(quote(str(part)) for part in path)]) + (f"?{given}" if given else "")
