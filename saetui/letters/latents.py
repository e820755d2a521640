"""Latents as classifiers of a letter, by the SAE's own encoder: precision, recall, F1, AUROC (2409.14507)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from saetui.letters.metrics import area_under_roc, letter_metrics
from saetui.letters.vocabulary import LETTERS
from saetui.sae.base import FIRING
from saetui.sae.sparse import sparse_rows


@dataclass(frozen=True)
class SparseLatents:
    """Latent activations of some words; rows are padded with value 0."""

    indices: Int[Tensor, "word slot"]
    values: Float[Tensor, "word slot"]
    width: int

    @classmethod
    def of_dense(cls, latents: Float[Tensor, "word latent"]) -> Self:
        """The non-zeros of a dense array."""
        indices, values = sparse_rows(latents)
        return cls(indices, values, latents.shape[1])

    def __len__(self) -> int:
        return len(self.indices)

    def rows(self, chosen: Int[Tensor, " chosen"] | Bool[Tensor, " word"]) -> Self:
        """The same latents on some of the words."""
        return type(self)(self.indices[chosen], self.values[chosen], self.width)

    def columns(self, latents: Sequence[int]) -> Float[Tensor, "word chosen"]:
        """Activations of a few latents, in their order, on every word."""
        chosen = torch.as_tensor(list(latents), dtype=torch.long, device=self.indices.device)
        place = torch.full((self.width,), len(chosen), device=self.indices.device)
        place[chosen] = torch.arange(len(chosen), device=self.indices.device)
        dense = self.values.new_zeros(len(self), len(chosen) + 1)
        return dense.scatter_add_(1, place[self.indices], self.values)[:, :-1]

    def column(self, latent: int) -> Float[Tensor, " word"]:
        """One latent's activation on every word."""
        return torch.where(self.indices == latent, self.values, 0).sum(1)


@dataclass(frozen=True)
class LetterLatent:
    """One latent judged as a classifier of one letter; cosines are with the letter's probe direction."""

    letter: str
    latent: int
    precision: float
    recall: float
    f1: float
    auroc: float | None
    cos_encoder: float
    cos_decoder: float
    by_encoder: bool
    """The paper's pick: the latent whose encoder direction is nearest to the probe's."""


def classification_counts(
    latents: SparseLatents, letters: Int[Tensor, " word"]
) -> tuple[Float[Tensor, "letter latent"], Float[Tensor, " latent"]]:
    """Words of each letter on which each latent fires, and all words on which each latent fires."""
    fires = latents.values > FIRING
    rows, _ = fires.nonzero(as_tuple=True)
    cells = letters[rows] * latents.width + latents.indices[fires]
    hits = torch.bincount(cells, minlength=len(LETTERS) * latents.width).view(len(LETTERS), latents.width).double()
    return hits, hits.sum(0)


def f1_scores(latents: SparseLatents, letters: Int[Tensor, " word"]) -> Float[Tensor, "letter latent"]:
    """F1 of "the latent fires" as a sign of each letter, for all latents at once; 0 where nothing fires."""
    hits, fires = classification_counts(latents, letters)
    support = torch.bincount(letters, minlength=len(LETTERS)).double()
    return 2 * hits / (support[:, None] + fires[None]).clamp(min=1)


def letter_latents(
    latents: SparseLatents,
    letters: Int[Tensor, " word"],
    encoder: Float[Tensor, "latent d"],
    decoder: Float[Tensor, "latent d"],
    probe_directions: Float[Tensor, "letter d"],
    *,
    top: int = 10,
    also: Mapping[str, Sequence[int]] | None = None,
    pre_activations: Callable[[list[int]], Float[Tensor, "word latent"]] | None = None,
) -> dict[str, list[LetterLatent]]:
    """Each letter's best latents, highest F1 first: the paper's pick, the ``top`` latents by F1, and those of ``also``.

    Directions are one per row, of any norm; cosines with a zero direction are 0. AUROC is of pre-activations, as in the
    paper, where ``pre_activations`` gives those of some latents on all words; else of activations.
    """
    f1 = f1_scores(latents, letters)
    directions = functional.normalize(probe_directions, dim=1)
    cos_encoder = functional.normalize(encoder, dim=1) @ directions.T
    cos_decoder = functional.normalize(decoder, dim=1) @ directions.T
    found = {}
    for i, letter in enumerate(LETTERS):
        pick = int(cos_encoder[:, i].argmax())
        best = f1[i].topk(min(top, latents.width))
        chosen = [j for j, score in zip(best.indices.tolist(), best.values.tolist(), strict=True) if score > 0]
        chosen += dict.fromkeys(j for j in (pick, *(also or {}).get(letter, ())) if j not in chosen)
        rows = []
        scores = None if pre_activations is None else pre_activations(chosen)
        for place, latent in enumerate(chosen):
            activation = latents.column(latent)
            metrics = letter_metrics(activation, letters == i, threshold=FIRING)
            score = activation if scores is None else scores[:, place]
            rows.append(
                LetterLatent(
                    letter,
                    latent,
                    metrics.precision,
                    metrics.recall,
                    metrics.f1,
                    area_under_roc(score, letters == i),
                    float(cos_encoder[latent, i]),
                    float(cos_decoder[latent, i]),
                    latent == pick,
                )
            )
        found[letter] = sorted(rows, key=lambda row: -row.f1)
    return found
