"""Keys and values of the positions before an edit: computed once, read by every row that goes on from there."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import Cache

from saetui.lm.module_hooks import PassEnded

KeysValues = tuple[Float[Tensor, "context head position d"], Float[Tensor, "context head position d"]]


class PrefixRecorder(Cache):
    """Takes down what each layer would keep, and ends the pass at the last layer."""

    def __init__(self, last_layer: int) -> None:
        super().__init__(layers=[])
        self.last_layer = last_layer
        self.recorded: dict[int, KeysValues] = {}

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        self.recorded[layer_idx] = key_states, value_states
        if layer_idx == self.last_layer:
            raise PassEnded
        return key_states, value_states

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002
        return 0


class PrefixCache(Cache):
    """Puts a recorded prefix before the keys and values of each row; keeps nothing of the row itself.

    Sliding windows are left to the attention mask: every layer holds the whole prefix.
    """

    def __init__(self, prefix: dict[int, KeysValues], contexts: Int[Tensor, " row"], length: int) -> None:
        super().__init__(layers=[])
        self.prefix = prefix
        self.contexts = contexts
        self.length = length

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        if not self.length:
            return key_states, value_states
        keys, values = self.prefix[layer_idx]
        return (
            torch.cat([keys[self.contexts], key_states], dim=-2),
            torch.cat([values[self.contexts], value_states], dim=-2),
        )

    def get_seq_length(self, layer_idx: int = 0) -> int:  # noqa: ARG002
        return self.length

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:  # noqa: ARG002
        return self.length + query_length, 0
