"""The paper's absorption rate: words that the probe gets right, the main latents miss, and one other latent carries.

2409.14507, absorption rate. Verdicts come from raw scores, so that thresholds can change without running the model.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

from saetui.letters.latents import SparseLatents
from saetui.letters.sparse_probes import SparseProbe
from saetui.sae.base import FIRING

# Logits by which the effect of the absorber's removal leads that of the next latent (2409.14507, δ).
LEAD = 1.0
# Least cosine of the absorber's decoder row with the probe direction (2409.14507).
MIN_COSINE = 0.025
# The most candidates per letter whose effects are measured (the authors' code).
MAX_WORDS = 200

Outcome = Literal["absorbed", "fires", "helps", "no lead", "not aligned"]


@dataclass(frozen=True)
class AbsorptionRule:
    """Thresholds of the paper's verdict."""

    lead: float = LEAD
    min_cosine: float = MIN_COSINE
    parity: bool = False
    """As in the authors' code: silent latents are ranked with effect 0, and the lead is |first| − |second|."""


@dataclass(frozen=True)
class PaperVerdict:
    """What the scores of one word say; effects are changes of the margin in logits."""

    outcome: Outcome
    """Absorbed, or the first condition that fails, in the order of the type."""
    latent: int | None
    """The latent whose removal costs the letter most; None where none fires."""
    effect: float
    second_effect: float
    """Of the latent after it; 0 where there is none."""
    lead: float
    cosine: float

    @property
    def absorbed(self) -> bool:
        return self.outcome == "absorbed"


@dataclass(frozen=True)
class LetterRate:
    """Counts of one letter's words, from which its rate follows."""

    n_words: int
    """Words that the letter's probe gets right, among those judged."""
    n_candidates: int
    """Of these, words that the main latents and their sparse probe miss."""
    n_sampled: int
    """Of these, words whose effects were measured."""
    n_absorbed: int

    @property
    def portion(self) -> float:
        """Measured share of the candidates; 1 where there are none."""
        return self.n_sampled / self.n_candidates if self.n_candidates else 1.0

    @property
    def rate(self) -> float | None:
        """Absorbed share of the letter's words, in [0, 1]; None for a letter without words."""
        return self.n_absorbed / self.portion / self.n_words if self.n_words else None


def draw_order(n_words: int, seed: int) -> Int[Tensor, " word"]:
    """Each word's place in a random order, from 0: samples are the words of the lowest places."""
    order = torch.randperm(n_words, generator=torch.Generator().manual_seed(seed))
    return torch.empty_like(order).scatter_(0, order, torch.arange(n_words))


def absorption_candidates(latents: SparseLatents, probe: SparseProbe) -> Bool[Tensor, " word"]:
    """Words on which no main latent fires and the sparse probe on the main latents says no.

    ``latents`` are those of a letter's words that its probe gets right.
    """
    silent = latents.columns(probe.main_latents).sum(1).cpu() < FIRING
    return silent & (probe.main_logits(latents) <= 0)


def sample_words(
    candidates: Bool[Tensor, " word"], draw: Int[Tensor, " word"], max_words: int = MAX_WORDS
) -> Int[Tensor, " sampled"]:
    """The first ``max_words`` candidates in the random order, as word numbers."""
    words = candidates.nonzero()[:, 0]
    return words[draw[words].argsort()[:max_words]]


def paper_verdicts(
    indices: Int[Tensor, "word slot"],
    activations: Float[Tensor, "word slot"],
    effects: Float[Tensor, "word slot"],
    cosines: Float[Tensor, " latent"],
    main_latents: Sequence[int],
    rule: AbsorptionRule | None = None,
) -> list[PaperVerdict]:
    """Verdicts on some words of one letter.

    ``indices``, ``activations`` and ``effects`` are those of the latents that fire, as ``WordEffects`` has them;
    ``cosines`` of all decoder rows with the letter's probe direction. Raises ValueError where a latent is outside them.
    """
    rule = rule or AbsorptionRule()
    if not len(indices):
        return []
    width = len(cosines)
    for name, latents in (
        ("indices", indices),
        ("main_latents", torch.as_tensor(list(main_latents), dtype=torch.long)),
    ):
        if latents.numel() and int(latents.max()) >= width:
            raise ValueError(f"{name} has latent {int(latents.max())}, but there are cosines of {width} latents only")
    fires = activations > FIRING
    main_fires = (fires & torch.isin(indices, torch.as_tensor(list(main_latents), device=indices.device))).any(1)
    # Two more columns behind the latents that fire, so that there always is a first and a second.
    silent = torch.full((len(indices), 2), torch.inf, dtype=torch.float64, device=indices.device)
    if rule.parity:
        n_silent = width - fires.sum(1)
        silent[n_silent[:, None] > torch.arange(2, device=indices.device)] = 0
    scores = torch.cat([torch.where(fires, effects.double(), torch.inf), silent], dim=1)
    lowest, slot = scores.sort(dim=1, stable=True)
    named = pad(torch.where(fires, indices, -1), (0, 2), value=-1)
    owner = named.gather(1, slot[:, :1])[:, 0]
    return [
        _verdict(main, latent, first, second, cosines, rule)
        for main, latent, (first, second) in zip(
            main_fires.tolist(), owner.tolist(), lowest[:, :2].tolist(), strict=True
        )
    ]


def _verdict(
    main_fires: bool, latent: int, first: float, second: float, cosines: Float[Tensor, " latent"], rule: AbsorptionRule
) -> PaperVerdict:
    first, second = (0.0 if score == float("inf") else score for score in (first, second))
    lead = abs(first) - abs(second) if rule.parity else 0.0 - first - max(0.0, -second)
    cosine = float(cosines[latent]) if latent >= 0 else 0.0
    failed = (main_fires, not first < 0, not lead >= rule.lead, not cosine >= rule.min_cosine)
    absorbed, *conditions = get_args(Outcome)
    outcome = next((name for name, fails in zip(conditions, failed, strict=True) if fails), absorbed)
    return PaperVerdict(outcome, latent if latent >= 0 else None, first, second, lead, cosine)


def mean_rate(letters: Iterable[LetterRate], *, parity: bool = False) -> float | None:
    """The SAE's absorption rate: mean over usable letters, a letter without candidates counts 0; None for no letter.

    The authors' code (``parity``) leaves letters without candidates out, which raises the mean.
    """
    rates = [letter.rate for letter in letters if not parity or letter.n_candidates]
    known = [rate for rate in rates if rate is not None]
    return sum(known) / len(known) if known else None
