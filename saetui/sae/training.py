"""Training TopK SAEs, several at once on one stream of activations."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.sae.errors import SAEError
from saetui.sae.initialization import geometric_median, random_unit_rows
from saetui.sae.recipe import TopKRecipe
from saetui.sae.topk import TopKSAE
from saetui.sae.topk_gradients import Parameters, StepResult, loss_and_gradients

# Tokens from which the output bias and the scale are taken.
_INIT_TOKENS = 1 << 15
_METRICS = ("loss", "fvu", "l0", "dead_fraction")


@dataclass(frozen=True)
class LogRow:
    """One step of one SAE; ``loss`` is at a mean squared norm of 1 unless the recipe switches that off."""

    step: int
    loss: float
    fvu: float
    l0: float
    dead_fraction: float


@dataclass(frozen=True)
class TrainingStep:
    """How training stands after ``step`` batches; the tuples follow the recipes, NaN for one that has diverged."""

    step: int
    steps: int
    tokens: int
    names: tuple[str, ...]
    loss: tuple[float, ...]
    fvu: tuple[float, ...]
    l0: tuple[float, ...]
    dead_fraction: tuple[float, ...]


@dataclass
class TrainedSAE:
    """A finished SAE in model units, and the rows reported while it was trained."""

    sae: TopKSAE
    recipe: TopKRecipe
    log: list[LogRow] = field(default_factory=list)


class TrainingDivergedError(SAEError):
    """One or more SAEs met NaN; ``finished`` holds the others."""

    def __init__(self, message: str, finished: list[TrainedSAE]) -> None:
        super().__init__(message)
        self.finished = finished


def train_saes(
    batches: Iterable[Float[Tensor, "b d_in"]],
    recipes: Sequence[TopKRecipe],
    *,
    device: torch.device | str = "cpu",
    on_step: Callable[[TrainingStep], None] | None = None,
    report_every: int = 10,
) -> list[TrainedSAE]:
    """Train every recipe on the same batches and return the SAEs in the recipes' order.

    ``on_step`` is called every ``report_every`` steps and at the end; an exception it raises stops the training. Raises
    SAEError where the stream is empty, ends early or holds NaN, and TrainingDivergedError where an SAE diverges.
    """
    if not recipes:
        return []
    with torch.no_grad():
        return _Training(batches, recipes, torch.device(device), on_step, report_every).run()


class _Training:
    """All SAEs of one stream."""

    def __init__(
        self,
        batches: Iterable[Float[Tensor, "b d_in"]],
        recipes: Sequence[TopKRecipe],
        device: torch.device,
        on_step: Callable[[TrainingStep], None] | None,
        report_every: int,
    ) -> None:
        self._device = device
        self._on_step = on_step
        self._report_every = report_every
        self._steps = max(recipe.steps for recipe in recipes)
        stream = iter(batches)
        first, head = _head(stream)
        self._stream: Iterator[Tensor] = chain(head, stream)
        self._learners = [Learner(recipe, first.to(device, torch.float32), head[0].shape[0]) for recipe in recipes]
        self._failures: list[str] = []

    def run(self) -> list[TrainedSAE]:
        step = tokens = 0
        for step, batch in enumerate(self._stream, start=1):
            x = batch.to(self._device, torch.float32, non_blocking=True)
            tokens += x.shape[0]
            variance = (x - x.mean(dim=0)).square().sum() / x.shape[0]
            for learner in self._learners:
                learner.learn(x, variance)
            if step % self._report_every == 0 or step == self._steps:
                self._report(step, tokens)
            if step == self._steps or not any(learner.alive for learner in self._learners):
                break
        if step < self._steps and not self._failures:
            raise SAEError(
                f"the stream of activations ended after {step} of {self._steps} batches;"
                " give more tokens (repeat the corpus) or lower steps"
            )
        finished = [learner.finish(tokens) for learner in self._learners if learner.alive]
        if self._failures:
            raise TrainingDivergedError("; ".join(self._failures), finished)
        return finished

    def _report(self, step: int, tokens: int) -> None:
        for learner in self._learners:
            failed_at = learner.collect()
            if failed_at is not None:
                self._failures.append(
                    f"{learner.recipe.title}: NaN in step {failed_at} of {learner.recipe.steps}; lower lr"
                    f" (it is {learner.recipe.peak_lr:.2g}) or check the activations for NaN and outliers"
                )
        if self._on_step is not None:
            rows = [learner.last_row for learner in self._learners]
            columns = {name: tuple(getattr(row, name) for row in rows) for name in _METRICS}
            names = tuple(learner.recipe.title for learner in self._learners)
            self._on_step(TrainingStep(step, self._steps, tokens, names, **columns))


class Learner:
    """One SAE in training: parameters, optimiser, dead-latent counter."""

    def __init__(self, recipe: TopKRecipe, first: Float[Tensor, "n d_in"], batch_tokens: int) -> None:
        self.recipe = recipe
        self.alive = True
        self.log: list[LogRow] = []
        d_in = first.shape[1]
        self.scale = 1.0
        if recipe.normalize == "mean_square":
            self.scale = float(first.double().square().sum(dim=1).mean()) ** -0.5
        rows = random_unit_rows(recipe.width, d_in, recipe.seed).to(first.device)
        bias = torch.zeros(d_in, device=first.device)
        if recipe.b_dec_init != "zero":
            bias = (geometric_median(first) if recipe.b_dec_init == "median" else first.mean(dim=0)) * self.scale
        self.parameters = Parameters(rows.clone(), rows, torch.zeros(recipe.width, device=first.device), bias)
        fused = first.device.type in ("cpu", "cuda")
        self._adam = torch.optim.Adam(
            self.parameters.tensors(), lr=recipe.peak_lr, betas=recipe.betas, eps=recipe.epsilon, fused=fused
        )
        self._silent = torch.zeros(recipe.width, dtype=torch.long, device=first.device)
        self._dead_after = recipe.dead_after(batch_tokens)
        self._auxk = recipe.auxk_of(d_in)
        self._step = 0
        self._pending: list[Tensor] = []

    @property
    def last_row(self) -> LogRow:
        nan = float("nan")
        return self.log[-1] if self.alive and self.log else LogRow(self._step, nan, nan, nan, nan)

    def learn(self, x: Float[Tensor, "n d_in"], variance: Float[Tensor, ""]) -> None:
        """One update; nothing once its steps are done or it has diverged."""
        recipe = self.recipe
        if not self.alive or self._step >= recipe.steps:
            return
        result = loss_and_gradients(
            self.parameters,
            x * self.scale if self.scale != 1.0 else x,
            recipe.k,
            self._silent,
            self._dead_after,
            self._auxk,
            recipe.auxk_coefficient,
        )
        self._silent += x.shape[0]
        self._silent[result.fired] = 0
        self._update(result.gradients, recipe.learning_rate(self._step))
        self._step += 1
        self._pending.append(self._metrics(result, variance))

    def _update(self, gradients: Parameters, lr: float) -> None:
        decoder = self.parameters.W_dec
        # Rows keep norm 1, so a step along a row is no step.
        along = (gradients.W_dec * decoder).sum(dim=1, keepdim=True)
        gradients.W_dec.addcmul_(along, decoder, value=-1)
        norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients.tensors()]))
        factor = (self.recipe.clip_norm / (norm + 1e-6)).clamp(max=1.0)
        for parameter, gradient in zip(self.parameters.tensors(), gradients.tensors(), strict=True):
            parameter.grad = gradient.mul_(factor)
        self._adam.param_groups[0]["lr"] = lr
        self._adam.step()
        decoder /= torch.linalg.vector_norm(decoder, dim=1, keepdim=True)

    def _metrics(self, result: StepResult, variance: Float[Tensor, ""]) -> Float[Tensor, "4"]:
        loss = result.squared_error + self.recipe.auxk_coefficient * result.auxiliary
        fvu = result.squared_error / (variance * self.scale**2)
        dead = (self._silent >= self._dead_after).float().mean()
        return torch.stack([loss, fvu, result.l0, dead])

    def collect(self) -> int | None:
        """Bring the steps since the last call into the log; the first step with NaN, if there is one."""
        if not self._pending:
            return None
        rows = torch.stack(self._pending).tolist()
        first = self._step - len(rows) + 1
        self._pending.clear()
        for step, row in enumerate(rows, start=first):
            if not torch.isfinite(torch.tensor(row[0])):
                self.alive = False
                return step
        self.log.append(LogRow(self._step, *rows[-1]))
        return None

    def finish(self, tokens: int) -> TrainedSAE:
        """The SAE in model units: the scale goes into the biases, selection stays as it was."""
        parameters, last = self.parameters, self.log[-1]
        sae = TopKSAE(
            W_enc=parameters.W_enc.T.contiguous(),
            W_dec=parameters.W_dec.clone(),
            b_enc=parameters.b_enc / self.scale,
            b_dec=parameters.b_dec / self.scale,
            latents_kept=self.recipe.k,
            metadata={"hook_name": self.recipe.hook_name, "model_name": self.recipe.model_name},
            workbench={
                "recipe": self.recipe.as_dict(),
                "scale": self.scale,
                "metrics": {
                    "tokens_trained": tokens,
                    "train_fvu": last.fvu,
                    "train_l0": last.l0,
                    "train_loss": last.loss,
                    "train_dead_fraction": last.dead_fraction,
                    "dead_after_tokens": self._dead_after,
                },
            },
        )
        return TrainedSAE(sae, self.recipe, self.log)


def _head(stream: Iterator[Tensor]) -> tuple[Float[Tensor, "n d_in"], list[Tensor]]:
    """The first tokens joined, and the batches they came in."""
    head: list[Tensor] = []
    while sum(batch.shape[0] for batch in head) < _INIT_TOKENS:
        batch = next(stream, None)
        if batch is None:
            break
        head.append(batch)
    if not head:
        raise SAEError("the stream of activations is empty; give a corpus with text")
    first = torch.cat(head)
    if not torch.isfinite(first).all():
        raise SAEError("the activations hold NaN or infinite values; check the model's dtype and the hook point")
    return first, head
