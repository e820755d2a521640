"""Next-token loss with an SAE's reconstruction put in place of the activation (2410.14670, downstream effect)."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.dark_matter.losses import CONTEXTS_AT_ONCE, Edit, judged_positions, next_token_losses
from saetui.lm import LanguageModel
from saetui.lm.memory import contexts_at_once, in_batches
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
    batch_size: int = CONTEXTS_AT_ONCE,
) -> DownstreamLoss:
    """Losses over the counted positions (no special tokens, no padding); other positions keep their activation.

    At most ``batch_size`` contexts are read at once, fewer where their logits would not fit into the device's memory.
    Raises HookPointError where the SAE's width does not fit the model's hook point, ValueError where it names none.
    """
    hook_name = sae.hook_name
    if hook_name is None:
        raise ValueError("the SAE does not say which hook point it was trained on; set metadata['hook_name']")
    model.check_width(hook_name, sae.d_in)
    n = int(judged_positions(counted).sum())
    edits: list[Edit | None] = [None, lambda x: sae.decode_sparse(*sae.encode_sparse(x)), torch.zeros_like]
    length = tokens.shape[1]

    def measure(part: slice) -> Float[Tensor, "3"]:
        rows, mask = tokens[part].to(model.device), counted[part].to(model.device)
        return torch.stack([next_token_losses(model, hook_name, rows, mask, edit).double().sum() for edit in edits])

    size = contexts_at_once(model, length, batch_size)
    parts = [part.cpu() for part in in_batches(model, length, len(tokens), size, measure)]
    return DownstreamLoss(*(torch.stack(parts).sum(0) / n).tolist())
