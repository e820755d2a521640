"""Next-token loss of each token, as the model is and with an activation replaced (2410.14670, downstream effect)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from saetui.dark_matter.reconstructions import common_hook_name
from saetui.lm import LanguageModel
from saetui.lm.memory import contexts_at_once, in_batches
from saetui.sae import SAE

# Positions whose logits are made float32 at once.
_BLOCK = 1024
# With many more a pass gets no faster.
CONTEXTS_AT_ONCE = 16

Edit = Callable[[Float[Tensor, "n d"]], Float[Tensor, "n d"]]


def judged_positions(counted: Bool[Tensor, "context position"]) -> Bool[Tensor, "context position-1"]:
    """Positions with a loss: a counted token is judged by the token after it, which must count as well.

    Raises ValueError where there is none.
    """
    judged = counted[:, :-1] & counted[:, 1:]
    if not bool(judged.any()):
        raise ValueError("no two counted tokens stand side by side, so there is no next-token loss to measure")
    return judged


@torch.no_grad()
def next_token_losses(
    model: LanguageModel,
    hook_name: str,
    tokens: Int[Tensor, "context position"],
    counted: Bool[Tensor, "context position"],
    edit: Edit | None = None,
) -> Float[Tensor, " judged"]:
    """Losses in nats at the judged positions, in reading order; ``edit`` replaces the activations of counted ones."""
    edited = None if edit is None else at_positions(counted, edit)
    logits = model.logits(tokens) if edited is None else model.logits_with(tokens, hook_name, edited)
    judged = counted[:, :-1] & counted[:, 1:]
    kept, following = logits[:, :-1][judged], tokens[:, 1:][judged]
    # In blocks: a float32 copy of all of them is twice as large as what the model gives.
    blocks = zip(torch.split(kept, _BLOCK), torch.split(following, _BLOCK), strict=True)
    return torch.cat([functional.cross_entropy(k.float(), f, reduction="none") for k, f in blocks])


def at_positions(
    mask: Bool[Tensor, "context position"], edit: Edit
) -> Callable[[Float[Tensor, "context position d"]], Float[Tensor, "context position d"]]:
    """The edit, done at the masked positions only."""

    def edited(x: Float[Tensor, "context position d"]) -> Float[Tensor, "context position d"]:
        out = x.clone()
        out[mask] = edit(x[mask].float()).to(x.dtype)
        return out

    return edited


@dataclass(frozen=True)
class TokenLosses:
    """Losses in nats of predicting the token after each position, on the CPU."""

    context: Int[Tensor, " n"]
    position: Int[Tensor, " n"]
    clean: Float[Tensor, " n"]
    saes: Mapping[str, Float[Tensor, " n"]]
    """With the reconstruction of each SAE in place of the activation at all counted positions."""


def token_losses(
    model: LanguageModel,
    saes: Mapping[str, SAE],
    tokens: Int[Tensor, "context position"],
    counted: Bool[Tensor, "context position"],
    *,
    hook_name: str | None = None,
    contexts: Int[Tensor, " context"] | None = None,
    batch_size: int = CONTEXTS_AT_ONCE,
    progress: Callable[[int, int], None] | None = None,
) -> TokenLosses:
    """Losses of every token that counts and is followed by one that does; ``contexts`` are the rows' names, 0 … n - 1.

    At most ``batch_size`` contexts are read at once, fewer where their logits would not fit into the device's memory.
    Raises ValueError for SAEs of different hook points and where nothing counts, HookPointError where an SAE does not
    fit the model.
    """
    site = common_hook_name(saes, hook_name)
    for sae in saes.values():
        model.check_width(site, sae.d_in)
    judged = judged_positions(counted)
    edits: dict[str, Edit | None] = {"": None} | {name: sae.reconstruct for name, sae in saes.items()}
    losses: dict[str, list[Tensor]] = {name: [] for name in edits}
    length = tokens.shape[1]

    def measure(part: slice) -> tuple[int, list[Tensor]]:
        rows, mask = tokens[part].to(model.device), counted[part].to(model.device)
        found = [next_token_losses(model, site, rows, mask, edit).float().cpu() for edit in edits.values()]
        return part.stop, found

    size = contexts_at_once(model, length, batch_size)
    for done, found in in_batches(model, length, len(tokens), size, measure):
        for name, part in zip(edits, found, strict=True):
            losses[name].append(part)
        if progress is not None:
            progress(done, len(tokens))
    row, position = judged.nonzero(as_tuple=True)
    names = torch.arange(len(tokens)) if contexts is None else contexts
    joined = {name: torch.cat(parts) for name, parts in losses.items()}
    return TokenLosses(names.cpu()[row.cpu()], position.cpu(), joined.pop(""), joined)
