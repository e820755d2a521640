"""Loss and gradients of a TopK SAE with AuxK, written by hand: only latents that were selected are touched.

The gradient of the loss reaches k latents of a token. So one dense product is left, the encoder's; everything else is a
sum over (token, latent) pairs. Both matrices are (width, d_in) here: a row is a latent.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import embedding_bag

from saetui.sae.pairs import PairsByLatent
from saetui.sae.selection import largest
from saetui.sae.trainees.auxk import AuxK
from saetui.sae.trainees.trainee import Step

if TYPE_CHECKING:
    from saetui.sae.training.recipe import TrainingRecipe

# Steps for which a GPU is not asked again which latents are dead.
_WATCHED_STEPS = 16


@dataclass
class Parameters:
    """The four parameters of an SAE in training, or their gradients."""

    W_enc: Float[Tensor, "width d_in"]
    W_dec: Float[Tensor, "width d_in"]
    b_enc: Float[Tensor, " width"]
    b_dec: Float[Tensor, " d_in"]

    def tensors(self) -> list[Tensor]:
        return [self.W_enc, self.W_dec, self.b_enc, self.b_dec]


@dataclass
class StepResult:
    """What one batch gives."""

    gradients: Parameters
    squared_error: Float[Tensor, ""]
    """Squared norm of the error, mean over tokens."""
    auxiliary: Float[Tensor, ""]
    """The auxiliary loss, unweighted; 0 where no latent is dead."""
    l0: Float[Tensor, ""]
    fired: Bool[Tensor, " width"]


class TopKGradients:
    """Computes steps; keeps the memory of the pre-activations: asking for it again costs as much as the selection."""

    def __init__(self, k: int, auxk: AuxK) -> None:
        self._k = k
        self._auxk = auxk
        self._pre_activations: Tensor | None = None
        self._watched: Tensor | None = None
        self._watched_tokens = 0

    def __call__(self, parameters: Parameters, x: Float[Tensor, "n d_in"], silent: Int[Tensor, " width"]) -> StepResult:
        """Gradients of ``mean |x - x_hat|^2 + coefficient * auxiliary`` (2406.04093 §2.4).

        ``silent`` counts the tokens since each latent fired, without this batch.
        """
        n, width = x.shape[0], parameters.W_enc.shape[0]
        centred = x - parameters.b_dec
        pre = torch.addmm(parameters.b_enc, centred, parameters.W_enc.T, out=self._buffer(x, width))
        indices = largest(pre, self._k)
        values = pre.gather(1, indices).relu_()
        error = embedding_bag(indices, parameters.W_dec, mode="sum", per_sample_weights=values).sub_(centred)
        upstream = error * (2 / n)
        tokens = torch.arange(n, device=x.device)[:, None].expand(-1, self._k).reshape(-1)
        pairs = PairsByLatent(tokens, indices.reshape(-1), values.reshape(-1), width)
        of_decoder, of_values = pairs.gradients(upstream, parameters.W_dec)
        active = pairs.values > 0
        of_values *= active
        gradients = Parameters(
            W_enc=pairs.rows(of_values, centred),
            W_dec=of_decoder,
            b_enc=pairs.sums(of_values),
            b_dec=upstream.sum(dim=0),
        )
        fired = torch.zeros(width, dtype=torch.long, device=x.device).scatter_add_(0, pairs.latents, active.long()) > 0
        auxiliary = x.new_zeros(())
        silent = (silent + n) * ~fired
        on_cpu = x.device.type == "cpu"
        dead = self._auxk.silent_for(silent, self._auxk.dead_after) if on_cpu else self._watch(silent, n)
        if dead.numel():
            some, rows = pre.index_select(1, dead), parameters.W_dec[dead]
            if on_cpu:
                result = self._auxk(some, rows, centred, error)
            else:
                result = self._auxk.of_some(some, silent[dead] >= self._auxk.dead_after, rows, centred, error)
            if result is not None:
                auxiliary = result.loss
                gradients.W_enc.index_add_(0, dead, result.W_enc)
                gradients.W_dec.index_add_(0, dead, result.W_dec)
                gradients.b_enc.index_add_(0, dead, result.b_enc)
        # The output bias is taken off the input too: what reaches the pre-activations reaches it by every encoder row.
        gradients.b_dec -= gradients.b_enc @ parameters.W_enc
        return StepResult(gradients, error.square().sum() / n, auxiliary, active.sum() / n, fired)

    def _watch(self, silent: Int[Tensor, " width"], n: int) -> Int[Tensor, " watched"]:
        """All latents that are dead, and those that may be in some steps to come: one wait for all these steps."""
        self._watched_tokens -= n
        if self._watched is None or self._watched_tokens < 0:
            self._watched_tokens = _WATCHED_STEPS * n
            self._watched = self._auxk.silent_for(silent, self._auxk.dead_after - self._watched_tokens)
        return self._watched

    def _buffer(self, x: Float[Tensor, "n d_in"], width: int) -> Float[Tensor, "n width"]:
        n = x.shape[0]
        if self._pre_activations is None or self._pre_activations.shape[0] < n:
            self._pre_activations = x.new_empty(n, width)
        return self._pre_activations[:n]


class TopKTrainee:
    """A TopK SAE in training, by these gradients."""

    def __init__(
        self, recipe: "TrainingRecipe", decoder: Float[Tensor, "width d_in"], bias: Tensor, dead_after: int
    ) -> None:
        self.parameters = Parameters(decoder.clone(), decoder, torch.zeros(recipe.width, device=decoder.device), bias)
        self.W_dec = decoder
        self._coefficient = recipe.auxk_coefficient
        auxk = AuxK(recipe.auxk_of(decoder.shape[1]), recipe.auxk_coefficient, dead_after)
        self._gradients = TopKGradients(recipe.selected, auxk)

    def tensors(self) -> list[Tensor]:
        return self.parameters.tensors()

    def named(self) -> dict[str, Tensor]:
        return dict(vars(self.parameters))

    def step(self, x: Float[Tensor, "n d_in"], silent: Int[Tensor, " width"], share: float) -> Step:  # noqa: ARG002
        made = self._gradients(self.parameters, x, silent)
        penalty = self._coefficient * made.auxiliary
        return Step(made.gradients.tensors(), made.squared_error, penalty, made.l0, made.fired)
