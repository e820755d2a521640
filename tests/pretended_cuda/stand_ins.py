"""What stands in for ``torch.cuda``, and for methods of tensors that C++ would refuse on a CPU build."""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .streams import Event, Stream
from .tensors import PretendedTensor, as_device

if TYPE_CHECKING:
    from .machine import Machine


class _Properties:
    name, major, minor, multi_processor_count = "Pretended", 9, 0, 132
    uuid = "GPU-pretended"

    def __init__(self, total_memory: int) -> None:
        self.total_memory = total_memory


def stand_ins(machine: "Machine") -> list[tuple[Any, str, Any]]:
    """Owner, name and replacement of everything that a machine replaces while it is on."""

    @contextlib.contextmanager
    def on_stream(stream: Stream | None) -> Iterator[None]:
        before, machine.stream = machine.stream, stream or machine.stream
        try:
            yield
        finally:
            machine.stream = before

    def same_kind(a: Tensor, b: Tensor) -> bool:
        return type(a.data) is type(b.data)

    plain_to = Tensor.to

    def to(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        """``Tensor.to`` of CPU tensors, whose C++ would take a pretended tensor's device for the CPU."""
        if args and isinstance(args[0], PretendedTensor):
            return plain_to(self, args[0].device, args[0].dtype, *args[1:], **kwargs)
        return plain_to(self, *args, **kwargs)

    of_torch_cuda: dict[str, Any] = {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "device_count": lambda: 1,
        "current_device": lambda: 0,
        "_lazy_init": lambda: None,
        "empty_cache": lambda: None,
        "synchronize": lambda *_: machine.stream.synchronize(),
        "mem_get_info": lambda *_: (machine.free, machine.memory_bytes),
        "memory_allocated": lambda *_: machine.allocated,
        "memory_reserved": lambda *_: machine.allocated,
        "max_memory_allocated": lambda *_: machine.peak,
        "reset_peak_memory_stats": lambda *_: setattr(machine, "peak", machine.allocated),
        "get_device_properties": lambda *_: _Properties(machine.memory_bytes),
        "get_device_capability": lambda *_: (9, 0),
        "get_device_name": lambda *_: "Pretended",
        "is_bf16_supported": lambda *_, **__: True,
        "manual_seed_all": lambda *_: None,
        "Stream": lambda *_, **__: Stream(),
        "Event": Event,
        "stream": on_stream,
        "current_stream": lambda *_: machine.stream,
        "default_stream": lambda *_: machine.default_stream,
    }
    return [
        *[(torch.cuda, name, stand_in) for name, stand_in in of_torch_cuda.items()],
        (Tensor, "cuda", lambda self, device=0, **_: self.to(as_device(device))),
        (Tensor, "to", to),
        (Tensor, "pin_memory", lambda self, *_: machine.pin(self)),
        (Tensor, "is_pinned", lambda self, *_: machine.is_pinned(self)),
        # The data of a CPU parameter becomes a GPU tensor only by a new parameter, since C++ takes them for two kinds.
        (torch, "_has_compatible_shallow_copy_type", same_kind),
    ]
