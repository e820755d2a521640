"""The tail of a forward pass: what the model makes of another activation at one hook point and one position."""

import logging
from typing import TYPE_CHECKING, Protocol
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui import device_errors
from saetui.lm.language_model import LanguageModel
from saetui.lm.memory import free_memory
from saetui.lm.resume.full_passes import FullPasses

if TYPE_CHECKING:
    from saetui.lm.resume.resumed_passes import ResumableModel

# Tensors of the width of a layer that its backward pass needs of each position.
_TENSORS_KEPT = 8
# Positions beyond which a pass gets no faster per position.
_BUSY_CPU, _BUSY_GPU = 8192, 1 << 17
# Contexts on which the fast way is compared with whole passes.
_COMPARED = 3
# A difference may be this many times what rounding makes of whole passes; up to 2.7 were seen, on 24 layers at most.
_TIMES_NOISE = 4.0
# A difference that is always allowed, as a share of the spread of what is compared; both as root mean squares.
_NEGLIGIBLE = {torch.float64: 1e-7, torch.float32: 1e-4}
_LOG = logging.getLogger(__name__)


class Tail(Protocol):
    """Contexts of one length, read up to a hook point and ready to go on from there with other activations."""

    activations: Float[Tensor, "context width"]
    """What the model holds at the hook point and position, in model units."""

    @property
    def positions_run(self) -> int:
        """Positions that one row of ``logits`` costs."""
        ...

    def logits(
        self, contexts: Int[Tensor, " row"], activations: Float[Tensor, "row width"]
    ) -> Float[Tensor, "row token"]:
        """Last-position logits of the chosen tokens, with the activation of ``contexts[i]`` replaced by row i.

        Gradients flow into ``activations``; wrap the call in ``torch.no_grad()`` where none are wanted.
        """
        ...


def read_tail(
    model: LanguageModel,
    hook_name: str,
    tokens: Int[Tensor, "context position"],
    position: int,
    token_ids: Int[Tensor, " token"],
) -> Tail:
    """The tail of a forward pass over ``tokens`` behind the hook point, read out as logits of ``token_ids``.

    ``position`` may count from the end. Only the layers behind the hook point run, from the position on. That is first
    compared with whole passes, once per model and hook point; where it differs, whole passes are run, with a warning in
    the log. Raises ValueError where the contexts have no such position, HookPointError for an unknown hook point.
    """
    from saetui.lm.resume.resumed_passes import ResumedPasses

    length = tokens.shape[-1]
    if tokens.ndim != 2 or not -length <= position < length:
        raise ValueError(f"contexts of shape {tuple(tokens.shape)} have no position {position}")
    tokens, token_ids, position = tokens.to(model.device), token_ids.to(model.device), position % length
    known = _RESUMABLE.setdefault(model, {})
    # A prefix of no positions takes another way through the model.
    key = hook_name, position == 0
    if key not in known:
        known[key] = _resumable(model, hook_name, tokens[:_COMPARED], position, token_ids)
    resumable = known[key]
    if resumable is None:
        return FullPasses(model, hook_name, tokens, position, token_ids)
    return ResumedPasses(resumable, tokens, position, token_ids)


_RESUMABLE: WeakKeyDictionary[LanguageModel, dict[tuple[str, bool], "ResumableModel | None"]] = WeakKeyDictionary()


