"""Reading and replacing what goes into or comes out of a module of a running model."""

from collections.abc import Callable
from typing import Any, NoReturn

from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


class PassEnded(Exception):  # noqa: N818 - not an error: ends a forward pass early
    """What the forward pass was run for is known; the rest of it is not needed."""


class OutputReader:
    """Keeps the tensor that it is shown, and ends the pass."""

    tensor: Tensor

    def __call__(self, tensor: Tensor) -> NoReturn:
        self.tensor = tensor
        raise PassEnded


def change_input(module: nn.Module, change: Callable[[Tensor], Tensor], *, first: bool = False) -> RemovableHandle:
    """From now on the module's first argument goes through ``change``, before or after other such changes."""

    def hook(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (change(args[0]), *args[1:])

    return module.register_forward_pre_hook(hook, prepend=first)


def change_output(module: nn.Module, change: Callable[[Tensor], Tensor]) -> RemovableHandle:
    """From now on the module's output, or the first of several, goes through ``change``."""

    def hook(_: nn.Module, args: tuple[Any, ...], output: Any) -> Any:  # noqa: ARG001
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    return module.register_forward_hook(hook)
