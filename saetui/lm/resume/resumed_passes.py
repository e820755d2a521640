"""Forward passes that go on from an edited activation: what comes before the edit is computed once and shared."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from saetui.lm.language_model import LanguageModel
from saetui.lm.resume.later_layers import LaterLayers, NotResumable
from saetui.lm.resume.module_hooks import OutputReader, change_input, change_output
from saetui.lm.resume.prefix_cache import KeysValues, PrefixCache, RecordingCache
from saetui.lm.resume.row_groups import RowGroups, row_groups
from saetui.lm.resume.shared_prefix import SHARED_PREFIX

Hidden = Float[Tensor, "row position d"]


class ResumableModel:
    """A model cut before the layer of one hook point and before its last layer.

    ``attention`` is the transformers implementation to use. Raises NotResumable for a hook point with no layer behind
    it, KeyError for one that is not the input or output of a module.
    """

    def __init__(self, model: LanguageModel, hook_name: str, attention: str) -> None:
        site = model.site(hook_name)
        self.last_layer = model.n_layers - 1
        if site.kind == "resid_mid":
            raise NotResumable("it is read where it enters a norm, beside the residual stream")
        after_block = site.kind == "resid_post"
        first = (site.layer or 0) + after_block
        if first > self.last_layer:
            raise NotResumable("no layer comes after it")
        self.shares_prefix = attention == SHARED_PREFIX
        self.whole = LaterLayers(model.bridge, attention, 0)
        self.later = LaterLayers(model.bridge, attention, first)
        self.last = LaterLayers(model.bridge, attention, self.last_layer)
        # What comes out of a block is what goes into the next.
        name = f"blocks.{first}.hook_resid_pre" if after_block else hook_name
        self.owner, self.at_input = self.later.unwrapped.owner(model.bridge_name(name))
        enters_layer = self.owner is self.later.blocks[first] and self.at_input
        self.precedes_last_layer = first < self.last_layer or enters_layer
        keeps = "logits_to_keep" in signature(self.later.unwrapped.model.forward).parameters
        self.keep_last: dict[str, Any] = {"logits_to_keep": 1} if keeps else {}

    def at_site(self, change: Callable[[Tensor], Tensor]) -> RemovableHandle:
        """Let the activation at the hook point go through ``change``, until the pass of ``later`` is over."""
        return (change_input if self.at_input else change_output)(self.owner, change)


@dataclass
class ResumedPasses:
    """A tail (see ``saetui.lm.resume.tail``) that runs only the layers behind the hook point, from the position on.

    Keys and values of earlier positions are computed once per context, and so is everything before the hook point. In
    the last layer only the last position is run; of the others it needs keys and values.
    """

    model: ResumableModel
    tokens: Int[Tensor, "context position"]
    position: int
    token_ids: Int[Tensor, " token"]

    def __post_init__(self) -> None:
        with torch.no_grad():
            entering = self._enter_later_layers()
            self._tokens = self.tokens[:, self.position :]
            self._entering = None if entering is None else entering[:, self.position :]
            self._prefix = self._run_prefix(None if entering is None else entering[:, : self.position])
            self.activations = self._read_site()

    @property
    def positions_run(self) -> int:
        return self._tokens.shape[1]

    def logits(
        self, contexts: Int[Tensor, " row"], activations: Float[Tensor, "row width"]
    ) -> Float[Tensor, "row token"]:
        def replace(site: Tensor) -> Tensor:
            edited = activations.to(site.dtype).reshape(len(site), 1, *site.shape[2:])
            return torch.cat([edited, site[:, 1:]], dim=1)

        groups = row_groups(contexts, len(self.tokens))
        if self.model.precedes_last_layer and self.positions_run > 1:
            read = OutputReader()
            self._run_rows(groups, [self.model.at_site(replace), change_input(self.model.later.blocks[-1], read)])
            output = self._run_last_layer(groups, read.tensor)
        else:
            self.model.later.unembed_only(self.token_ids)
            output = self._run_rows(groups, [self.model.at_site(replace)], **self.model.keep_last)
        return _wide(output.logits[:, -1])

    def _enter_later_layers(self) -> Hidden | None:
        """What goes into the first layer that is run again; None where that is the model's first."""
        if not self.model.later.first:
            return None
        read = OutputReader()
        block = self.model.whole.blocks[self.model.later.first]
        self.model.whole.run(self.tokens, None, None, [change_input(block, read)])
        return read.tensor

    def _run_prefix(self, entering: Hidden | None) -> KeysValues:
        """Keys and values before the position in every layer that is run again."""
        if not self.position:
            return {}
        cache = RecordingCache(0, self.model.last_layer)
        self.model.later.run(self.tokens[:, : self.position], entering, cache)
        # All rows multiply with them, and a product of other than contiguous tensors copies them first.
        return {layer: (keys.contiguous(), values.contiguous()) for layer, (keys, values) in cache.recorded.items()}

    def _read_site(self) -> Float[Tensor, "context width"]:
        read = OutputReader()
        every = torch.arange(len(self.tokens), device=self.tokens.device)
        self._run_rows(row_groups(every, len(every)), [self.model.at_site(read)])
        return _wide(read.tensor[:, 0].flatten(1))

    def _run_rows(self, groups: RowGroups, hooks: list[RemovableHandle], **settings: Any) -> Any:
        rows = groups.context_of_row
        cache = PrefixCache(self._prefix, groups, shared=self.model.shares_prefix)
        entering = None if self._entering is None else self._entering[rows]
        return self.model.later.run(self._tokens[rows], entering, cache, hooks, **settings)

    def _run_last_layer(self, groups: RowGroups, entering: Hidden) -> Any:
        tokens = self._tokens[groups.context_of_row]
        before = RecordingCache(self.position, self.model.last_layer)
        self.model.last.run(tokens[:, :-1], entering[:, :-1], before)
        cache = PrefixCache(self._prefix, groups, before.recorded, shared=self.model.shares_prefix)
        self.model.last.unembed_only(self.token_ids)
        return self.model.last.run(tokens[:, -1:], entering[:, -1:], cache, **self.model.keep_last)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
