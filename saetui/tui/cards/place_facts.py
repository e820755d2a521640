"""What is known of one token in its text: the errors of every SAE around it, the latents that fire on it, and notes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saetui.tui.table.row_window import RowSource
from saetui.workbench.sql_text import parameter_names
from saetui.workbench.subject import place_key
from store.queries import named_query


@dataclass(frozen=True)
class PlaceSubject:
    """A token as it is looked at: ``asked`` are parameters of the queries, ``corpus`` the token set of the study."""

    asked: Mapping[str, Any]
    corpus: str

    @property
    def place(self) -> tuple[int, int]:
        """Context and position."""
        return int(self.asked["context"]), int(self.asked["position"])


@dataclass(frozen=True)
class PlaceFacts:
    """Rows of ``error_context``, the place in them, rows of ``token_latents`` of the current SAE, and notes."""

    context: int
    tokens: Sequence[Mapping[str, Any]]
    index: int
    latents: Sequence[Mapping[str, Any]]
    names: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def token(self) -> Mapping[str, Any]:
        """The row of the token itself."""
        return self.tokens[self.index]

    @property
    def saes(self) -> list[tuple[str, str]]:
        """``(id, name)`` of the SAEs of the study, in its order."""
        return [(sae_id, self.names.get(sae_id, sae_id)) for sae_id in self.tokens[0]["sae_ids"]]

    @property
    def has_errors(self) -> bool:
        """Whether the study measured this token."""
        return self.token["error_norm"] is not None


_NAMES = "SELECT sae_id, name FROM sae"
_NOTES = "SELECT text FROM note WHERE subject = 'place' AND token = $key ORDER BY changed DESC"


def read_place(reader: RowSource, subject: PlaceSubject) -> PlaceFacts | None:
    """Everything that is shown of a token; None where the text has no token there.

    Raises:
        StoreError: the store cannot be read, or the reader was interrupted.
    """
    context, position = subject.place
    tokens = _rows(reader, "error_context", subject.asked)
    index = next((i for i, row in enumerate(tokens) if row["position"] == position), None)
    if index is None:
        return None
    latents = _rows(reader, "token_latents", {**subject.asked, "corpus": subject.corpus, "limit": None, "offset": 0})
    names: dict[str, str] = dict(reader.fetch(_NAMES).rows)
    notes = reader.fetch(_NOTES, key=place_key(subject.corpus, context, position))
    return PlaceFacts(context, tokens, index, latents, names, tuple(text for (text,) in notes.rows))


def _rows(reader: RowSource, query: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    sql = named_query(query)
    return reader.fetch(sql, **{name: asked.get(name) for name in parameter_names(sql)}).dicts()


def in_unit(error: float, unit: str, row: Mapping[str, Any]) -> float | None:
    """An error norm in a unit: "norm", "share" of the activation's norm, or "fvu", squared over the variance."""
    if unit == "norm":
        return error
    against = row["activation_norm"] if unit == "share" else row["variance"]
    if not against:
        return None
    return error / float(against) if unit == "share" else error**2 / float(against)