def _resumable(
    model: LanguageModel,
    hook_name: str,
    tokens: Int[Tensor, "context position"],
    position: int,
    token_ids: Int[Tensor, " token"],
) -> "ResumableModel | None":
    """The model cut at the hook point; None where passes that begin there do not give what whole passes give."""
    from saetui.lm.resume.later_layers import NotResumable
    from saetui.lm.resume.resumed_passes import ResumableModel, ResumedPasses
    from saetui.lm.resume.shared_prefix import SHARED_PREFIX

    expected = _outcome(FullPasses(model, hook_name, tokens, position, token_ids))
    rounded = _outcome(_ShakenPasses(model, hook_name, tokens, position, token_ids))
    least = max(_NEGLIGIBLE.get(model.dtype, 0.0), _TIMES_NOISE * torch.finfo(model.dtype).eps)
    allowed = [max(least, _TIMES_NOISE * _difference(*pair)) for pair in zip(rounded, expected, strict=True)]
    reasons = []
    for attention in (SHARED_PREFIX, "sdpa", "eager"):
        try:
            resumable = ResumableModel(model, hook_name, attention)
            found = _outcome(ResumedPasses(resumable, tokens, position, token_ids))
        except NotResumable as reason:
            reasons.append(str(reason))
        except Exception as error:  # Each family's own code fails in its own way; whole passes need none of it.
            if device_errors.kind_of(error) is not None:
                raise  # Whole passes would fail as well, or take 20 times as long for nothing.
            reasons.append(f"{attention}: {type(error).__name__}: {error}")
        else:
            differences = [_difference(*pair) for pair in zip(found, expected, strict=True)]
            worst = max(zip(differences, allowed, strict=True), key=lambda pair: pair[0] / pair[1])
            if worst[0] <= worst[1]:
                return resumable
            reasons.append(f"{attention}: differs by {worst[0]:.1g} of the spread, where {worst[1]:.1g} is rounding")
    _LOG.warning(
        "%s of %s: passes cannot begin behind this hook point (%s), so whole passes are run, which takes longer",
        hook_name,
        model.name,
        "; ".join(dict.fromkeys(reasons)),
    )
    return None


class _ShakenPasses(FullPasses):
    """Whole passes as rounding could make them: row by row, and every activation off by the last digit of its format.

    Another batch alone does not show it: on many machines a row does not depend on how many are beside it.
    """

    def logits(
        self, contexts: Int[Tensor, " row"], activations: Float[Tensor, "row width"]
    ) -> Float[Tensor, "row token"]:
        generator = torch.Generator().manual_seed(1)
        noise = torch.randn(activations.shape, generator=generator).to(activations.device)
        shaken = activations * (1 + torch.finfo(self.model.dtype).eps * noise)
        rows = [
            super(_ShakenPasses, self).logits(contexts[row : row + 1], shaken[row : row + 1])
            for row in range(len(contexts))
        ]
        return torch.cat(rows)


@torch.enable_grad()
def _outcome(tail: Tail) -> list[Tensor]:
    """Activations, logits of clean and disturbed activations, and the gradient of those logits."""
    clean = tail.activations
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(clean.shape, generator=generator).to(clean.device)
    disturbed = clean + 0.5 * noise * clean.square().mean().sqrt()
    contexts = torch.arange(len(clean), device=clean.device)
    points = torch.cat([clean, disturbed]).requires_grad_()
    logits = tail.logits(torch.cat([contexts, contexts]), points)
    weights = torch.randn(logits.shape, generator=generator).to(logits.device)
    (gradient,) = torch.autograd.grad((logits * weights).sum(), points)
    return [clean, logits.detach(), gradient]


def _difference(found: Tensor, expected: Tensor) -> float:
    """Root mean square of what differs, as a share of the spread of what is expected."""
    off = float((found - expected).double().square().mean().sqrt())
    return off if off == 0 else off / max(float(expected.double().std()), torch.finfo(torch.float64).tiny)


def positions_at_once(model: LanguageModel) -> int:
    """Positions that a pass with gradients should hold at once: enough for the device, and not more than memory has."""
    width = model.d_model + (model.bridge.cfg.d_mlp or 4 * model.d_model)
    bytes_each = _TENSORS_KEPT * model.n_layers * width * model.dtype.itemsize
    free = free_memory(model.device)
    if model.device.type == "cuda":
        return max(1, min(_BUSY_GPU, free // 4 // bytes_each))
    return max(1, min(_BUSY_CPU, free // bytes_each))
