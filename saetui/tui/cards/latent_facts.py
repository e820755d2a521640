"""What is known of one latent, read from the store for its card."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from saetui.tui.drawing.token_strip import StripToken
from saetui.tui.table.row_window import RowSource

N_CONTEXTS = 30


@dataclass(frozen=True)
class Claim:
    """A letter for which the latent is listed: its F1, and its cosines with the direction of the letter's probe."""

    letter: str
    f1: float
    is_main: bool
    cos_encoder: float
    cos_decoder: float


@dataclass(frozen=True)
class Neighbour:
    """A latent that points the same way, by cosine of the decoder directions."""

    sae_id: str
    sae: str
    latent: int
    cosine: float
    top_token: str | None


@dataclass(frozen=True)
class Context:
    """A place where the latent fires: the tokens around it; ``focus`` is the index of the one it fires on."""

    activation: float
    context: int
    position: int
    tokens: tuple[StripToken, ...]
    focus: int


@dataclass(frozen=True)
class Tenth:
    """A tenth of the range of a latent's activations, 10 the strongest: its number of tokens, and one of them."""

    tenth: int
    n_tokens: int
    context: Context


@dataclass(frozen=True)
class LatentFacts:
    """Statistics as in the table ``latent``; tokens come with their logit or share, strongest first.

    ``has_activations`` says whether the SAE's activations are stored at all; without them there are no contexts.
    """

    sae_id: str
    sae: str
    latent: int
    n_fires: int
    density: float
    max_activation: float
    mean_activation: float | None
    decoder_norm: float
    encoder_decoder_cosine: float | None
    histogram: tuple[int, ...]
    promotes: tuple[tuple[str, float], ...]
    suppresses: tuple[tuple[str, float], ...]
    top_tokens: tuple[tuple[str, float], ...]
    claims: tuple[Claim, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    contexts: tuple[Context, ...] = ()
    tenths: tuple[Tenth, ...] = ()
    has_activations: bool = True
    notes: tuple[str, ...] = ()


_STORED = "SELECT 1 FROM last_activations WHERE sae_id = $sae"
_NOTES = "SELECT text FROM note WHERE subject = 'latent' AND sae_id = $sae AND latent = $latent ORDER BY changed DESC"


def read_latent(reader: RowSource, sae_id: str, latent: int) -> LatentFacts | None:
    """Everything the card shows; None where the store has no statistics of the latent.

    Raises:
        StoreError: the store cannot be read, or the reader was interrupted.
    """
    found = reader.fetch("latent_card", sae=sae_id, latent=latent)
    if not found.rows:
        return None
    row: dict[str, Any] = dict(zip(found.columns, found.rows[0], strict=True))
    neighbours = reader.fetch("latent_neighbours", sae=sae_id, latent=latent)
    contexts = reader.fetch("latent_top_activations", sae=sae_id, latent=latent, limit=N_CONTEXTS)
    tenths = reader.fetch("latent_activation_range", sae=sae_id, latent=latent)
    stored = reader.fetch(_STORED, sae=sae_id)
    notes = reader.fetch(_NOTES, sae=sae_id, latent=latent)
    return LatentFacts(
        sae_id=sae_id,
        sae=row["sae"],
        latent=latent,
        n_fires=row["n_fires"],
        density=row["density"],
        max_activation=row["max_activation"],
        mean_activation=row["mean_activation"],
        decoder_norm=row["decoder_norm"],
        encoder_decoder_cosine=row["encoder_decoder_cosine"],
        histogram=tuple(row["histogram"] or ()),
        promotes=_paired(row["promotes"], row["promotes_logit"]),
        suppresses=_paired(row["suppresses"], row["suppresses_logit"]),
        top_tokens=_paired(row["top_tokens"], row["top_token_share"]),
        claims=tuple(_claim(claim) for claim in row["letters"] or ()),
        neighbours=tuple(_neighbour(record) for record in neighbours.dicts()),
        contexts=tuple(_context(record) for record in contexts.dicts()),
        tenths=tuple(Tenth(record["tenth"], record["n_tokens"], _context(record)) for record in tenths.dicts()),
        has_activations=bool(stored.rows),
        notes=tuple(text for (text,) in notes.rows),
    )


def _paired(tokens: Sequence[str] | None, numbers: Sequence[float] | None) -> tuple[tuple[str, float], ...]:
    return tuple(zip(tokens or (), numbers or (), strict=False))


def _claim(record: Mapping[str, Any]) -> Claim:
    cosines = record["cos_encoder"], record["cos_decoder"]
    return Claim(record["letter"], record["f1"], bool(record["is_main"]), *cosines)


def _neighbour(record: Mapping[str, Any]) -> Neighbour:
    return Neighbour(record["sae_id"], record["sae"], record["latent"], record["cosine"], record["top_token"])


def _context(record: Mapping[str, Any]) -> Context:
    tokens = tuple(map(StripToken, record["tokens"] or (), record["activations"] or ()))
    focus = record["position"] - (record["first_position"] or 0)
    return Context(record["activation"], record["context"], record["position"], tokens, focus)
