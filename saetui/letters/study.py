"""The first-letter study, whole: probes, each SAE's latents for every letter, and where other latents absorb them.

From a notebook (2409.14507, with a model and SAEs of its hook point)::

    words = LetterWords(load_model("embedded"))
    for sae_id, found in study_absorption(words, {"mine": load_sae(path)}, "blocks.1.hook_resid_post"):
        print(sae_id, found.rate, found.mean_fraction)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

import torch
from jaxtyping import Int
from torch import Tensor

from saetui.letters.ablation import Ablations, exact_ablations
from saetui.letters.absorption import LEAD, MAX_WORDS, MIN_COSINE, AbsorptionRule, mean_rate
from saetui.letters.effects import Attribution, word_effects
from saetui.letters.integrated_gradients import IG_STEPS, IGPath, IGRule
from saetui.letters.judged_words import JudgedWords, judged_words
from saetui.letters.latents import LetterLatent, letter_latents
from saetui.letters.metrics import LetterMetrics
from saetui.letters.probes import probe_metrics, usable_letters
from saetui.letters.readings import Progress
from saetui.letters.sparse_probes import SparseProbe
from saetui.letters.splitting import SPLIT_F1
from saetui.letters.vocabulary import LETTERS
from saetui.letters.word_latents import WordLatents
from saetui.letters.words import KeptTensors, LetterSite, LetterWords

if TYPE_CHECKING:
    from saetui.sae import SAE

# Below this, a change of the model's answer says little about the letter.
MIN_ACCURACY = 0.5
# Mean F1 of probes at the end of the prompt above which the letter has moved there (2409.14507 §6).
MOVED_F1 = 0.6


@dataclass(frozen=True)
class LatentSettings:
    """How latents that stand for a letter are looked for."""

    latents_per_letter: int = 20
    """Latents listed for a letter, best F1 first."""
    max_k: int = 15
    """Largest k of the k-sparse probes."""
    tau: float = SPLIT_F1
    """F1 that a latent must add to be a main latent."""


@dataclass(frozen=True)
class AbsorptionSettings(LatentSettings):
    """How absorption is measured and judged."""

    words: Literal["test", "all"] = "test"
    """Words that are judged: test words only, as in the paper, or all."""
    attribution: Attribution = "ig"
    ig_path: IGPath = "joint"
    ig_rule: IGRule = "left"
    ig_steps: int = IG_STEPS
    exact_top: int = 2
    """Leading latents of a word that are also removed by running the model again."""
    max_words: int = MAX_WORDS
    """The most candidates per letter whose effects are measured."""
    lead: float = LEAD
    min_cosine: float = MIN_COSINE
    seed: int = 42
    """Of the order in which candidates are sampled."""


@dataclass(frozen=True)
class SAELetters:
    """What the latents of one SAE are to the letters."""

    of_words: WordLatents
    """Its latents on every word, and each letter's sparse probes by letter index."""
    latents: dict[str, list[LetterLatent]]
    """By letter, best F1 first."""

    def probe(self, letter: str) -> SparseProbe | None:
        """The letter's sparse probes; None for a letter with too few words."""
        return self.of_words.probes.get(LETTERS.index(letter))


@dataclass(frozen=True)
class WordAblations:
    """Latents that were removed from some words by running the model again."""

    rows: Int[Tensor, " word"]
    """Rows of the words among all words; ``found.words`` counts through them."""
    found: Ablations


@dataclass(frozen=True)
class SAEAbsorption:
    """Which latents take over where one SAE's main latents are silent."""

    letters: SAELetters
    judged: list[JudgedWords]
    """By letter, with the raw scores of every word, so that any threshold can judge."""
    ablations: list[WordAblations]
    rate: float | None
    """The paper's rate, mean over usable letters; None where the model cannot name first letters."""
    mean_fraction: float | None
    full_rate: float | None
    """Of the projection metric, which needs no answer of the model."""
    mean_main: float | None
    """Mean number of main latents per letter."""


