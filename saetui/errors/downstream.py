"""Next-token loss with an SAE's reconstruction put in place of the activation (2410.14670, downstream effect)."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from saetui.lm import LanguageModel
from saetui.sae import SAE

_SMALLEST_EFFECT = 1e-3  # Below it, what is recovered is a ratio of noise.


@dataclass(frozen=True)
class DownstreamLoss:
    """Mean next-token losses in nats: as is, with the reconstruction, and with the activation set to zero."""

    clean: float
    reconstructed: float
    zeroed: float

    @property
    def recovered(self) -> float | None:
        """(zeroed - reconstructed) / (zeroed - clean): 1 for no damage, 0 for as bad as zero-ablation.

        None where zero-ablation itself changes the loss by less than 0.001 nats.
        """
        effect = self.zeroed - self.clean
        return None if abs(effect) < _SMALLEST_EFFECT else (self.zeroed - self.reconstructed) / effect


@torch.no_grad()
def downstream_loss(
    model: LanguageModel,
    sae: SAE,
    tokens: Int[Tensor, "context position"],
    counted: Bool[Tensor, "context position"],
    *,
    batch_size: int = 16,
) -> DownstreamLoss:
    """Losses over the counted positions (no special tokens, no padding); other positions keep their activation.

    Raises HookPointError where the SAE's width does not fit the model's hook point, ValueError where it names none.
    """
    hook_name = sae.hook_name
    if hook_name is None:
        raise ValueError("the SAE does not say which hook point it was trained on; set metadata['hook_name']")
    model.check_width(hook_name, sae.d_in)
    edits: list[Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]] | None]
    edits = [None, lambda x: sae.decode_sparse(*sae.encode_sparse(x)), torch.zeros_like]
    totals = [0.0, 0.0, 0.0]
    n = 0
    for start in range(0, len(tokens), batch_size):
        rows = tokens[start : start + batch_size].to(model.device)
        mask = counted[start : start + batch_size].to(model.device)
        # A position is judged by the token after it, which must count as well.
        judged = mask[:, :-1] & mask[:, 1:]
        n += int(judged.sum())
        for i, edit in enumerate(edits):
            logits = model.logits(rows) if edit is None else model.logits_with(rows, hook_name, _at(mask, edit))
            loss = functional.cross_entropy(logits[:, :-1][judged].float(), rows[:, 1:][judged], reduction="sum")
            totals[i] += float(loss)
    if n == 0:
        raise ValueError("no two counted tokens stand side by side, so there is no next-token loss to measure")
    return DownstreamLoss(*(total / n for total in totals))


def _at(
    mask: Bool[Tensor, "context position"], edit: Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]]
) -> Callable[[Float[Tensor, "context position d"]], Float[Tensor, "context position d"]]:
    """The edit, done at the masked positions only."""

    def edited(x: Float[Tensor, "context position d"]) -> Float[Tensor, "context position d"]:
        out = x.clone()
        out[mask] = edit(x[mask].float()).to(x.dtype)
        return out

    return edited
