"""One SAE in training: its parameters, optimiser, dead-latent counter and log."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from saetui.sae.base import SAE
from saetui.sae.exceptions import SAEError
from saetui.sae.trainees.trainee import DenseTrainee, Step, Trainee
from saetui.sae.training.initialization import FirstTokens, random_unit_rows
from saetui.sae.training.recipe import TrainingRecipe


@dataclass(frozen=True)
class LogRow:
    """One step of one SAE; ``loss`` is in units of the mean squared norm unless the recipe does not normalise."""

    step: int
    loss: float
    fvu: float
    l0: float
    dead_fraction: float


class Learner:
    """Learns from batches in model units and ends as an SAE of the recipe's architecture."""

    def __init__(self, recipe: TrainingRecipe, first: FirstTokens, batch_tokens: int) -> None:
        self.recipe = recipe
        self.diverged = False
        self.steps = self.tokens = 0
        self.log: list[LogRow] = []
        if first.mean_square == 0:
            raise SAEError("the first activations are all zero; check the hook point")
        self.scale = first.mean_square**-0.5 if recipe.normalize == "mean_square" else 1.0
        d_in, device = first.tokens.shape[1], first.tokens.device
        decoder = random_unit_rows(recipe.width, d_in, recipe.seed).to(device)
        if recipe.b_dec_init == "zero":
            bias = torch.zeros(d_in, device=device)
        else:
            bias = self.scale * (first.median if recipe.b_dec_init == "median" else first.mean)
        self._dead_after = recipe.dead_after(batch_tokens)
        path = recipe.sae_class.fast_path or DenseTrainee
        self.trainee: Trainee = path(recipe, decoder, bias, self._dead_after)
        self._adam = torch.optim.Adam(
            self.trainee.tensors(),
            lr=recipe.peak_lr,
            betas=recipe.adam_betas,
            eps=recipe.epsilon,
            fused=device.type in ("cpu", "cuda"),
        )
        self._silent = torch.zeros(recipe.width, dtype=torch.long, device=device)
        self._pending: list[Tensor] = []

    @property
    def learning(self) -> bool:
        return not self.diverged and self.steps < self.recipe.steps

    @property
    def finished(self) -> bool:
        return not self.diverged and self.steps >= self.recipe.steps

    @property
    def last_row(self) -> LogRow:
        """The last row of the log; NaN where there is none or it is no longer valid."""
        return self.log[-1] if self.log and not self.diverged else LogRow(self.steps, *[math.nan] * 4)

    def learn(self, x: Float[Tensor, "n d_in"], variance: Float[Tensor, ""]) -> None:
        """One update; ``variance`` is the mean squared distance of the batch to its mean."""
        scaled = x * self.scale if self.scale != 1.0 else x
        result = self.trainee.step(scaled, self._silent, (self.steps + 1) / self.recipe.steps)
        self._silent += x.shape[0]
        self._silent.masked_fill_(result.fired, 0)
        self._update(result.gradients, self.recipe.learning_rate(self.steps))
        self.steps += 1
        self.tokens += x.shape[0]
        self._pending.append(self._metrics(result, variance))

    def _update(self, gradients: list[Tensor], lr: float) -> None:
        decoder, tensors = self.trainee.W_dec, self.trainee.tensors()
        of_decoder = gradients[next(i for i, tensor in enumerate(tensors) if tensor is decoder)]
        # Rows keep norm 1, so the part of a gradient along its row is taken out.
        along = torch.linalg.vecdot(of_decoder, decoder).unsqueeze(1)
        of_decoder.addcmul_(along.expand_as(decoder), decoder, value=-1)
        norm = torch.stack([torch.linalg.vector_norm(g) for g in gradients]).norm()
        factor = (self.recipe.clip_norm / norm.clamp_min(1e-12)).clamp_(max=1.0)
        on_cpu = decoder.device.type == "cpu"
        for parameter, gradient in zip(tensors, gradients, strict=True):
            # Reading the factor is free on a CPU, and most steps need no clipping.
            parameter.grad = gradient if on_cpu and factor == 1 else gradient.mul_(factor)
        self._adam.param_groups[0]["lr"] = lr
        self._adam.step()
        for name, value in self.recipe.sae_class.least.items():
            self.trainee.named()[name].clamp_(min=value)
        decoder /= torch.linalg.vector_norm(decoder, dim=1, keepdim=True)

    def _metrics(self, result: Step, variance: Float[Tensor, ""]) -> Float[Tensor, " 4"]:
        loss = result.squared_error + result.penalty
        fvu = result.squared_error / (variance * self.scale**2)
        dead = (self._silent >= self._dead_after).float().mean()
        return torch.stack([loss, fvu, result.l0, dead])

    def pending(self) -> Float[Tensor, "steps 4"]:
        """The metrics of the steps since the last call of ``collect``, on the device."""
        return torch.stack(self._pending) if self._pending else self._silent.new_zeros(0, 4, dtype=torch.float32)

    def weights_are_finite(self) -> Bool[Tensor, ""]:
        """Whether all parameters are numbers, in training's units and in the model's; on the device."""
        tensors = (*self.trainee.tensors(), *self._weights().values())
        return torch.stack([torch.isfinite(tensor).all() for tensor in tensors]).all()

    def collect(self, rows: list[list[float]], finite: bool) -> int | None:
        """Bring what ``pending`` gave into the log; the first of these steps that has spoiled the SAE, if any.

        Its loss is not finite, or it was the last one and has left weights that are not.
        """
        if not rows:
            return None
        self._pending.clear()
        for step, row in enumerate(rows, start=self.steps - len(rows) + 1):
            if not math.isfinite(row[0]):
                self.diverged = True
                return step
        self.log.append(LogRow(self.steps, *rows[-1]))
        if self.steps >= self.recipe.steps and not finite:
            self.diverged = True
            return self.steps
        return None

    def _weights(self) -> dict[str, Tensor]:
        """The tensors in model units: the scale goes into the biases, and what fires stays as it was."""
        scaled = ("b_dec", *self.recipe.sae_class.activation_units)
        named = self.trainee.named()
        return {name: value / self.scale if name in scaled else value for name, value in named.items()}

    def sae(self) -> SAE:
        """The SAE in model units."""
        last = self.last_row
        arguments: dict[str, Any] = {name: tensor.clone() for name, tensor in self._weights().items()}
        arguments["W_enc"] = arguments["W_enc"].T.contiguous()
        return self.recipe.sae_class(
            **arguments,
            **self.recipe.sae_class.training_arguments(self.recipe),
            metadata={"hook_name": self.recipe.hook_name, "model_name": self.recipe.model_name},
            workbench={
                "name": self.recipe.title,
                "recipe": self.recipe.as_dict(),
                "training": {
                    "steps": self.steps,
                    "tokens": self.tokens,
                    "scale": self.scale,
                    "dead_after_tokens": self._dead_after,
                    "loss": last.loss,
                    "fvu": last.fvu,
                    "l0": last.l0,
                    "dead_fraction": last.dead_fraction,
                },
            },
        )
