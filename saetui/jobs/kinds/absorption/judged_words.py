"""Words that a letter's probe gets right: what an SAE's latents make of them, raw, so that any threshold can judge."""

from dataclasses import dataclass

import polars as pl
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.letters.task import WordLatents
from saetui.jobs.specs import AbsorptionSpec
from saetui.jobs.work.words import LetterSite, LetterWords
from saetui.letters import (
    LETTERS,
    AbsorptionRule,
    LetterRate,
    ProjectionScores,
    SparseLatents,
    SparseProbe,
    draw_order,
    paper_verdicts,
    projection_scores,
    projection_verdicts,
    sample_words,
)
from saetui.sae.base import FIRING


@dataclass
class JudgedWords:
    """The judged words of one letter; ``effects`` are filled in for the words whose effects were measured."""

    letter: str
    probe: SparseProbe
    words: Int[Tensor, " word"]
    """Rows of the words among all words of the study."""
    draw: Int[Tensor, " word"]
    """Place in the letter's random order; samples take the lowest."""
    projection: Float[Tensor, " word"]
    sparse_logits: Float[Tensor, "word k"]
    ranked: Float[Tensor, "word k"]
    """Activations of the letter's ranked latents."""
    indices: Int[Tensor, "word slot"]
    values: Float[Tensor, "word slot"]
    projections: Float[Tensor, "word slot"]
    all_cosines: Float[Tensor, " latent"]
    """Of every decoder row with the letter's probe direction."""
    attributed: Bool[Tensor, " word"]
    effects: Float[Tensor, "word slot"]

    def __len__(self) -> int:
        return len(self.words)

    def candidates(self, n_main: int) -> Bool[Tensor, " word"]:
        """Words on which the first ``n_main`` latents are silent and their sparse probe says no."""
        silent = self.ranked[:, :n_main].sum(1) < FIRING
        return silent & (self.sparse_logits[:, self.probe.ks.index(n_main)] <= 0)

    def to_attribute(self, max_words: int) -> Bool[Tensor, " word"]:
        """Words that are sampled for any number of main latents, so that tau can be moved afterwards."""
        chosen = torch.zeros(len(self), dtype=torch.bool)
        for k in self.probe.ks:
            chosen[sample_words(self.candidates(k), self.draw, max_words)] = True
        return chosen

    def rate(self, spec: AbsorptionSpec) -> LetterRate:
        """The paper's rate at the spec's thresholds."""
        candidates = self.candidates(self.probe.n_main)
        sampled = sample_words(candidates, self.draw, spec.max_words)
        verdicts = paper_verdicts(
            self.indices[sampled],
            self.values[sampled],
            self.effects[sampled],
            self.all_cosines,
            self.probe.main_latents,
            AbsorptionRule(lead=spec.lead, min_cosine=spec.min_cosine),
        )
        absorbed = sum(verdict.absorbed for verdict in verdicts)
        return LetterRate(len(self), int(candidates.sum()), len(sampled), absorbed)

    def projection_scores(self) -> ProjectionScores | None:
        """Absorption by projection, which needs no effects."""
        verdicts = projection_verdicts(
            SparseLatents(self.indices, self.values, len(self.all_cosines)),
            self.projections,
            self.all_cosines,
            self.projection,
            self.probe.main_latents,
        )
        return projection_scores(verdicts)

    def word_rows(self, sae_id: str, words: LetterWords, site: LetterSite) -> pl.DataFrame:
        """Rows of ``absorption_word``."""
        chosen = self.words.tolist()
        return pl.DataFrame(
            {
                "sae_id": sae_id,
                "probe_id": site.probe_id,
                "letter": self.letter,
                "token_id": [words.words[row].token_id for row in chosen],
                "draw": self.draw.tolist(),
                "projection": self.projection.tolist(),
                "sparse_logits": self.sparse_logits.tolist(),
                "margin": words.readings.margins[self.words].tolist(),
                "attributed": self.attributed.tolist(),
            },
            schema_overrides={"sparse_logits": pl.List(pl.Float32)},
        )

    def latent_rows(self, sae_id: str, words: LetterWords, site: LetterSite) -> pl.DataFrame:
        """Rows of ``absorption_latent``: what fires on each word."""
        row, slot = (self.values > FIRING).nonzero(as_tuple=True)
        latents = self.indices[row, slot]
        places = {latent: place for place, latent in enumerate(self.probe.ranked_latents, start=1)}
        effects = self.effects[row, slot].double()
        return pl.DataFrame(
            {
                "sae_id": sae_id,
                "probe_id": site.probe_id,
                "letter": self.letter,
                "token_id": [words.words[word].token_id for word in self.words[row].tolist()],
                "latent": latents.numpy(),
                "activation": self.values[row, slot].numpy(),
                "cosine": self.all_cosines[latents].numpy(),
                "projection": self.projections[row, slot].numpy(),
                "place": [places.get(latent) for latent in latents.tolist()],
                "effect": [
                    effect if measured else None
                    for effect, measured in zip(effects.tolist(), self.attributed[row].tolist(), strict=True)
                ],
            },
            schema_overrides={"place": pl.UInt16, "effect": pl.Float64},
        )


def judged_words(spec: AbsorptionSpec, words: LetterWords, site: LetterSite, latents: WordLatents) -> list[JudgedWords]:
    """The words of every letter that has enough of them, of the side that the spec judges."""
    logits = site.probes.logits(latents.activations)
    side = words.is_test if spec.words == "test" else torch.ones_like(words.is_test)
    decoder, directions = latents.sae.W_dec.cpu(), latents.sae.decoder_directions().cpu()
    found = []
    for i, probe in latents.probes.items():
        letter = LETTERS[i]
        if letter in words.split.skipped_letters:
            continue
        rows = (side & (words.letters == i) & (logits[:, i] > 0)).nonzero()[:, 0]
        direction = site.probes.directions[i]
        own = latents.folded.rows(rows)
        cosines = directions @ direction
        found.append(
            JudgedWords(
                letter=letter,
                probe=probe,
                words=rows,
                draw=draw_order(len(rows), spec.seed * len(LETTERS) + i),
                projection=latents.activations[rows] @ direction,
                sparse_logits=probe.logits(own),
                ranked=own.columns(probe.ranked_latents),
                indices=own.indices,
                values=latents.latents.rows(rows).values,
                projections=latents.weights[rows] * (decoder @ direction)[own.indices],
                all_cosines=cosines,
                attributed=torch.zeros(len(rows), dtype=torch.bool),
                effects=torch.zeros_like(own.values),
            )
        )
    return found


def spool_judged(
    context: TaskContext, sae_id: str, words: LetterWords, site: LetterSite, letters: list[JudgedWords]
) -> None:
    """The raw scores of all letters."""
    for of_letter in letters:
        context.spool.add("absorption_word", of_letter.word_rows(sae_id, words, site))
        context.spool.add("absorption_latent", of_letter.latent_rows(sae_id, words, site))
