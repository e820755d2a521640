"""Keys and values of the positions before the rows that run: computed once per context, read by all of its rows."""

from typing import Any

import torch
from torch import Tensor
from transformers import Cache

from saetui.lm.resume.module_hooks import PassEnded
from saetui.lm.resume.row_groups import RowGroups
from saetui.lm.resume.shared_prefix import LAYER_PREFIX, LayerPrefix

# Of each layer by its index, both (context or row, kv_head, position, d).
KeysValues = dict[int, tuple[Tensor, Tensor]]


class RecordingCache(Cache):
    """Keeps the keys and values of the positions that run, which follow ``length`` others; ends at the last layer."""

    def __init__(self, length: int, last_layer: int) -> None:
        super().__init__(layers=[])
        self.length = length
        self.last_layer = last_layer
        self.recorded: KeysValues = {}

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any) -> Any:
        self.recorded[layer_idx] = key_states, value_states
        if layer_idx == self.last_layer:
            raise PassEnded
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002
        return self.length


class PrefixCache(Cache):
    """Gives each row the ``prefix`` of its context, and ``own`` positions of the row itself that come after that.

    Where ``shared`` is False the attention does not know of shared prefixes, and each row is given a copy. Sliding
    windows are left to the attention mask: every layer holds the whole prefix.
    """

    def __init__(self, prefix: KeysValues, groups: RowGroups, own: KeysValues | None = None, *, shared: bool) -> None:
        super().__init__(layers=[])
        self.prefix = prefix
        self.groups = groups
        self.own = own or {}
        self.shared = shared
        self.length = sum(next(iter(kept.values()))[0].shape[2] for kept in (prefix, self.own) if kept)

    def update(self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any) -> Any:
        new = key_states, value_states
        if layer_idx in self.own:
            new = _followed(self.own[layer_idx], new)
        if layer_idx not in self.prefix:
            return new
        keys, values = self.prefix[layer_idx]
        if self.shared:
            LAYER_PREFIX.set(LayerPrefix(keys, values, self.groups))
            return new
        rows = self.groups.context_of_row
        return _followed((keys[rows], values[rows]), new)

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002
        return self.length

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:  # noqa: ARG002
        return self.length + query_length, 0


def _followed(first: tuple[Tensor, Tensor], second: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Keys and values of positions one after the other."""
    keys, values = (torch.cat(pair, dim=-2) for pair in zip(first, second, strict=True))
    return keys, values
