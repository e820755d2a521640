"""Training SAEs, several at once on one stream of activations."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.sae.base import SAE
from saetui.sae.exceptions import SAEError
from saetui.sae.training.initialization import FirstTokens
from saetui.sae.training.learner import Learner, LogRow
from saetui.sae.training.recipe import TrainingRecipe

# Tokens from which the output bias and the scale are taken.
_FIRST_TOKENS = 1 << 15


@dataclass(frozen=True)
class TrainingStep:
    """The state of training after ``step`` batches; the tuples follow the recipes, NaN for an SAE that has diverged."""

    step: int
    steps: int
    tokens: int
    names: tuple[str, ...]
    loss: tuple[float, ...]
    fvu: tuple[float, ...]
    l0: tuple[float, ...]
    dead_fraction: tuple[float, ...]


@dataclass(frozen=True)
class TrainedSAE:
    """A finished SAE in model units, and the rows that were reported while it was trained."""

    sae: SAE
    recipe: TrainingRecipe
    log: list[LogRow]


class TrainingError(SAEError):
    """Training could not go on for all SAEs; ``finished`` holds those that had all their steps."""

    def __init__(self, message: str, finished: list[TrainedSAE]) -> None:
        super().__init__(message)
        self.finished = finished


def train_saes(
    batches: Iterable[Float[Tensor, "b d_in"]],
    recipes: Sequence[TrainingRecipe],
    *,
    device: torch.device | str = "cpu",
    on_step: Callable[[TrainingStep], None] | None = None,
    report_every: int = 10,
) -> list[TrainedSAE]:
    """Train every recipe on the same batches; the SAEs come in the order of the recipes.

    ``on_step`` is called every ``report_every`` steps and after the last; what it raises ends the training. An SAE that
    diverges drops out and the others go on; at the end TrainingError says which it was and holds the others. It is also
    raised where the stream ends early or holds NaN. SAEError: the stream is empty or changes its width.
    """
    if not recipes:
        return []
    with torch.no_grad():
        return _Training(batches, recipes, torch.device(device), on_step, max(1, report_every)).run()


class _Training:
    """All SAEs of one stream."""

    def __init__(
        self,
        batches: Iterable[Float[Tensor, "b d_in"]],
        recipes: Sequence[TrainingRecipe],
        device: torch.device,
        on_step: Callable[[TrainingStep], None] | None,
        report_every: int,
    ) -> None:
        self._device = device
        self._on_step = on_step
        self._report_every = report_every
        self._steps = max(recipe.steps for recipe in recipes)
        stream = iter(batches)
        head = _head(stream)
        self._stream: Iterator[Tensor] = chain(head, stream)
        first = FirstTokens(torch.cat(head).to(device, torch.float32))
        self._d_in = first.tokens.shape[1]
        self._learners = [Learner(recipe, first, head[0].shape[0]) for recipe in recipes]
        self._variances: list[Tensor] = []
        self._failures: list[str] = []

    def run(self) -> list[TrainedSAE]:
        step = tokens = 0
        for step, batch in enumerate(self._stream, start=1):
            x = self._checked(batch)
            tokens += x.shape[0]
            variance = (x - x.mean(dim=0)).square().sum() / x.shape[0]
            self._variances.append(variance)
            for learner in self._learners:
                if learner.learning:
                    learner.learn(x, variance)
            going_on = any(learner.learning for learner in self._learners)
            if step % self._report_every == 0 or not going_on:
                self._report(step, tokens)
            if not any(learner.learning for learner in self._learners):
                break
        else:
            self._report(step, tokens)
            self._failures.append(
                f"the stream of activations ended after {step} of {self._steps} batches; give more tokens (repeat the"
                " corpus) or lower steps"
            )
        if self._failures:
            raise TrainingError("; ".join(self._failures), self._finished())
        return self._finished()

    def _finished(self) -> list[TrainedSAE]:
        return [TrainedSAE(one.sae(), one.recipe, one.log) for one in self._learners if one.finished]

    def _checked(self, batch: Float[Tensor, "b d_in"]) -> Float[Tensor, "b d_in"]:
        if batch.ndim != 2 or batch.shape[1] != self._d_in:
            raise SAEError(
                f"a batch has shape {tuple(batch.shape)}, the first had width {self._d_in}; train on one site"
            )
        return batch.to(self._device, torch.float32, non_blocking=True)

    def _report(self, step: int, tokens: int) -> None:
        """Look at the steps since the last report."""
        if not self._variances:
            return
        news = self._news()
        finite = [math.isfinite(variance) for variance in news.variances]
        self._variances.clear()
        if not all(finite):
            at = step - len(finite) + finite.index(False) + 1
            reason = f"batch {at} holds NaN or infinite activations; check the model's dtype and the hook point"
            raise TrainingError(reason, self._finished_before(at, news))
        for learner, metrics, is_finite in zip(self._learners, news.rows, news.weights_are_finite, strict=True):
            failed_at = learner.collect(metrics, is_finite)
            if failed_at is not None:
                self._failures.append(
                    f"{learner.recipe.title}: NaN in step {failed_at} of {learner.recipe.steps}; lower lr (it is"
                    f" {learner.recipe.peak_lr:.2g}) or check the activations for outliers"
                )
        if self._on_step is not None:
            rows = [learner.last_row for learner in self._learners]
            self._on_step(
                TrainingStep(
                    step,
                    self._steps,
                    tokens,
                    names=tuple(learner.recipe.title for learner in self._learners),
                    loss=tuple(row.loss for row in rows),
                    fvu=tuple(row.fvu for row in rows),
                    l0=tuple(row.l0 for row in rows),
                    dead_fraction=tuple(row.dead_fraction for row in rows),
                )
            )

    def _news(self) -> "_News":
        """What the device knows of the steps since the last report: one wait for all of it."""
        rows = [learner.pending() for learner in self._learners]
        # The weights are of interest once, after the last step.
        at_end = [bool(len(r)) and one.steps >= one.recipe.steps for one, r in zip(self._learners, rows, strict=True)]
        ends = [one.weights_are_finite() for one, at in zip(self._learners, at_end, strict=True) if at]
        flags = torch.stack(ends).float() if ends else self._variances[0].new_zeros(0)
        figures = torch.cat([torch.stack(self._variances).float(), *[r.flatten() for r in rows], flags]).tolist()
        values = iter(figures)
        variances = [next(values) for _ in self._variances]
        read = [[[next(values) for _ in range(r.shape[1])] for _ in range(len(r))] for r in rows]
        return _News(variances, read, [not at or bool(next(values)) for at in at_end])

    def _finished_before(self, step: int, news: "_News") -> list[TrainedSAE]:
        """The SAEs that were done before a batch that spoils every SAE it reaches."""
        for learner, rows, finite in zip(self._learners, news.rows, news.weights_are_finite, strict=True):
            if learner.recipe.steps < step:
                learner.collect(rows, finite)
        return [one for one in self._finished() if one.recipe.steps < step]


def _head(stream: Iterator[Tensor]) -> list[Float[Tensor, "b d_in"]]:
    """The first batches, enough to place the output bias."""
    head: list[Tensor] = []
    tokens = 0
    for batch in stream:
        head.append(batch)
        tokens += batch.shape[0]
        if tokens >= _FIRST_TOKENS:
            break
    if not head:
        raise SAEError("the stream of activations is empty; give a corpus with text")
    finite = torch.stack([torch.isfinite(batch).all() for batch in head]).tolist()
    if not all(finite):
        at = finite.index(False) + 1
        reason = f"batch {at} holds NaN or infinite activations; check the model's dtype and the hook point"
        raise TrainingError(reason, [])
    return head


@dataclass(frozen=True)
class _News:
    """What was read from the device at a report; rows and flags follow the learners."""

    variances: list[float]
    rows: list[list[list[float]]]
    weights_are_finite: list[bool]
