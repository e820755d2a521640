"""Next-token loss with an SAE's reconstruction put in place of the activation (2410.14670, downstream effect)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from saetui.dark_matter.losses import Edit, judged_positions, next_token_losses
from saetui.lm import LanguageModel
from saetui.sae import SAE

# A smaller effect in nats is noise, and the share recovered of it is meaningless.
SMALLEST_EFFECT = 1e-3


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
        return None if abs(effect) < SMALLEST_EFFECT else (self.zeroed - self.reconstructed) / effect


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
    n = int(judged_positions(counted).sum())
    edits: list[Edit | None] = [None, lambda x: sae.decode_sparse(*sae.encode_sparse(x)), torch.zeros_like]
    totals = [0.0, 0.0, 0.0]
    for start in range(0, len(tokens), batch_size):
        rows = tokens[start : start + batch_size].to(model.device)
        mask = counted[start : start + batch_size].to(model.device)
        for i, edit in enumerate(edits):
            totals[i] += float(next_token_losses(model, hook_name, rows, mask, edit).sum())
    return DownstreamLoss(*(total / n for total in totals))
