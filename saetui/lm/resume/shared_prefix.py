"""Attention of rows to their own few positions and to a prefix that several rows share.

The prefix is not copied for each row: the queries of all rows of a context meet its keys in one product, and it gets no
gradient.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from saetui.lm.resume.row_groups import RowGroups

SHARED_PREFIX = "saetui_shared_prefix"


@dataclass(frozen=True)
class LayerPrefix:
    """What one layer keeps of the positions before the rows, by context, and which rows go on from which context."""

    keys: Float[Tensor, "context kv_head position d"]
    values: Float[Tensor, "context kv_head position d"]
    groups: RowGroups


# An attention function of transformers is given the tensors of one layer, and nothing of the cache they came from.
LAYER_PREFIX: ContextVar[LayerPrefix | None] = ContextVar("prefix of the layer that runs", default=None)


def shared_prefix_attention(
    module: nn.Module,
    query: Float[Tensor, "row head position d"],
    key: Float[Tensor, "row kv_head own d"],
    value: Float[Tensor, "row kv_head own d"],
    attention_mask: Bool[Tensor, "row 1 position all"] | None,
    scaling: float | None = None,
    softcap: float | None = None,
    **settings: Any,
) -> tuple[Float[Tensor, "row position head d"], None]:
    """Attention to the prefix of the running layer and to ``key``; the mask is that of every row, causal if None."""
    prefix = LAYER_PREFIX.get()
    if prefix is None and softcap is None:
        out: Tensor
        out, _ = sdpa_attention_forward(module, query, key, value, attention_mask, scaling=scaling, **settings)
        return out, None
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    length = 0 if prefix is None else prefix.keys.shape[2]
    if attention_mask is None:
        mask = _causal(query.shape[2], length + key.shape[2], query.device)
    else:
        mask = attention_mask[0, 0]
    if prefix is None:
        attended = _attend(query[:, None] * scale, key[:, None], value[:, None], None, mask, softcap)[:, 0]
    else:
        query, key, value = (prefix.groups.split(rows) for rows in (query * scale, key, value))
        attended = prefix.groups.join(_attend(query, key, value, prefix, mask, softcap))
    return attended.transpose(1, 2).contiguous(), None


def _attend(
    query: Float[Tensor, "group size head position d"],
    key: Float[Tensor, "group size kv_head own d"],
    value: Float[Tensor, "group size kv_head own d"],
    prefix: LayerPrefix | None,
    mask: Bool[Tensor, "position all"],
    softcap: float | None,
) -> Float[Tensor, "group size head position d"]:
    n_kv_heads = key.shape[2]
    # (group, kv_head, head of the kv_head, size, position, d), so that all that reads the same keys lies together.
    query = query.view(*query.shape[:2], n_kv_heads, -1, *query.shape[3:]).permute(0, 2, 3, 1, 4, 5)
    key, value = (own.transpose(1, 2)[:, :, None] for own in (key, value))
    length = mask.shape[1] - key.shape[-2]
    scores = _seen(query @ key.mT, mask[:, length:], softcap)
    if prefix is not None:
        keys, values = (prefix.groups.of_contexts(kept) for kept in (prefix.keys, prefix.values))
        before = (query.flatten(2, 4) @ keys.mT).view(*scores.shape[:-1], length)
        scores = torch.cat([_seen(before, mask[:, :length], softcap), scores], dim=-1)
    weights = scores.softmax(-1, dtype=torch.promote_types(scores.dtype, torch.float32)).to(value.dtype)
    attended = weights[..., length:] @ value
    if prefix is not None:
        attended = attended + (weights[..., :length].flatten(2, 4) @ values).view_as(attended)
    return attended.permute(0, 3, 1, 2, 4, 5).flatten(2, 3)


def _seen(scores: Tensor, mask: Bool[Tensor, "position key"], softcap: float | None) -> Tensor:
    """Scores with a soft cap, and very low where the mask is False."""
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    # A full prefix hides nothing; looking costs a CPU less than filling, and a GPU more.
    if mask.device.type == "cpu" and bool(mask.all()):
        return scores
    return scores.masked_fill(~mask, torch.finfo(scores.dtype).min)


def _causal(n_positions: int, n_keys: int, device: torch.device) -> Bool[Tensor, "position key"]:
    """Every position sees itself and what comes before; the keys end with the positions' own."""
    return torch.ones(n_positions, n_keys, dtype=torch.bool, device=device).tril(n_keys - n_positions)


AttentionInterface.register(SHARED_PREFIX, shared_prefix_attention)
AttentionMaskInterface.register(SHARED_PREFIX, sdpa_mask)
