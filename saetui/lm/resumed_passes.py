"""Forward passes that go on from an edited activation: what comes before the edit is computed once and shared."""

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from saetui.lm.language_model import LanguageModel
from saetui.lm.module_hooks import Reader, change_input, change_output, run_with
from saetui.lm.prefix_cache import KeysValues, PrefixCache, PrefixRecorder
from saetui.lm.unwrapped import UnwrappedModel


class NotResumable(Exception):  # noqa: N818 - not an error: there is another way
    """No pass can begin at this hook point; the message says why."""


class ResumableModel:
    """A model cut before the layer of one hook point: ``whole`` runs up to there, ``later`` from there on.

    ``attention`` is the transformers implementation to use. Raises NotResumable for a hook point that is not the input
    or output of a module, or has no layer behind it.
    """

    def __init__(self, model: LanguageModel, hook_name: str, attention: str) -> None:
        self.whole = UnwrappedModel(model.bridge, attention)
        self.later = UnwrappedModel(model.bridge, attention)
        site = model.site(hook_name)
        self.first_layer = site.layer or 0
        try:
            self.owner, self.at_input = self.later.owner(model.bridge_name(hook_name))
        except LookupError:
            raise NotResumable("it is not the input or output of any module") from None
        if site.layer is not None and self.owner is self.later.blocks[site.layer] and not self.at_input:
            self.first_layer += 1
            if self.first_layer == model.n_layers:
                raise NotResumable("no layer comes after it")
            self.owner, self.at_input = self.later.blocks[self.first_layer], True
        self.head = self.later.model.get_output_embeddings()
        if not isinstance(self.head, nn.Linear):
            raise NotResumable("the unembedding is not a linear map")
        self.last_layer = model.n_layers - 1
        keeps = "logits_to_keep" in signature(self.later.model.forward).parameters
        self._keep = {"logits_to_keep": 1} if keeps else {}
        if self.first_layer:
            self._skip_earlier_layers(model.device)

    def _skip_earlier_layers(self, device: torch.device) -> None:
        read: list[Any] = []
        first = self.whole.blocks[0]
        run_with(
            self.whole.model,
            [first.register_forward_hook(lambda *call: read.append(call[-1]))],
            input_ids=torch.zeros(1, 1, dtype=torch.long, device=device),
        )
        # What a layer returns is unpacked by the model around it.
        unchanged = _in_tuple if isinstance(read[0], tuple) else _as_it_is
        for block in self.later.blocks[: self.first_layer]:
            block.forward = unchanged

    def entering(self, tokens: Int[Tensor, "context position"]) -> Float[Tensor, "context position d"] | None:
        """What goes into the first layer of ``later``; None where that is the model's first."""
        if not self.first_layer:
            return None
        read = Reader()
        run_with(self.whole.model, [change_input(self.whole.blocks[self.first_layer], read)], input_ids=tokens)
        return read.tensor

    def run(
        self,
        tokens: Int[Tensor, "row position"],
        entering: Float[Tensor, "row position d"] | None,
        cache: PrefixCache | PrefixRecorder,
        at_site: Callable[[Tensor], Tensor] | None = None,
    ) -> Any:
        """The later layers on ``tokens``, which follow what the cache holds; ``at_site`` replaces the activation."""
        hooks: list[RemovableHandle] = []
        if entering is not None:
            hooks.append(change_input(self.later.blocks[self.first_layer], lambda _: entering))
        if at_site is not None:
            hooks.append((change_input if self.at_input else change_output)(self.owner, at_site))
        return run_with(self.later.model, hooks, input_ids=tokens, past_key_values=cache, use_cache=True, **self._keep)

    def unembed_only(self, token_ids: Int[Tensor, " token"]) -> None:
        """From now on logits are those of these tokens."""
        weight, bias = self.head.weight.detach(), self.head.bias
        head = nn.Linear(weight.shape[1], len(token_ids), bias is not None, weight.device, weight.dtype)
        head.weight.data = weight[token_ids]
        if bias is not None:
            head.bias.data = bias.detach()[token_ids]
        self.later.model.set_output_embeddings(head.requires_grad_(False))


def _as_it_is(hidden: Tensor, *args: Any, **kwargs: Any) -> Tensor:  # noqa: ARG001
    return hidden


def _in_tuple(hidden: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor]:  # noqa: ARG001
    return (hidden,)


@dataclass
class ResumedPasses:
    """A tail (see ``saetui.lm.tail``) that runs only the layers behind the hook point, from the position on.

    Keys and values of earlier positions are computed once a context, and so is everything before the hook point.
    """

    model: ResumableModel
    tokens: Int[Tensor, "context position"]
    position: int
    token_ids: Int[Tensor, " token"]

    def __post_init__(self) -> None:
        with torch.no_grad():
            entering = self.model.entering(self.tokens)
            self._tokens = self.tokens[:, self.position :]
            self._entering = None if entering is None else entering[:, self.position :]
            self._prefix: dict[int, KeysValues] = {}
            if self.position:
                recorder = PrefixRecorder(self.model.last_layer)
                before = None if entering is None else entering[:, : self.position]
                self.model.run(self.tokens[:, : self.position], before, recorder)
                self._prefix = recorder.recorded
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

        self.model.unembed_only(self.token_ids)
        output = self._run(contexts, replace)
        return _wide(output.logits[:, -1])

    def _read_site(self) -> Float[Tensor, "context width"]:
        read = Reader()
        self._run(torch.arange(len(self.tokens), device=self.tokens.device), read)
        return _wide(read.tensor[:, 0].flatten(1))

    def _run(self, contexts: Int[Tensor, " row"], at_site: Callable[[Tensor], Tensor]) -> Any:
        cache = PrefixCache(self._prefix, contexts, self.position)
        entering = None if self._entering is None else self._entering[contexts]
        return self.model.run(self._tokens[contexts], entering, cache, at_site)


def _wide(tensor: Tensor) -> Tensor:
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
