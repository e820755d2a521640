"""Words that a letter's probe gets right, with raw scores of an SAE's latents, so that any threshold can judge."""

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.letters.absorption import MAX_WORDS, AbsorptionRule, LetterRate, draw_order, paper_verdicts, sample_words
from saetui.letters.latents import SparseLatents
from saetui.letters.projection import ProjectionScores, projection_scores, projection_verdicts
from saetui.letters.sparse_probes import SparseProbe
from saetui.letters.vocabulary import LETTERS
from saetui.letters.word_latents import WordLatents
from saetui.letters.words import LetterSite, LetterWords
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
        """Words that are sampled for any number of main latents, so that tau can be changed afterwards."""
        chosen = torch.zeros(len(self), dtype=torch.bool)
        for k in self.probe.ks:
            chosen[sample_words(self.candidates(k), self.draw, max_words)] = True
        return chosen

    def rate(self, rule: AbsorptionRule, max_words: int = MAX_WORDS) -> LetterRate:
        """The paper's rate, of at most ``max_words`` candidates."""
        candidates = self.candidates(self.probe.n_main)
        sampled = sample_words(candidates, self.draw, max_words)
        verdicts = paper_verdicts(
            self.indices[sampled],
            self.values[sampled],
            self.effects[sampled],
            self.all_cosines,
            self.probe.main_latents,
            rule,
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

    def take_effects(self, word: int, indices: Int[Tensor, " slot"], effects: Float[Tensor, " slot"]) -> None:
        """Fill in the measured effects of the latents ``indices`` on one word; 0 for those that were not measured."""
        same = self.indices[word][:, None] == indices[None, :]
        self.effects[word] = torch.where(same.any(1), effects[same.long().argmax(1)], 0.0)

    def leading(self, word: int, n: int) -> list[int]:
        """The ``n`` latents of a word with the most negative effects."""
        fires = self.values[word] > FIRING
        effects = torch.where(fires, self.effects[word], torch.inf)
        order = effects.argsort()[: min(n, int(fires.sum()))]
        return [int(self.indices[word, slot]) for slot in order.tolist()]


def judged_words(
    words: LetterWords, site: LetterSite, latents: WordLatents, *, side: Literal["test", "all"] = "test", seed: int = 42
) -> list[JudgedWords]:
    """The words of every letter that has enough of them: test words only, or all."""
    logits = site.probes.logits(latents.activations)
    judged = words.is_test if side == "test" else torch.ones_like(words.is_test)
    decoder, directions = latents.sae.W_dec.cpu(), latents.sae.decoder_directions().cpu()
    found = []
    for i, probe in latents.probes.items():
        letter = LETTERS[i]
        if letter in words.split.skipped_letters:
            continue
        rows = (judged & (words.letters == i) & (logits[:, i] > 0)).nonzero()[:, 0]
        direction = site.probes.directions[i]
        own = latents.folded.rows(rows)
        cosines = directions @ direction
        found.append(
            JudgedWords(
                letter=letter,
                probe=probe,
                words=rows,
                draw=draw_order(len(rows), seed * len(LETTERS) + i),
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
