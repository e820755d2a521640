"""A model without its first layers: passes begin with what those would have given."""

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import Cache

from saetui.lm.resume.module_hooks import PassEnded, change_input
from saetui.lm.resume.shared_prefix import LAYER_PREFIX
from saetui.lm.resume.unwrapped import UnwrappedModel


class NotResumable(Exception):  # noqa: N818 - not an error: whole passes are always possible
    """No pass can begin at the wanted place of a model; the message says why."""


class LaterLayers:
    """The layers of a bridge's model from ``first`` on, with the transformers ``attention`` implementation of a name.

    Raises NotResumable where logits are no linear map of the last hidden state.
    """

    def __init__(self, bridge: Any, attention: str, first: int) -> None:
        self.unwrapped = UnwrappedModel(bridge, attention)
        self.first = first
        self.blocks = self.unwrapped.blocks
        self._head = self.unwrapped.model.get_output_embeddings()
        if not isinstance(self._head, nn.Linear):
            raise NotResumable("the unembedding is not a linear map")
        if first:
            unchanged = _in_tuple if self._gives_tuples() else _as_it_is
            for block in self.blocks[:first]:
                block.forward = unchanged

    def run(
        self,
        tokens: Int[Tensor, "row position"],
        entering: Float[Tensor, "row position d"] | None,
        cache: Cache | None,
        hooks: Sequence[RemovableHandle] = (),
        **settings: Any,
    ) -> Any:
        """One pass; None where a hook or the cache ended it.

        ``entering`` takes the place of what the skipped layers would give. The hooks are gone afterwards.
        """
        hooks = list(hooks)
        if entering is not None:
            # Hooks run in the order in which they came, and the others are to see what enters.
            hooks.append(change_input(self.blocks[self.first], lambda _: entering, first=True))
        reset = LAYER_PREFIX.set(None)
        try:
            return self.unwrapped.model(
                input_ids=tokens, past_key_values=cache, use_cache=cache is not None, **settings
            )
        except PassEnded:
            return None
        finally:
            LAYER_PREFIX.reset(reset)
            for handle in hooks:
                handle.remove()

    def unembed_only(self, token_ids: Int[Tensor, " token"]) -> None:
        """From now on logits are those of these tokens."""
        weight, bias = self._head.weight.detach(), self._head.bias
        head = nn.Linear(weight.shape[1], len(token_ids), bias is not None, weight.device, weight.dtype)
        head.weight.data = weight[token_ids]
        if bias is not None:
            head.bias.data = bias.detach()[token_ids]
        self.unwrapped.model.set_output_embeddings(head.requires_grad_(False))

    def _gives_tuples(self) -> bool:
        """Whether a layer returns a tuple: the model around it unpacks what it returns."""
        read: list[Any] = []

        def keep(*call: Any) -> None:
            read.append(call[-1])
            raise PassEnded

        token = torch.zeros(1, 1, dtype=torch.long, device=self._head.weight.device)
        self.run(token, None, None, [self.blocks[0].register_forward_hook(keep)])
        return isinstance(read[0], tuple)


def _as_it_is(hidden: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # noqa: ARG001
    return hidden


def _in_tuple(hidden: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor]:  # noqa: ARG001
    return (hidden,)
