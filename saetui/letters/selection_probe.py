"""The probe that ranks latents for each letter: 26 logistic probes on sparse latents with an L1 penalty (2409.14507).

Only latents that fire on some word take part, and of a batch only its firings are read: a step costs what the firings
and the weights of those latents cost, whatever the SAE's width.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from saetui.letters.latents import SparseLatents
from saetui.letters.probes import ProbeSettings
from saetui.sae.base import FIRING
from saetui.sae.sparse import starts

# The authors' settings; ``l1`` weighs the mean over letters of the L1 norm of a letter's weights. On three SAEs of
# widths 512 to 8,192 and 6,000 words, the mean F1 of main latents is 0.42 to 0.57 with one step per epoch (two batches
# of 4,096 or fewer words), 0.71 to 0.72 with 32, and no better with 192.
SELECTION = ProbeSettings(weight_decay=1e-6, l1=0.01, steps_per_epoch=32)


@dataclass(frozen=True)
class SelectionProbe:
    """Weights of the latents that fire; ``latents`` are their numbers, rising."""

    latents: Int[Tensor, " firing"]
    weight: Float[Tensor, "label firing"]
    bias: Float[Tensor, " label"]

    def ranking(self, label: int, length: int) -> list[int]:
        """The latents of the largest weights, signed: a latent that speaks against the label comes last."""
        order: Tensor = self.weight[label].sort(descending=True, stable=True).indices[:length]
        return [int(latent) for latent in self.latents[order]]


@dataclass(frozen=True)
class _Firings:
    """Firings of some words one after the other, latents numbered among those that fire."""

    column: Int[Tensor, " firing"]
    value: Float[Tensor, " firing"]
    first: Int[Tensor, " word"]
    count: Int[Tensor, " word"]

    def of(self, words: Int[Tensor, " batch"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Row within the batch, column and value of every firing of a batch of words, and where each row begins."""
        count = self.count[words]
        row, first = torch.repeat_interleave(count), starts(count)
        place = torch.arange(len(row), device=row.device) + (self.first[words] - first)[row]
        return row, self.column[place], self.value[place], first


def train_selection_probe(
    latents: SparseLatents, labels: Int[Tensor, " word"], n_labels: int, settings: ProbeSettings
) -> SelectionProbe:
    """Fit the probes by Adam on cross-entropy, positives weighted by n_neg / n_pos, plus the L1 penalty.

    ``labels`` are 0 … n_labels - 1, one per word. Raises ValueError where no latent fires on any word.
    """
    fires = latents.values > FIRING
    device = latents.values.device
    seen = torch.zeros(latents.width, dtype=torch.bool, device=device)
    seen[latents.indices[fires]] = True
    firing = seen.nonzero()[:, 0]
    if not len(firing):
        raise ValueError("no latent fires on any of these words; is it the SAE of this hook point?")
    number = torch.zeros(latents.width, dtype=torch.long, device=device)
    number[firing] = torch.arange(len(firing), device=device)
    count = fires.sum(1)
    values = latents.values[fires].float()
    data = _Firings(number[latents.indices[fires]], values, starts(count), count)
    weight, bias = _descend(data, functional.one_hot(labels, n_labels).float(), len(firing), settings)
    return SelectionProbe(firing, weight.T.contiguous(), bias)


def _descend(
    data: _Firings, targets: Float[Tensor, "word label"], n_columns: int, settings: ProbeSettings
) -> tuple[Float[Tensor, "column label"], Float[Tensor, " label"]]:
    """Weights and biases after the last epoch; gradients are written out, since autograd would copy the weights."""
    n, n_labels = targets.shape
    device = targets.device
    positives = targets.sum(0)
    pos_weight = (n - positives) / positives.clamp(min=1)
    generator = torch.Generator().manual_seed(settings.seed)
    bound = n_columns**-0.5

    def start(*shape: int) -> Tensor:
        values: Tensor = torch.rand(shape, generator=generator) * 2 * bound - bound
        return values.to(device)

    weight, bias = start(n_columns, n_labels), start(n_labels)
    weight.grad, bias.grad = torch.empty_like(weight), torch.empty_like(bias)
    optimizer = torch.optim.Adam(
        [weight, bias], lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    gamma = (settings.final_learning_rate / settings.learning_rate) ** (1 / settings.epochs)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
    batch = settings.batch_for(n)
    for _ in range(settings.epochs):
        for words in torch.split(torch.randperm(n, generator=generator).to(device), batch):
            row, column, value, first = data.of(words)
            logits = functional.embedding_bag(column, weight, first, mode="sum", per_sample_weights=value) + bias
            target = targets[words]
            probability = torch.sigmoid(logits)
            slope = (probability * (1 - target) - pos_weight * target * (1 - probability)) / target.numel()
            torch.sign(weight, out=weight.grad).mul_(settings.l1 / n_labels)
            weight.grad.index_add_(0, column, value[:, None] * slope[row])
            torch.sum(slope, 0, out=bias.grad)
            optimizer.step()
        schedule.step()
    return weight, bias
