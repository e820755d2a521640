"""The tail of a forward pass: what the model makes of another activation at one hook point and one position."""

from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.lm.language_model import LanguageModel

# Tensors of the width of a layer that its backward pass needs of each position.
_TENSORS_KEPT = 8
# Positions beyond which a pass gets no faster per position.
_BUSY_CPU, _BUSY_GPU = 4096, 1 << 17
_CPU_BYTES = 1 << 30


class Tail(Protocol):
    """Contexts of one length, read up to a hook point and ready to go on from there with other activations."""

    @property
    def activations(self) -> Float[Tensor, "context width"]:
        """What the model holds at the hook point and position, in model units."""
        ...

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
    """The tail of a forward pass over ``tokens`` after the hook point, read out as logits of ``token_ids``.

    ``position`` may count from the end. Raises ValueError where the contexts have no such position, HookPointError for
    an unknown hook point.
    """
    length = tokens.shape[-1]
    if tokens.ndim != 2 or not -length <= position < length:
        raise ValueError(f"contexts of shape {tuple(tokens.shape)} have no position {position}")
    return FullPasses(model, hook_name, tokens, position % length, token_ids.to(model.device))


def positions_at_once(model: LanguageModel) -> int:
    """Positions that a pass with gradients should hold at once: enough for the device, and not more than memory has."""
    width = model.d_model + (model.bridge.cfg.d_mlp or 4 * model.d_model)
    bytes_each = _TENSORS_KEPT * model.n_layers * width * model.dtype.itemsize
    if model.device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(model.device)
        return max(1, min(_BUSY_GPU, free // 4 // bytes_each))
    return max(1, min(_BUSY_CPU, _CPU_BYTES // bytes_each))


@dataclass
class FullPasses:
    """The tail as edits of whole forward passes: right for every model and hook point, and slow."""

    model: LanguageModel
    hook_name: str
    tokens: Int[Tensor, "context position"]
    position: int
    token_ids: Int[Tensor, " token"]

    def __post_init__(self) -> None:
        self.activations = self.model.activations(self.tokens, self.hook_name)[:, self.position]

    @property
    def positions_run(self) -> int:
        return self.tokens.shape[1]

    def logits(
        self, contexts: Int[Tensor, " row"], activations: Float[Tensor, "row width"]
    ) -> Float[Tensor, "row token"]:
        def replace(site: Float[Tensor, "row position width"]) -> Float[Tensor, "row position width"]:
            before, after = site[:, : self.position], site[:, self.position + 1 :]
            return torch.cat([before, activations[:, None], after], dim=1)

        rows = self.tokens[contexts.to(self.tokens.device)]
        return self.model.logits_with(rows, self.hook_name, replace, last=1)[:, -1, self.token_ids]
