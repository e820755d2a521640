"""What a note or a mark is about: an SAE, a letter, a latent of an SAE, a token, or the place of one in a text."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from saetui.workbench.exceptions import CommandError

SUBJECTS = ("sae", "letter", "latent", "token", "place")

# The columns of the note table that hold a key, where they have another name; that of a place stands for its token.
_COLUMNS = {"sae": "sae_id", "place": "token"}


def place_key(corpus_id: str, context: int, position: int) -> str:
    """The key of a token's place: the token set, and where in it the token stands."""
    return f"{corpus_id}/{int(context)}/{int(position)}"


@dataclass(frozen=True)
class Subject:
    """``Subject("latent", "<sae_id>/412")`` or ``Subject("place", "<corpus_id>/<context>/<position>")``.

    The key is what the ``mark`` table stores.
    """

    kind: str
    key: str

    def __post_init__(self) -> None:
        if self.kind not in SUBJECTS:
            raise CommandError(f"a mark or note is about one of {', '.join(SUBJECTS)}, not {self.kind!r}")

    @classmethod
    def of_row(cls, kind: str, row: Mapping[str, Any], *, sae: str | None) -> Self | None:
        """The subject of a table row, or None where the row lacks its columns."""
        if kind == "sae" and row.get("sae_id"):
            return cls(kind, str(row["sae_id"]))
        if kind == "letter" and row.get("letter"):
            return cls(kind, str(row["letter"]))
        if kind == "token" and row.get("surface") is not None:
            return cls(kind, str(row["surface"]))
        if kind == "place" and row.get("corpus_id") and row.get("position") is not None:
            return cls(kind, place_key(row["corpus_id"], row["context"], row["position"]))
        if kind == "place" and row.get("surface") is not None:
            # A word in a prompt stands nowhere in a corpus.
            return cls("token", str(row["surface"]))
        owner = row.get("sae_id", sae)
        if kind == "latent" and owner and row.get("latent") is not None:
            return cls(kind, f"{owner}/{int(row['latent'])}")
        return None

    def columns(self) -> dict[str, Any]:
        """The columns of the ``note`` table that name it."""
        columns: dict[str, Any] = {"sae_id": None, "letter": None, "latent": None, "token": None}
        if self.kind == "latent":
            sae, _, latent = self.key.rpartition("/")
            return columns | {"sae_id": sae, "latent": int(latent)}
        return columns | {_COLUMNS.get(self.kind, self.kind): self.key}

    def in_words(self, sae_names: Mapping[str, str]) -> str:
        """What it is as a person knows it: ``latent 752 of w1024-k8``; ``sae_names`` has the names of SAEs by id."""
        if self.kind == "sae":
            return f"SAE {sae_names.get(self.key, self.key)}"
        if self.kind == "latent":
            sae, _, latent = self.key.rpartition("/")
            return f"latent {latent} of {sae_names.get(sae, sae)}"
        if self.kind == "place":
            _, context, position = self.key.rsplit("/", 2) if self.key.count("/") > 1 else ("", "?", self.key)
            return f"token {position} of context {context}"
        return f"word “{self.key}”" if self.kind == "token" else f"{self.kind} {self.key}"
