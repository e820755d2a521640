"""The machine with the pretended GPU: runs operators, keeps its memory and streams, and replaces ``torch.cuda``."""

import contextlib
import weakref
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import torch
import torch._dynamo  # It looks at functions that are replaced below, so it must be loaded before they are.
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .rules import count, refuse, result_device, tensors_of
from .stand_ins import stand_ins
from .streams import Memory, Stream
from .tensors import PretendedTensor, is_gpu, values
from .waits import Waits

aten = torch.ops.aten
_running: list["Machine"] = []


def running() -> "Machine":
    """The machine that is on; RuntimeError where a tensor has outlived it."""
    if not _running:
        raise RuntimeError("a tensor of a pretended GPU is used after the GPU is gone")
    return _running[-1]


class Machine:
    """One GPU of ``memory_bytes``, of which ``others_bytes`` belong to other processes."""

    def __init__(self, memory_bytes: int = 80 << 30, others_bytes: int = 0) -> None:
        self.memory_bytes, self.others_bytes = memory_bytes, others_bytes
        self.waits = Waits()
        self.default_stream = self.stream = Stream()
        self.host = Stream()
        self.allocated = self.peak = 0
        self.memory: dict[int, Memory] = {}  # by the address of the storage
        self._sizes: dict[int, list[int]] = {}  # by the address of the storage: bytes, tensors
        self.pinned: dict[int, Any] = {}  # storages, kept to the end, by their address
        self._moving_to: torch.device | None = None

    @property
    def free(self) -> int:
        """Bytes that nobody has."""
        return self.memory_bytes - self.others_bytes - self.allocated

    @contextlib.contextmanager
    def moving_to(self, device: torch.device | None) -> Iterator[None]:
        """While somebody moves a tensor on purpose."""
        before, self._moving_to = self._moving_to, device
        try:
            yield
        finally:
            self._moving_to = before

    def run(self, func: Any, args: Any, kwargs: Any) -> Any:
        """One operator, with everything that CUDA would check, on the values."""
        device = result_device(func, args, kwargs, self._moving_to)
        refuse(func, args, kwargs, device)
        waited = count(self.waits, func, args, kwargs, device)
        stream = self.stream
        stream.ticks += 1
        self._touch(func, args, kwargs, stream)
        if waited:
            self.host.learn(stream.past())
        plain_args = [_plain(x) for x in args]
        plain_kwargs = {name: _plain(x) for name, x in kwargs.items()}
        if is_gpu(plain_kwargs.get("device")):
            plain_kwargs["device"] = torch.device("cpu")
        plain_kwargs.pop("pin_memory", None)
        result = func(*plain_args, **plain_kwargs)
        if func is aten._to_copy.default and _same_storage(result, plain_args[0]):
            result = result.clone()
        owners = {id(t.on_cpu): t for t in tensors_of(args, kwargs) if isinstance(t, PretendedTensor)}

        def wrap(x: Any) -> Any:
            if not isinstance(x, Tensor) or isinstance(x, PretendedTensor):
                return x
            if func._schema.is_mutable and id(x) in owners:
                if torch.Tag.inplace_view in func.tags:
                    with torch._C._DisableTorchDispatch():
                        func(owners[id(x)], *args[1:], **kwargs)
                assert owners[id(x)].shape == x.shape, f"{func} changes a shape in place, which is not pretended"
                return owners[id(x)]
            return x if device is None else self.place(x, device, stream)

        if isinstance(result, (list, tuple)):
            return type(result)([wrap(y) for y in x] if isinstance(x, list) else wrap(x) for x in result)
        return wrap(result)

    def place(self, x: Tensor, device: torch.device, stream: Stream) -> PretendedTensor:
        """Values of the CPU as a tensor of the GPU; OutOfMemoryError where there is no room."""
        storage = x.untyped_storage()
        address, n_bytes = storage.data_ptr(), storage.nbytes()
        if address not in self._sizes:
            if n_bytes > self.free:
                raise torch.OutOfMemoryError(
                    f"CUDA out of memory. Tried to allocate {n_bytes / 2**20:.2f} MiB. GPU 0 has a total capacity of"
                    f" {self.memory_bytes / 2**30:.2f} GiB of which {self.free / 2**20:.2f} MiB is free."
                )
            self._sizes[address] = [n_bytes, 0]
            self.memory[address] = Memory(written=(stream, stream.ticks))
            self.allocated += n_bytes
            self.peak = max(self.peak, self.allocated)
        self._sizes[address][1] += 1
        tensor = PretendedTensor(x, device)
        weakref.finalize(tensor, self._forget, address)
        return tensor

    def _forget(self, address: int) -> None:
        size = self._sizes[address]
        size[1] -= 1
        if size[1] == 0:
            del self._sizes[address]
            del self.memory[address]
            self.allocated -= size[0]

    def _touch(self, func: Any, args: Any, kwargs: Any, stream: Stream) -> None:
        """Check the streams: who reads and who writes which memory."""
        if func in (aten.detach.default, aten.lift_fresh.default) or _is_view(func):
            return
        mutable = func._schema.is_mutable
        for place, tensor in enumerate(tensors_of(args, kwargs)):
            memory = self.memory_of(tensor)
            if memory is None:
                continue
            if mutable and place == 0:
                memory.writing(stream)
            else:
                memory.reading(stream)

    def memory_of(self, tensor: Tensor) -> Memory | None:
        """What is known of a tensor's memory; None for what is on the CPU and not pinned."""
        if not isinstance(tensor, PretendedTensor) and not self.pinned:
            return None
        address = values(tensor).untyped_storage().data_ptr()
        if not isinstance(tensor, PretendedTensor) and address not in self.pinned:
            return None
        return self.memory.setdefault(address, Memory())

    def pin(self, tensor: Tensor) -> Tensor:
        """A copy of a CPU tensor in pinned memory."""
        copy = tensor.clone()
        self.pinned[copy.untyped_storage().data_ptr()] = copy.untyped_storage()
        return copy

    def is_pinned(self, tensor: Tensor) -> bool:
        return tensor.untyped_storage().data_ptr() in self.pinned

    @contextlib.contextmanager
    def on(self) -> Iterator["Machine"]:
        """``cuda:0`` of this thread, until the end of the block; a machine can be put on again."""
        with contextlib.ExitStack() as stack:
            for owner, name, stand_in in stand_ins(self):
                stack.enter_context(patch.object(owner, name, stand_in))
            lifts_before = torch._C._only_lift_cpu_tensors()
            torch._C._set_only_lift_cpu_tensors(True)
            stack.callback(torch._C._set_only_lift_cpu_tensors, lifts_before)
            _running.append(self)
            stack.callback(_running.remove, self)
            stack.enter_context(_Mode(self))
            yield self

    def on_cpu(self, func: Any, args: Any, kwargs: Any) -> Any:
        """An operator of the CPU alone: it must not touch pinned memory that a copy still reads or fills."""
        if self.pinned:
            self.host.ticks += 1
            self._touch(func, args, kwargs, self.host)
        pinned = kwargs.pop("pin_memory", None)
        result = func(*args, **kwargs)
        return self.pin(result) if pinned else result


class _Mode(TorchDispatchMode):
    """Sees every operator of this thread."""

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # Else each operator takes a detour through torch's compiler, which costs more than the rest.

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if any(isinstance(t, PretendedTensor) for t in tensors_of(args, kwargs)) or is_gpu(kwargs.get("device")):
            return self._machine.run(func, args, kwargs)
        return self._machine.on_cpu(func, args, kwargs)


def _plain(x: Any) -> Any:
    return [values(y) for y in x] if isinstance(x, (list, tuple)) else values(x)


def _same_storage(a: Tensor, b: Tensor) -> bool:
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


def _is_view(func: Any) -> bool:
    returns = func._schema.returns
    return bool(returns) and returns[0].alias_info is not None and not returns[0].alias_info.is_write
