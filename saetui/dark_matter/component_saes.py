"""SAEs trained on the parts of another SAE's error: which parts are made of sparse features? (2410.14670)"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.dark_matter.error_fit import LinearErrorFit
from saetui.dark_matter.held_out import Unexplained
from saetui.dark_matter.intervals import N_REPLICATES, ContextBootstrap, Estimate, combine
from saetui.dark_matter.split import ContextSplit
from saetui.dark_matter.token_set import ErrorBatch, ReadContexts, finite_rows
from saetui.lm.activation_stream import place
from saetui.sae import SAE, TopKRecipe, TrainingStep, train_saes
from saetui.sae.evaluation import count_fires
from saetui.sae.training.buffer import BUFFER_TOKENS, sent_ahead, shuffled_batches

Component = Literal["activation", "error", "linear", "nonlinear"]
COMPONENTS: tuple[Component, ...] = get_args(Component)
# A component with a smaller share of the activations' squared norm counts as absent.
_NOTHING = 1e-9
# Encoder and decoder, each with its gradient and Adam's two moments, float32.
_BYTES_PER_WEIGHT = 32


@dataclass(frozen=True)
class ComponentSAE:
    """An SAE of one component, judged on held-out contexts."""

    sae: SAE
    fvu: Estimate
    """Fraction of the component's own variance left unexplained."""
    dead_fraction: float
    """Latents that fired on none of the held-out tokens."""
    mean_square: float
    """Mean squared norm of the component on the held-out tokens; each SAE is trained at a mean squared norm of 1."""
    n_tokens: int


@dataclass(frozen=True)
class ComponentSAEs:
    """Equal SAEs on every component; one that is absent (its norm is zero) has none."""

    saes: Mapping[Component, ComponentSAE]

    @property
    def nonlinear_to_linear(self) -> Estimate:
        """FVU of the nonlinear error's SAE over that of the linear error's; above 1 it is the harder to learn."""
        if "linear" not in self.saes or "nonlinear" not in self.saes:
            return Estimate(None)
        return combine(_ratio, self.saes["nonlinear"].fvu, self.saes["linear"].fvu)


def train_component_saes(
    read: ReadContexts,
    fit: LinearErrorFit,
    split: ContextSplit,
    *,
    k: int = 32,
    steps: int,
    width: int | None = None,
    batch_size: int = 1024,
    lr: float | None = None,
    auxk: int = 0,
    seed: int = 0,
    n_replicates: int = N_REPLICATES,
    on_step: Callable[[Component, TrainingStep], None] | None = None,
) -> ComponentSAEs:
    """Train a TopK SAE of the same recipe on each component, over the train contexts again and again.

    ``read`` gives the reconstructions of ``fit.name`` among others. ``width`` is 8 · d by default; dead latents are not
    revived (``auxk`` 0), as in the paper. Raises TrainingError where training diverges.
    """
    d = len(fit.activation_mean)
    squares = _squares(read, fit, split)
    trained: dict[Component, ComponentSAE] = {}
    for component in COMPONENTS:
        if squares[component] <= _NOTHING * squares["activation"]:
            continue
        recipe = replace(
            component_recipe(f"{fit.name} {component}", d, k, steps, width=width),
            seed=seed,
            lr=lr,
            auxk=auxk,
            hook_name=fit.token_set.hook_name or None,
        )
        stream = _endless(read, fit, split, component)
        device = fit.activation_mean.device
        reserved = _BYTES_PER_WEIGHT * recipe.width * d
        placement = place(fit.n_train, d, device, buffer_tokens=BUFFER_TOKENS, reserved=reserved)
        there = (chunk.to(placement.device) for chunk in stream)
        shuffled = shuffled_batches(there, batch_size, buffer_tokens=placement.buffer_tokens, seed=seed)
        batches = sent_ahead(shuffled, device)
        report = None if on_step is None else _reporter(on_step, component)
        (result,) = train_saes(batches, [recipe], device=device, on_step=report)
        trained[component] = _judge(result.sae, read, fit, split, component, n_replicates, seed)
    return ComponentSAEs(trained)


def component_recipe(name: str, d: int, k: int, steps: int, *, width: int | None = None) -> TopKRecipe:
    """How an SAE of a component is trained; SAEError where ``k`` is more than its width, by default 8 · ``d``."""
    return TopKRecipe(width=width or 8 * d, k=k, steps=steps, auxk=0, name=name)


def component_rows(batch: ErrorBatch, fit: LinearErrorFit, component: Component) -> Float[Tensor, "n d"]:
    """One component of the error of the SAE that was fitted, float32."""
    x = batch.activations.double()
    if component == "activation":
        return x.float()
    if component == "linear":
        return fit.linear_error(x).float()
    if fit.name not in batch.reconstructions:
        raise ValueError(f"the batches hold {', '.join(batch.reconstructions)}, but not {fit.name}, which was fitted")
    error = x - batch.reconstructions[fit.name]
    return (error if component == "error" else error - fit.linear_error(x)).float()


def _endless(
    read: ReadContexts, fit: LinearErrorFit, split: ContextSplit, component: Component
) -> Iterator[Float[Tensor, "n d"]]:
    while True:
        n = 0
        for batch in read(split.train):
            rows = component_rows(finite_rows(batch)[0], fit, component)
            n += len(rows)
            yield rows
        if not n:
            raise ValueError("the train contexts hold no finite tokens; give contexts that do")


def _squares(read: ReadContexts, fit: LinearErrorFit, split: ContextSplit) -> dict[Component, float]:
    """Summed squared norms over the held-out tokens."""
    sums = dict.fromkeys(COMPONENTS, 0.0)
    for batch in read(split.test):
        finite = finite_rows(batch)[0]
        for component in COMPONENTS:
            sums[component] += float(component_rows(finite, fit, component).double().square().sum())
    return sums


def _judge(
    sae: SAE,
    read: ReadContexts,
    fit: LinearErrorFit,
    split: ContextSplit,
    component: Component,
    n_replicates: int,
    seed: int,
) -> ComponentSAE:
    bootstrap = ContextBootstrap(split.test, n_replicates=n_replicates, seed=seed, device=sae.device)
    shift = fit.activation_mean.new_zeros(sae.d_in)
    unexplained = Unexplained(bootstrap, shift, 1)
    fires = torch.zeros(sae.d_sae, dtype=torch.long, device=sae.device)
    n, squares = 0, 0.0
    for batch in read(split.test):
        finite = finite_rows(batch)[0]
        y = component_rows(finite, fit, component)
        indices, values = sae.encode_sparse(y)
        count_fires(fires, indices, values)
        y, estimate = y.double(), sae.decode_sparse(indices, values).double()
        left = (y - estimate).square().sum(dim=1, keepdim=True)
        unexplained.add(bootstrap.groups(finite.context), y, left)
        squares += float(y.square().sum())
        n += len(y)
    return ComponentSAE(sae, unexplained.fvu(0), float((fires == 0).double().mean()), squares / n, n)


def _reporter(
    on_step: Callable[[Component, TrainingStep], None], component: Component
) -> Callable[[TrainingStep], None]:
    return lambda step: on_step(component, step)


def _ratio(a: float, b: float) -> float | None:
    return a / b if b > 0 else None
