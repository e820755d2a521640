"""What a note or a mark is about: an SAE, a letter, a latent of an SAE, or a token."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from saetui.commands.errors import CommandError

SUBJECTS = ("sae", "letter", "latent", "token")


@dataclass(frozen=True)
class Subject:
    """``Subject("latent", "<sae_id>/412")``; the key is what the ``mark`` table stores."""

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
        return columns | {"sae_id" if self.kind == "sae" else self.kind: self.key}

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
