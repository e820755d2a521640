"""The logit lens: what a direction at a hook point adds to the logits on its straight way along the residual stream."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from saetui.lm.exceptions import HookPointError, NoLogitLensError
from saetui.lm.language_model import LanguageModel

_PARTS = ("resid_pre", "attn_out", "mlp_out", "resid_post")
_HEAD_IN, _HEAD_OUT = "unembed.hook_in", "unembed.hook_out"
# Small enough for every soft cap to let it pass unchanged.
_SMALL = 2.0**-10


@dataclass(frozen=True)
class LogitLens:
    """The way of a direction to the logits, as two matrices: to the residual stream, and from there to the logits."""

    to_residual: Float[Tensor, "width d_model"] | None
    """None where the hook point lies in the residual stream, or is added to it as it is."""
    to_logits: Float[Tensor, "d_model v"]

    def __call__(self, directions: Float[Tensor, "n width"]) -> Float[Tensor, "n v"]:
        """What each direction adds to the logits, less its mean over the vocabulary, which changes no prediction."""
        written = directions.to(self.to_logits)
        if self.to_residual is not None:
            written = written @ self.to_residual
        return written @ self.to_logits


@torch.no_grad()
def logit_lens(model: LanguageModel, hook_name: str) -> LogitLens:
    """The lens of a hook point, in logits of the model before their soft cap where it has one.

    A norm on the way takes part with its weights and its centring; the length by which it divides differs from token to
    token and is left out. So the lens times 1/length is the derivative of the logits along directions that do not
    change that length, with everything else on the way held fixed. The output matrix of attention, multipliers of
    sublayers and of the logits are part of it. All of them are read from what the model computes, not from names in its
    configuration.

    Raises NoLogitLensError where the way is not a straight one, such as in an encoder; the message says why.
    """
    site = model.site(hook_name)
    first = (site.layer or 0) + (site.kind == "resid_post")
    parts = [f"blocks.{block}.hook_{part}" for block in range(first, model.n_layers) for part in _PARTS]
    end_name = f"blocks.{model.n_layers - 1}.hook_resid_post"
    wanted = {hook_name, end_name, *parts}.intersection(model.hook_names())
    checks = _Checks(model, hook_name)
    tokens = torch.linspace(0, model.vocabulary_size - 1, 8).long().view(2, 4)[:, : model.context_length]
    head_in: list[Tensor] = []

    def keep(value: Tensor, *, hook: Any) -> None:  # noqa: ARG001
        head_in.append(value.detach())

    with model.bridge.hooks(fwd_hooks=[(_HEAD_IN, keep)]):
        try:
            _, at = model.logits_and_activations(tokens, sorted(wanted))
        except HookPointError as error:
            raise NoLogitLensError(f"There is no logit lens at {hook_name} of {model.name}: {error}") from error
    checks.require_straight_stream(at, first)
    if site.kind == "embed":
        start = at["blocks.0.hook_resid_pre"]
        checks.require(
            _alike(start[0] - start[1], at[hook_name][0] - at[hook_name][1], model.dtype),
            "the embedding is changed before it becomes the residual stream",
        )
    end = at[end_name]
    norm = _Norm.of(model.bridge.ln_final, model) if hasattr(model.bridge, "ln_final") else None
    normed = end if norm is None else norm(end)
    checks.require(
        len(head_in) == 1
        and head_in[0].shape == normed.shape
        and _alike_by_token(head_in[0].to(normed) - (0 if norm is None else norm.shift), normed, model),
        "its head does more than a norm and the unembedding",
    )
    return LogitLens(
        _attention_output(model, site.layer, at, checks) if site.kind == "z" and site.layer is not None else None,
        _to_logits(model, norm, _logit_scale(model, tokens, checks)),
    )


@dataclass(frozen=True)
class _Norm:
    """A norm without the length it divides by: ``(x - mean) * weight``, or ``x * weight`` where it does not centre."""

    weight: Float[Tensor, " d_model"]
    shift: Float[Tensor, " d_model"]
    centres: bool

    @classmethod
    def of(cls, component: Any, model: LanguageModel) -> "_Norm":
        """Read from what it makes of three inputs: some norms have no weights, others keep their distance from one."""
        n = model.d_model
        half = n // 2
        # Mean 0 and length 1 for every norm; a hundred times that makes what it adds to the length vanish.
        wide = torch.promote_types(model.dtype, torch.float32)
        pattern = torch.full((n,), 1 / half, device=model.device, dtype=wide)
        pattern[half:] = -1 / (n - half)
        pattern = pattern / pattern.square().mean().sqrt()
        inputs = torch.stack([torch.zeros_like(pattern), 100 * pattern, torch.ones_like(pattern)])
        zero, varied, constant = component.original_component(inputs[None].to(model.dtype))[0].to(pattern)
        weight = (varied - zero) / pattern
        return cls(weight, zero, bool((constant - zero).abs().max() < 0.5 * weight.abs().max()))

    def __call__(self, x: Float[Tensor, "*b d_model"]) -> Float[Tensor, "*b d_model"]:
        return (x - x.mean(-1, keepdim=True) if self.centres else x) * self.weight


class _Checks:
    """What has to be so for a lens to exist."""

    def __init__(self, model: LanguageModel, hook_name: str) -> None:
        self._model, self._hook_name = model, hook_name

    def require(self, holds: bool, reason: str) -> None:
        if not holds:
            raise NoLogitLensError(
                f"There is no logit lens at {self._hook_name} of {self._model.name}: {reason}, so no direction has "
                "logits of its own"
            )

    def require_straight_stream(self, at: dict[str, Tensor], first: int) -> None:
        """Raises where a block from ``first`` on does more to the residual stream than to add to it."""
        for block in range(first, self._model.n_layers):
            before, attention, mlp, end = (at.get(f"blocks.{block}.hook_{part}") for part in _PARTS)
            if before is not None and attention is not None and mlp is not None and end is not None:
                straight = _alike(before + attention + mlp, end, self._model.dtype)
                self.require(straight, "its blocks do more to the residual stream than to add to it")


def _alike(a: Tensor, b: Tensor, dtype: torch.dtype) -> bool:
    """Whether two tensors differ by no more than a computation in that precision may."""
    return bool((a - b).abs().max() <= max(1e-3, torch.finfo(dtype).eps ** 0.5) * b.abs().max())


def _alike_by_token(a: Float[Tensor, "b t d"], b: Float[Tensor, "b t d"], model: LanguageModel) -> bool:
    """Whether ``a`` is ``b`` times a number that each token has for itself."""
    scale = (a * b).sum(-1, keepdim=True) / b.square().sum(-1, keepdim=True).clamp(min=torch.finfo(b.dtype).tiny)
    return _alike(scale * b, a, model.dtype)


def _attention_output(model: LanguageModel, layer: int, at: dict[str, Tensor], checks: _Checks) -> Tensor:
    """What z, all heads side by side, adds to the residual stream: the output matrix, and a norm or factor after it."""
    block = model.bridge.blocks[layer]
    z, added = at[f"blocks.{layer}.attn.hook_z"], at.get(f"blocks.{layer}.hook_attn_out")
    output = getattr(getattr(block, "attn", None), "o", None)
    reason = "attention does more to z than to multiply it by the output matrix"
    checks.require(output is not None and added is not None, reason)
    assert output is not None and added is not None  # noqa: PT018
    module = output.original_component
    # Weights are multiplied from the right by most families, by GPT-2 from the left.
    matrix: Tensor = (module.weight.T if isinstance(module, nn.Linear) else module.weight).to(z)
    bias = getattr(module, "bias", None)
    written = z @ matrix + (0 if bias is None else bias.to(z))
    if hasattr(block, "ln1_post"):
        norm = _Norm.of(block.ln1_post, model)
        checks.require(_alike_by_token(added - norm.shift, norm(written), model), reason)
        return (matrix - matrix.mean(1, keepdim=True) if norm.centres else matrix) * norm.weight
    factor = (written * added).sum() / written.square().sum().clamp(min=torch.finfo(written.dtype).tiny)
    checks.require(_alike(factor * written, added, model.dtype), reason)
    return factor * matrix


def _logit_scale(model: LanguageModel, tokens: Tensor, checks: _Checks) -> float:
    """By how much the model multiplies what its unembedding gives, near zero, where a soft cap does nothing."""

    def small(value: Tensor, *, hook: Any) -> Tensor:  # noqa: ARG001
        return torch.full_like(value, _SMALL)

    with model.bridge.hooks(fwd_hooks=[(_HEAD_OUT, small)]):
        logits = model.logits(tokens)
    scale = logits.mean() / _SMALL
    checks.require(
        _alike(logits, torch.full_like(logits, float(scale) * _SMALL), model.dtype) and bool(scale != 0),
        "its logits are not those of the unembedding times a number",
    )
    return float(scale)


def _to_logits(model: LanguageModel, norm: _Norm | None, scale: float) -> Tensor:
    weight = model.bridge.unembed.original_component.weight
    # In place: the vocabulary of a large model takes gigabytes.
    matrix: Tensor = weight.T.to(torch.promote_types(weight.dtype, torch.float32), copy=True).mul_(scale)
    if norm is not None:
        matrix *= norm.weight[:, None]
        if norm.centres:
            matrix -= matrix.mean(0)
    return matrix.sub_(matrix.mean(1, keepdim=True))
