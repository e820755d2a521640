"""The plain Hugging Face model inside a TransformerBridge, with the same weights and without the bridge's hooks."""

from collections import OrderedDict
from copy import copy
from typing import Any

from torch import nn
from transformers import PreTrainedConfig


class UnwrappedModel:
    """A copy of the module tree that shares every tensor with the model it was taken from.

    The bridge puts its components in place of the model's modules; here the modules stand again, so a pass runs at the
    speed of plain transformers and hooks on it are nobody else's.
    """

    def __init__(self, bridge: Any, attention: str) -> None:
        self._attention = attention
        self._copies: dict[int, nn.Module] = {}
        self._configs: dict[int, PreTrainedConfig] = {}
        self._components = {
            id(point): (component, side)
            for component in bridge.modules()
            for side in ("hook_in", "hook_out")
            if (point := getattr(component, side, None)) is not None
        }
        self._hook_points = bridge.hook_dict
        self.model: Any = self._unwrap(bridge.original_model)
        self.blocks: list[nn.Module] = [self._copies[id(block.original_component)] for block in bridge.blocks]

    def owner(self, bridge_name: str) -> tuple[nn.Module, bool]:
        """The module at whose input (True) or output (False) a hook point lies; KeyError where there is none."""
        component, side = self._components[id(self._hook_points[bridge_name])]
        return self._copies[id(component.original_component)], side == "hook_in"

    def _unwrap(self, module: nn.Module) -> nn.Module:
        original = getattr(module, "original_component", None)
        if isinstance(original, nn.Module):
            return self._unwrap(original)
        if id(module) not in self._copies:
            twin = copy_module(module)
            self._copies[id(module)] = twin
            for name, child in module._modules.items():
                twin._modules[name] = None if child is None else self._unwrap(child)
            config: Any = getattr(module, "config", None)
            if isinstance(config, PreTrainedConfig):
                twin.__dict__["config"] = self._own_config(config)
        return self._copies[id(module)]

    def _own_config(self, config: PreTrainedConfig) -> PreTrainedConfig:
        if id(config) not in self._configs:
            own = copy(config)
            own._attn_implementation = self._attention
            self._configs[id(config)] = own
        return self._configs[id(config)]


def copy_module(module: nn.Module) -> nn.Module:
    """The module with the same parameters and children, but a list of children and hooks of its own."""
    twin = copy(module)
    twin._modules = dict(module._modules)
    twin._forward_hooks = OrderedDict()
    twin._forward_pre_hooks = OrderedDict()
    twin._forward_hooks_with_kwargs = OrderedDict()
    twin._forward_pre_hooks_with_kwargs = OrderedDict()
    twin._forward_hooks_always_called = OrderedDict()
    # A method that somebody put on the instance would call the original's children.
    twin.__dict__.pop("forward", None)
    return twin
