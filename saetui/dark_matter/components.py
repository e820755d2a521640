"""What each part of the error costs the model: parts put back one at a time (2410.14670, downstream effect)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.dark_matter.downstream import SMALLEST_EFFECT
from saetui.dark_matter.error_fit import LinearErrorFit
from saetui.dark_matter.intervals import N_REPLICATES, ContextBootstrap, Estimate, GroupSums, combine
from saetui.dark_matter.losses import judged_positions, next_token_losses
from saetui.dark_matter.reconstructions import common_hook_name
from saetui.lm import LanguageModel
from saetui.lm.memory import contexts_at_once, in_batches
from saetui.sae import SAE

Setting = Literal["clean", "reconstructed", "with_linear", "with_nonlinear", "mean_ablated", "zeroed"]
Part = Literal["linear", "nonlinear"]
_SETTINGS: tuple[Setting, ...] = get_args(Setting)
_PARTS: tuple[Part, ...] = get_args(Part)


@dataclass(frozen=True)
class ComponentLosses:
    """Mean next-token losses in nats with the activation replaced, and the size of each part of the error.

    ``with_linear`` is the reconstruction plus the linear part of the error, ``with_nonlinear`` plus the other.
    """

    losses: Mapping[Setting, Estimate]
    squared_norm_share: Mapping[Part, Estimate]
    """Of the summed squared norm of the error; the two add up to 1 only where the parts are uncorrelated."""
    norm_share: Mapping[Part, Estimate]
    """Of the summed norm of the error."""
    n_tokens: int

    def recovered(self, part: Part) -> Estimate:
        """Percent of the reconstruction's damage that putting the part back undoes.

        None where the reconstruction changes the loss by less than 0.001 nats.
        """
        restored = self.losses["with_linear" if part == "linear" else "with_nonlinear"]
        return combine(_recovered, self.losses["clean"], self.losses["reconstructed"], restored)


def component_losses(
    model: LanguageModel,
    sae: SAE,
    fit: LinearErrorFit,
    tokens: Int[Tensor, "context position"],
    counted: Bool[Tensor, "context position"],
    *,
    first_position: int = 0,
    hook_name: str | None = None,
    batch_size: int = 16,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> ComponentLosses:
    """Losses over the counted positions from ``first_position`` on; others keep their activation.

    The tokens should be of contexts that the linear map was not fitted on. Raises ValueError where the SAE belongs to
    another hook point than the fit or nothing counts, HookPointError where it does not fit the model.
    """
    measured_at = fit.token_set.hook_name or hook_name
    site = common_hook_name({fit.name: sae}, measured_at)
    model.check_width(site, sae.d_in)
    replaced = counted.clone()
    replaced[:, :first_position] = False
    judged = judged_positions(replaced)
    contexts = torch.arange(len(tokens))[judged.any(dim=1).cpu()]
    bootstrap = ContextBootstrap(contexts, n_replicates=n_replicates, seed=seed, device=model.device)
    losses = GroupSums(bootstrap, 1 + len(_SETTINGS))
    norms = GroupSums(bootstrap, 2 + 2 * len(_PARTS))

    def measure(part: slice) -> tuple[int, tuple[Tensor, ...] | None]:
        rows, mask = tokens[part].to(model.device), replaced[part].to(model.device)
        at = torch.arange(part.start, part.start + len(rows), device=model.device)
        judged_rows = (mask[:, :-1] & mask[:, 1:]).nonzero(as_tuple=True)[0]
        if not len(judged_rows):
            return part.stop, None
        parts = _Parts.of(sae, fit, model.activations(rows, site)[mask].float())
        columns = [torch.ones(len(judged_rows), device=model.device)]
        columns += [next_token_losses(model, site, rows, mask, parts.edit(setting)) for setting in _SETTINGS]
        # Norms are those of all replaced positions in contexts that have a loss.
        replaced_rows = at[mask.nonzero(as_tuple=True)[0]]
        inside = torch.isin(replaced_rows, at[judged_rows])
        return part.stop, (at[judged_rows], torch.stack(columns, dim=1), replaced_rows[inside], parts.norms()[inside])

    length = tokens.shape[1]
    size = contexts_at_once(model, length, batch_size)
    for done, found in in_batches(model, length, len(tokens), size, measure):
        if found is not None:
            losses.add(bootstrap.groups(found[0]), found[1])
            norms.add(bootstrap.groups(found[2]), found[3])
        if progress is not None:
            progress(done, len(tokens))
    totals, sizes = losses.resampled(), norms.resampled()
    return ComponentLosses(
        losses={setting: bootstrap.estimate(totals[:, i + 1] / totals[:, 0]) for i, setting in enumerate(_SETTINGS)},
        squared_norm_share={part: bootstrap.estimate(sizes[:, 1 + i] / sizes[:, 0]) for i, part in enumerate(_PARTS)},
        norm_share={part: bootstrap.estimate(sizes[:, 4 + i] / sizes[:, 3]) for i, part in enumerate(_PARTS)},
        n_tokens=int(judged.sum()),
    )


@dataclass(frozen=True)
class _Parts:
    """Activations of some positions, and what their reconstructions leave out."""

    x: Float[Tensor, "n d"]
    error: Float[Tensor, "n d"]
    linear: Float[Tensor, "n d"]
    mean: Float[Tensor, " d"]

    @classmethod
    def of(cls, sae: SAE, fit: LinearErrorFit, x: Float[Tensor, "n d"]) -> "_Parts":
        error = x - sae.reconstruct(x).to(x)
        return cls(x, error, fit.linear_error(x).to(x), fit.activation_mean.to(x))

    def edit(self, setting: Setting) -> Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]] | None:
        """What takes the activations' place."""
        if setting == "clean":
            return None
        replacement = {
            "reconstructed": lambda: self.x - self.error,
            "with_linear": lambda: self.x - self.error + self.linear,
            "with_nonlinear": lambda: self.x - self.linear,
            "mean_ablated": lambda: self.mean.expand_as(self.x),
            "zeroed": lambda: torch.zeros_like(self.x),
        }[setting]()
        return lambda _: replacement

    def norms(self) -> Float[Tensor, "n 6"]:
        """Squared norms of the error and its parts, then their norms."""
        vectors = (self.error, self.linear, self.error - self.linear)
        plain = torch.stack([torch.linalg.vector_norm(v.double(), dim=1) for v in vectors], dim=1)
        return torch.cat([plain.square(), plain], dim=1)


def _recovered(clean: float, reconstructed: float, restored: float) -> float | None:
    damage = reconstructed - clean
    return None if abs(damage) < SMALLEST_EFFECT else 100 * (reconstructed - restored) / damage