@dataclass
class SiteStudy:
    """The study at one hook point, for any number of SAEs. ``words`` have been read there.

    Raises:
        NothingFiresError: no latent of an SAE fires on any word.
    """

    words: LetterWords
    site: LetterSite
    metrics: list[LetterMetrics] = field(init=False)
    """Of the 26 probes on the test words."""
    usable: list[str] = field(init=False)
    """Letters whose probes are good enough, with enough words."""

    def __post_init__(self) -> None:
        self.metrics = self._metrics(last=False)
        self.usable = usable_letters(self.metrics, self.words.split.skipped_letters)

    @property
    def accuracy(self) -> float:
        """Share of the words whose first letter the model names."""
        return self.words.readings.accuracy

    @property
    def can_answer(self) -> bool:
        """Whether a change of the model's answer says something about the letter."""
        return self.accuracy >= MIN_ACCURACY

    def mean_f1(self, *, last: bool) -> float:
        """Mean F1 of the probes at the word, or at the end of the prompt, over letters with enough words."""
        metrics = self._metrics(last=True) if last else self.metrics
        skipped = self.words.split.skipped_letters
        return _mean([m.f1 for letter, m in zip(LETTERS, metrics, strict=True) if letter not in skipped]) or 0.0

    def letters(self, sae: SAE, settings: LatentSettings | None = None) -> SAELetters:
        """The latents of an SAE that stand for each letter, and the letter's sparse probes."""
        settings = settings or LatentSettings()
        of_words = WordLatents(self.words, self.site, sae, max_k=settings.max_k, tau=settings.tau)
        # A latent was trained on no letter, so all words judge it; only the probes keep a side to be tested on.
        found = letter_latents(
            of_words.latents,
            self.words.letters,
            sae.encoder_directions().cpu(),
            sae.decoder_directions().cpu(),
            self.site.probes.directions,
            top=settings.latents_per_letter,
            also={LETTERS[i]: list(probe.main_latents) for i, probe in of_words.probes.items()},
            pre_activations=lambda chosen: sae.pre_activations(of_words.activations, chosen).cpu(),
        )
        return SAELetters(of_words, found)

    def absorption(
        self, sae: SAE, settings: AbsorptionSettings | None = None, *, progress: Progress | None = None
    ) -> SAEAbsorption:
        """Where another latent of an SAE has absorbed a letter; ``progress`` gets the words measured and in all."""
        settings = settings or AbsorptionSettings()
        letters = self.letters(sae, settings)
        judged = judged_words(self.words, self.site, letters.of_words, side=settings.words, seed=settings.seed)
        ablations = self._measure(sae, judged, settings, progress) if self.can_answer else []
        of_usable = [of_letter for of_letter in judged if of_letter.letter in self.usable]
        rule = AbsorptionRule(lead=settings.lead, min_cosine=settings.min_cosine)
        projected = [scores for of_letter in of_usable if (scores := of_letter.projection_scores()) is not None]
        return SAEAbsorption(
            letters=letters,
            judged=judged,
            ablations=ablations,
            rate=mean_rate(of.rate(rule, settings.max_words) for of in of_usable) if self.can_answer else None,
            mean_fraction=_mean([scores.mean_fraction for scores in projected]),
            full_rate=_mean([scores.full_rate for scores in projected]),
            mean_main=_mean([of_letter.probe.n_main for of_letter in of_usable]),
        )

    def _measure(
        self, sae: SAE, judged: list[JudgedWords], settings: AbsorptionSettings, progress: Progress | None
    ) -> list[WordAblations]:
        """Effects of the latents on the words that are sampled, and of the leading ones by running the model again."""
        words = self.words
        for of_letter in judged:
            of_letter.attributed = of_letter.to_attribute(settings.max_words)
        chosen = [(of_letter, place) for of_letter in judged for place in of_letter.attributed.nonzero()[:, 0].tolist()]
        if not chosen:
            return []
        rows = torch.stack([of_letter.words[place] for of_letter, place in chosen])
        ablations: list[WordAblations] = []
        done = 0
        for places, tokens, position in words.prompts_of(rows):
            letters = words.letters[rows[places]]
            found = word_effects(
                words.model,
                sae,
                self.site.hook_name,
                tokens,
                letters,
                position=position,
                attribution=settings.attribution,
                steps=settings.ig_steps,
                path=settings.ig_path,
                rule=settings.ig_rule,
                progress=None if progress is None else partial(_further, progress, done, len(rows)),
            )
            for effects, indices, place in zip(found.effects, found.indices, places.tolist(), strict=True):
                chosen[place][0].take_effects(chosen[place][1], indices, effects)
            leading = [of_letter.leading(own, settings.exact_top) for of_letter, own in (chosen[p] for p in places)]
            if any(leading):
                removed = exact_ablations(
                    words.model, sae, self.site.hook_name, tokens, letters, leading, position=position
                )
                ablations.append(WordAblations(rows[places], removed))
            done += len(places)
        return ablations

    def _metrics(self, *, last: bool) -> list[LetterMetrics]:
        words, site = self.words, self.site
        activations = (words.readings.at_last if last else words.readings.at_word)[site.hook_name]
        probes = site.last_probes if last else site.probes
        return probe_metrics(probes, activations[words.is_test], words.letters[words.is_test])


def study_letters(
    words: LetterWords,
    saes: Mapping[str, SAE],
    hook_name: str,
    settings: LatentSettings | None = None,
    *,
    kept: KeptTensors | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, SAELetters]]:
    """What the latents of each SAE are to the letters, one SAE after another.

    ``kept`` spares reading and fitting again; ``progress`` is called with words read and in all. Raises LettersError
    where the model cannot be asked, NothingFiresError (one of them) for an SAE that is silent, HookPointError for a
    hook point that the model does not have.
    """
    study = study_site(words, hook_name, kept=kept, progress=progress)
    for sae_id, sae in saes.items():
        yield sae_id, study.letters(sae, settings)


def study_absorption(
    words: LetterWords,
    saes: Mapping[str, SAE],
    hook_name: str,
    settings: AbsorptionSettings | None = None,
    *,
    kept: KeptTensors | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, SAEAbsorption]]:
    """Where other latents have absorbed the letters, one SAE after another; arguments as for ``study_letters``."""
    study = study_site(words, hook_name, kept=kept, progress=progress)
    for sae_id, sae in saes.items():
        yield sae_id, study.absorption(sae, settings)


def study_site(
    words: LetterWords, hook_name: str, *, kept: KeptTensors | None = None, progress: Progress | None = None
) -> SiteStudy:
    """Read the words at a hook point and fit its probes."""
    words.read([hook_name], kept=kept, progress=progress)
    return SiteStudy(words, words.site(hook_name, kept=kept))


def _further(progress: Progress, before: int, total: int, done: int, _: int) -> None:
    progress(before + done, total)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
