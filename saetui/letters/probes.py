"""Linear probes for the 26 letters, one against the rest, trained together (2409.14507, probing)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from saetui.letters.metrics import LetterMetrics, letter_metrics
from saetui.letters.vocabulary import LETTERS

USABLE_F1 = 0.6  # A letter below it is not studied for absorption (SAEBench).
# A small vocabulary is split into at least this many batches; otherwise 4,096 words are one step per epoch. On 6,000
# words that is SAEBench's batch of 64, and a mean F1 of 0.80 where 16 steps per epoch give 0.71.
_STEPS_PER_EPOCH = 96


@dataclass(frozen=True)
class ProbeSettings:
    """The paper's settings; ``batch_size`` is cut so that an epoch has at least ``steps_per_epoch`` steps."""

    learning_rate: float = 1e-2
    final_learning_rate: float = 1e-5
    epochs: int = 50
    batch_size: int = 4096
    steps_per_epoch: int = _STEPS_PER_EPOCH
    weight_decay: float = 1e-4
    l1: float = 0.0
    seed: int = 42
    parity: bool = False
    """Keep ``batch_size`` as given, even where an epoch then has few steps."""

    def batch_for(self, n: int) -> int:
        return self.batch_size if self.parity else max(1, min(self.batch_size, n // self.steps_per_epoch))


@dataclass(frozen=True)
class LetterProbes:
    """``logits = x @ weight.T + bias``; a probe says yes above 0."""

    weight: Float[Tensor, "letter d"]
    bias: Float[Tensor, " letter"]

    @property
    def directions(self) -> Float[Tensor, "letter d"]:
        """Probe directions with unit norm."""
        return functional.normalize(self.weight, dim=1)

    def logits(self, activations: Float[Tensor, "word d"]) -> Float[Tensor, "word letter"]:
        return activations @ self.weight.T + self.bias


def train_probes(
    activations: Float[Tensor, "word d"], letters: Int[Tensor, " word"], settings: ProbeSettings | None = None
) -> LetterProbes:
    """Fit the 26 probes by Adam on binary cross-entropy, positives weighted by n_neg / n_pos.

    Activations are ``(word, d)`` in model units, letters 0 … 25. Raises ValueError for no words, or NaN among them.
    """
    settings = settings or ProbeSettings()
    n, d = activations.shape
    if n == 0:
        raise ValueError("there are no words to train the probes on")
    if not bool(torch.isfinite(activations).all()):
        raise ValueError("activations hold NaN or infinity; the model or its dtype overflows at this hook point")
    device = activations.device
    targets = functional.one_hot(letters, len(LETTERS)).to(activations.dtype)
    positives = targets.sum(0)
    pos_weight = (n - positives) / positives.clamp(min=1)
    generator = torch.Generator().manual_seed(settings.seed)
    probe = torch.nn.Linear(d, len(LETTERS), device=device, dtype=activations.dtype)
    with torch.no_grad():
        bound = d**-0.5
        for parameter in probe.parameters():
            start = torch.rand(parameter.shape, generator=generator) * 2 * bound - bound
            parameter.copy_(start)
    optimizer = torch.optim.Adam(probe.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    gamma = (settings.final_learning_rate / settings.learning_rate) ** (1 / settings.epochs)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    batch = settings.batch_for(n)
    for _ in range(settings.epochs):
        for rows in torch.split(torch.randperm(n, generator=generator).to(device), batch):
            logits = probe(activations[rows])
            loss = functional.binary_cross_entropy_with_logits(logits, targets[rows], pos_weight=pos_weight)
            if settings.l1:
                loss = loss + settings.l1 * probe.weight.abs().sum(1).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()
    return LetterProbes(probe.weight.detach(), probe.bias.detach())


def probe_metrics(
    probes: LetterProbes, activations: Float[Tensor, "word d"], letters: Int[Tensor, " word"]
) -> list[LetterMetrics]:
    """Precision, recall, F1, AUROC and AUPRC of each letter's probe, in the order a … z."""
    logits = probes.logits(activations)
    return [letter_metrics(logits[:, i], letters == i) for i in range(len(LETTERS))]


def usable_letters(metrics: Sequence[LetterMetrics], skipped: Sequence[str]) -> list[str]:
    """Letters with enough words whose probe has a test F1 above 0.6."""
    return [letter for letter, m in zip(LETTERS, metrics, strict=True) if letter not in skipped and m.f1 > USABLE_F1]
