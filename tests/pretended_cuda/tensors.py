"""Tensors that say they are on a GPU, and hold their values on the CPU.

To torch's own C++ such a tensor is on the CPU, because a CPU build has no guards for CUDA devices and its autograd
engine would end the process. All that Python asks goes by attributes of the class, which come before those of C++.
"""

from typing import Any

import torch
from torch import Tensor

aten = torch.ops.aten
CPU = torch.device("cpu")
# What C++ has for these names, as descriptors.
_DATA: Any = vars(torch._C.TensorBase)["data"]
_GRAD: Any = vars(torch._C.TensorBase)["grad"]


def as_device(device: Any) -> torch.device | None:
    """The device with a number where it is a GPU; None stays None."""
    if device is None:
        return None
    device = torch.device(device) if not isinstance(device, int) else torch.device("cuda", device)
    return torch.device("cuda", 0) if device.type == "cuda" and device.index is None else device


def is_gpu(device: Any) -> bool:
    return device is not None and as_device(device).type == "cuda"  # type: ignore[union-attr]


def values(x: Any) -> Any:
    """The values of a pretended tensor on the CPU; anything else as it is."""
    return x.on_cpu if isinstance(x, PretendedTensor) else x


class PretendedTensor(Tensor):
    """A tensor on a pretended GPU; operators on it are run by ``machine.Machine``."""

    on_cpu: Tensor
    gpu: torch.device

    @staticmethod
    def __new__(cls, on_cpu: Tensor, gpu: torch.device) -> "PretendedTensor":
        self = torch.Tensor._make_wrapper_subclass(
            cls,
            on_cpu.shape,
            strides=on_cpu.stride(),
            storage_offset=on_cpu.storage_offset(),
            dtype=on_cpu.dtype,
            device=CPU,
        )
        self.on_cpu, self.gpu = on_cpu, gpu
        return self

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        from .machine import running

        return running().run(func, args, kwargs or {})

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"PretendedTensor({self.on_cpu!r}, device={self.gpu})"

    def __deepcopy__(self, memo: Any) -> "PretendedTensor":
        copy = self.detach().clone().requires_grad_(self.requires_grad)
        if hasattr(self, "_is_param"):
            copy._is_param = True
        return copy  # type: ignore[return-value]

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("a tensor on a GPU is about to be pickled, which would tie the file to that GPU")

    def _refuse_numpy(self, *_: Any, **__: Any) -> Any:
        raise TypeError(f"can't convert {self.gpu} device type tensor to numpy. Use Tensor.cpu() first")

    numpy = __array__ = _refuse_numpy

    def tolist(self) -> Any:
        return self.cpu().tolist()

    def get_device(self) -> int:
        return self.gpu.index

    def data_ptr(self) -> int:
        return self.on_cpu.data_ptr()

    def untyped_storage(self) -> Any:
        return self.on_cpu.untyped_storage()

    def is_pinned(self, device: Any = None) -> bool:
        return False

    def pin_memory(self, device: Any = None) -> Tensor:
        raise RuntimeError(f"cannot pin '{self.type()}' only dense CPU tensors can be pinned")

    def record_stream(self, stream: Any) -> None:
        """Memory is never given to others here while a tensor lives."""

    def cpu(self, memory_format: Any = None) -> Tensor:
        return moved(self, CPU)

    def cuda(self, device: Any = 0, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
        return moved(self, as_device(device), non_blocking=non_blocking)

    def to(self, *args: Any, **kwargs: Any) -> Tensor:
        copy = kwargs.pop("copy", False)
        other = kwargs.pop("other", args[0] if args and isinstance(args[0], Tensor) else None)
        if other is not None:
            return moved(self, other.device, other.dtype, copy=copy)
        device, dtype, non_blocking, memory_format = torch._C._nn._parse_to(*args, **kwargs)
        return moved(self, as_device(device), dtype, non_blocking, copy, memory_format)


def moved(
    tensor: Tensor,
    device: torch.device | None,
    dtype: torch.dtype | None = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """What ``Tensor.to`` gives: the tensor itself where nothing changes."""
    if device == tensor.device:
        device = None
    if device is None and dtype in (None, tensor.dtype) and not copy and memory_format is None:
        return tensor
    options = {"dtype": dtype, "device": device, "non_blocking": non_blocking}
    if memory_format is not None:
        options["memory_format"] = memory_format
    from .machine import running

    with running().moving_to(device):
        return aten._to_copy.default(tensor, **options)


def _get_data(self: PretendedTensor) -> Tensor:
    return _DATA.__get__(self)


def _set_data(self: PretendedTensor, new: Tensor) -> None:
    if not isinstance(new, PretendedTensor):
        raise RuntimeError(f"the data of a tensor on {self.device} is set to a tensor on {new.device}")
    _DATA.__set__(self, new)
    self.on_cpu, self.gpu = new.on_cpu, new.gpu


def _get_grad(self: PretendedTensor) -> Tensor | None:
    return _GRAD.__get__(self)


def _set_grad(self: PretendedTensor, new: Tensor | None) -> None:
    if new is not None and new.device != self.device:
        raise RuntimeError(f"assigned grad has data located on {new.device}, its tensor is on {self.device}")
    _GRAD.__set__(self, new)


# As attributes of the class, since a tensor subclass cannot declare them with annotations of torch's own stubs.
for _name, _value in {
    "device": property(lambda self: self.gpu),
    "is_cuda": property(lambda self: True),
    "is_cpu": property(lambda self: False),
    "data": property(_get_data, _set_data),
    "grad": property(_get_grad, _set_grad),
}.items():
    setattr(PretendedTensor, _name, _value)
