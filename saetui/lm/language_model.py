"""A language model whose activations can be read and replaced at any hook point."""

from collections.abc import Callable, Container, Iterable, Sequence
from functools import cached_property
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.lm.exceptions import HookPointError, ModelError
from saetui.lm.sites import EMBED, Site, bridge_name, make_site, site_names, unknown_site
from saetui.lm.surfaces import token_surfaces

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class _AllRead(Exception):  # noqa: N818 - not an error: ends a forward pass early
    """Every wanted activation has been read; the rest of the forward pass is not needed."""


class LanguageModel:
    """A TransformerBridge with raw weights, and what the studies need of it.

    Activations and logits come in float32 at least, whatever the model computes in, and on the model's device.
    Weights are frozen, so a graph is only recorded downstream of what an edit brings in.
    """

    def __init__(
        self,
        bridge: Any,
        tokenizer: "PreTrainedTokenizerBase",
        *,
        name: str,
        source: str,
        model_id: str,
        post_norm: bool = False,
        missing_head: Sequence[str] = (),
    ) -> None:
        config = bridge.cfg
        self.bridge = bridge
        self.tokenizer = tokenizer
        self.name = name
        self.source = source
        self.model_id = model_id
        self.family: str = bridge.original_model.config.model_type
        self.n_layers: int = config.n_layers
        self.d_model: int = config.d_model
        self.context_length: int = config.n_ctx
        self.vocabulary_size: int = config.d_vocab
        parameter = next(bridge.original_model.parameters())
        self.device: torch.device = parameter.device
        self.dtype: torch.dtype = parameter.dtype
        self.is_causal: bool = getattr(config, "attention_dir", "causal") == "causal"
        self._post_norm = post_norm
        self._missing_head = list(missing_head)
        self._z_width: int = config.n_heads * config.d_head

    @property
    def bos_token_id(self) -> int | None:
        """The token that every context begins with (an encoder's [CLS]); None where the tokenizer has none."""
        known = (self.tokenizer.bos_token_id, self.tokenizer.cls_token_id)
        # Some tokenizer classes add a token of their own that the model has no embedding for.
        return next((i for i in known if i is not None and i < self.vocabulary_size), None)

    @cached_property
    def token_surfaces(self) -> list[str]:
        """The text of every token that the model has an embedding for, by its id; see ``saetui.lm.surfaces``."""
        return token_surfaces(self.tokenizer, self.vocabulary_size)

    @cached_property
    def _hook_points(self) -> dict[str, str]:
        """The bridge's own names of the hook points that this model has."""
        names = {
            name: bridge_name(name, post_norm=self._post_norm, family=self.family) for name in site_names(self.n_layers)
        }
        present = set(self.bridge.hook_dict)
        if "project_in.hook_in" in present:
            # Tokens are embedded in fewer dimensions; a hook point of that width would fit no SAE of the model.
            present.discard(EMBED)
        return {name: own for name, own in names.items() if own in present}

    def hook_names(self) -> list[str]:
        """Names of all hook points that this model has, in the order of a forward pass."""
        return list(self._hook_points)

    def site(self, hook_name: str) -> Site:
        """The site of that name; HookPointError with the nearest names where the model has no such hook point."""
        if hook_name not in self._hook_points:
            raise unknown_site(hook_name, self._hook_points, model=self.name, n_layers=self.n_layers)
        return make_site(hook_name, d_model=self.d_model, z_width=self._z_width)

    def bridge_name(self, hook_name: str) -> str:
        """The bridge's own name of a hook point; raises like ``site``."""
        return self._hook_points[self.site(hook_name).name]

    def check_width(self, hook_name: str, d_in: int) -> None:
        """HookPointError where an SAE that reads ``d_in`` numbers does not fit the hook point."""
        site = self.site(hook_name)
        if site.width == d_in:
            return
        fitting = [name for name in self._hook_points if self.site(name).width == d_in]
        hint = f"Hook points of that width: {', '.join(fitting[:3])}, …" if fitting else "No hook point has that width"
        raise HookPointError(
            f"The SAE reads activations of width {d_in}, but {hook_name} of {self.name} is {site.width} wide. {hint}; "
            f"check that the SAE was trained on this model"
        )

    def activations(
        self, tokens: Int[Tensor, "b t"], hook_name: str, attention_mask: Bool[Tensor, "b t"] | None = None
    ) -> Float[Tensor, "b t width"]:
        """Activations at one hook point, in model units; the forward pass ends there."""
        return self.activations_at(tokens, [hook_name], attention_mask)[hook_name]

    @torch.no_grad()
    def activations_at(
        self, tokens: Int[Tensor, "b t"], hook_names: Sequence[str], attention_mask: Bool[Tensor, "b t"] | None = None
    ) -> dict[str, Float[Tensor, "b t width"]]:
        """Activations at several hook points of one forward pass, which ends at the last of them."""
        sites = {name: self.site(name) for name in hook_names}
        read: dict[str, Tensor] = {}

        def reader(name: str) -> Callable[..., None]:
            def read_activation(activation: Tensor, *, hook: Any) -> None:  # noqa: ARG001
                read[name] = self._wide(activation.detach()).reshape(*tokens.shape, sites[name].width)
                if len(read) == len(sites):
                    raise _AllRead

            return read_activation

        with self.bridge.hooks(fwd_hooks=[(self._hook_points[name], reader(name)) for name in sites]):
            try:
                self._forward(tokens, attention_mask, return_type=None)
            except _AllRead:
                return read
        self._require_read(sites, read)
        return read

    @torch.no_grad()
    def logits(
        self, tokens: Int[Tensor, "b t"], attention_mask: Bool[Tensor, "b t"] | None = None, *, last: int | None = None
    ) -> Float[Tensor, "b t v"]:
        """Next-token logits (an encoder's: of each token itself), of all positions or of the ``last`` ones."""
        self._require_head()
        return self._wide(self._forward(tokens, attention_mask, last=last))

    @torch.no_grad()
    def logits_and_activations(
        self, tokens: Int[Tensor, "b t"], hook_names: Sequence[str], *, last: int | None = None
    ) -> tuple[Float[Tensor, "b t v"], dict[str, Float[Tensor, "b t width"]]]:
        """Logits as ``logits`` gives them, and activations as ``activations_at`` does, of one forward pass."""
        self._require_head()
        sites = {name: self.site(name) for name in hook_names}
        read: dict[str, Tensor] = {}

        def reader(name: str) -> Callable[..., None]:
            def read_activation(activation: Tensor, *, hook: Any) -> None:  # noqa: ARG001
                read[name] = self._wide(activation.detach()).reshape(*tokens.shape, sites[name].width)

            return read_activation

        with self.bridge.hooks(fwd_hooks=[(self._hook_points[name], reader(name)) for name in sites]):
            logits = self._wide(self._forward(tokens, None, last=last))
        self._require_read(sites, read)
        return logits, read

    def logits_with(
        self,
        tokens: Int[Tensor, "b t"],
        hook_name: str,
        edit: Callable[[Float[Tensor, "b t width"]], Float[Tensor, "b t width"]],
        attention_mask: Bool[Tensor, "b t"] | None = None,
        *,
        last: int | None = None,
    ) -> Float[Tensor, "b t v"]:
        """Logits of a pass in which ``edit`` replaces the activation at a hook point.

        Gradients flow from the logits into whatever ``edit`` brings in; wrap the call in ``torch.no_grad()`` where none
        are wanted.
        """
        self._require_head()
        site = self.site(hook_name)
        shape = (*tokens.shape, site.width)
        edited = False

        def replace(activation: Tensor, *, hook: Any) -> Tensor:  # noqa: ARG001
            nonlocal edited
            edited = True
            replacement = edit(self._wide(activation).reshape(shape))
            if replacement.shape != shape:
                raise ValueError(f"The edit at {hook_name} gave the shape {tuple(replacement.shape)}, not {shape}")
            return replacement.to(activation.dtype).reshape(activation.shape)

        hooks = [(self._hook_points[hook_name], replace)]
        if site.kind == "resid_mid" and not self._post_norm:
            hooks = self._hooks_on_the_middle(hook_name, replace)
        with self.bridge.hooks(fwd_hooks=hooks):
            logits = self._wide(self._forward(tokens, attention_mask, last=last))
        if not edited:
            raise HookPointError(f"{hook_name}: {self.name} never came by this hook point in a forward pass")
        return logits

    def _hooks_on_the_middle(self, hook_name: str, replace: Callable[..., Tensor]) -> list[tuple[str, Any]]:
        """Hooks that edit the residual stream between attention and MLP.

        The bridge reads it where it enters the MLP's norm: an edit there would not reach what the MLP is added to. So
        what attention adds is changed by as much as the edit changes the sum.
        """
        entering, added = (hook_name.replace("hook_resid_mid", name) for name in ("hook_resid_pre", "hook_attn_out"))
        before: list[Tensor] = []

        def keep(activation: Tensor, *, hook: Any) -> None:  # noqa: ARG001
            before[:] = [activation]

        def change(attention: Tensor, *, hook: Any) -> Tensor:
            middle = before[0] + attention
            return attention + (replace(middle, hook=hook) - middle)

        return [(self._hook_points[entering], keep), (self._hook_points[added], change)]

    def _forward(
        self,
        tokens: Tensor,
        attention_mask: Tensor | None,
        *,
        return_type: str | None = "logits",
        last: int | None = None,
    ) -> Tensor:
        self._check_tokens(tokens)
        mask = None if attention_mask is None else attention_mask.to(self.device).long()
        # Most decoders can spare the unembedding of positions that nobody asked for; of the others it is cut off.
        keep = {"logits_to_keep": last} if last is not None and self._keeps_logits else {}
        logits: Tensor = self.bridge(
            tokens.to(self.device, torch.long), return_type=return_type, attention_mask=mask, **keep
        )
        return logits if last is None else logits[:, -last:]

    @cached_property
    def _keeps_logits(self) -> bool:
        return "logits_to_keep" in signature(self.bridge.original_model.forward).parameters

    def _check_tokens(self, tokens: Tensor) -> None:
        if tokens.ndim != 2 or tokens.is_floating_point():
            raise ValueError(f"Tokens must be whole numbers of shape (batch, positions), not {tuple(tokens.shape)}")
        if tokens.shape[1] > self.context_length:
            raise ModelError(
                f"{self.name} reads at most {self.context_length} tokens at once, not {tokens.shape[1]}; "
                f"use a context_length of {self.context_length} or less"
            )
        if not tokens.numel():
            return
        # On a GPU a wait per pass; without it a wrong id would be an assertion there, which ends the process.
        smallest, largest = torch.stack(torch.aminmax(tokens)).tolist()
        if smallest < 0 or largest >= self.vocabulary_size:
            wrong = smallest if smallest < 0 else largest
            raise ModelError(
                f"Token {wrong} is outside the vocabulary of {self.name} ({self.vocabulary_size} tokens); "
                f"use the tokenizer that belongs to the model"
            )

    def _require_read(self, wanted: Iterable[str], read: Container[str]) -> None:
        silent = ", ".join(name for name in wanted if name not in read)
        if silent:
            raise HookPointError(f"{silent}: {self.name} never came by this hook point in a forward pass")

    def _require_head(self) -> None:
        if self._missing_head:
            raise ModelError(
                f"The checkpoint of {self.name} has no weights for {self._missing_head[0]}, so it gives no logits; "
                f"its activations can be read. Use a checkpoint with a language-model head"
            )

    @staticmethod
    def _wide(tensor: Tensor) -> Tensor:
        return tensor.to(torch.promote_types(tensor.dtype, torch.float32))

    def __repr__(self) -> str:
        return (
            f"LanguageModel({self.name!r}, {self.family}, {self.n_layers} layers, d_model {self.d_model}, "
            f"{self.dtype} on {self.device})"
        )
