"""What a worker keeps between its jobs: models, SAEs, corpora and words, as many as there is room for."""

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

# Things; whatever their size, more of them are not of use again.
_MOST = 16
# How far below a thing its tensors are looked for.
_DEPTH = 6
# What is kept may fill this part of a device's memory: the next job needs room as well.
_SHARE = 0.5


class Warm:
    """Things that are slow to make; the least recently used are dropped first."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was made for this key before, or what ``make`` gives now."""
        if key in self._kept:
            self._kept.move_to_end(key)
        else:
            made = make()
            self._kept[key] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        kept: T = self._kept[key]
        return kept

    def trim(self, budget: Mapping[str, int]) -> list[Hashable]:
        """Drop what does not fit into a budget of bytes for each type of device, and return the keys of what went.

        Things grow while they are used, so that they are measured now and not when they were made. The one used last is
        dropped as well where it alone is too large.
        """
        seen: set[int] = set()
        room = dict(budget)
        dropped: list[Hashable] = []
        for key in reversed(list(self._kept)):
            size = held_bytes(self._kept[key], seen)
            if any(n > room.get(device, n) for device, n in size.items()):
                del self._kept[key]
                dropped.append(key)
                continue
            for device, n in size.items():
                if device in room:
                    room[device] -= n
        return dropped

    def clear(self) -> None:
        self._kept.clear()


def give_back(warm: Warm) -> list[Hashable]:
    """Trim what is kept to a part of the memory that there is, and return what torch has cached to the GPU."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return []
    import psutil

    budget = {"cpu": int(_SHARE * psutil.virtual_memory().total)}
    on_gpu = torch.cuda.is_available() and torch.cuda.is_initialized()
    if on_gpu:
        budget["cuda"] = int(_SHARE * torch.cuda.mem_get_info()[1])
    dropped = warm.trim(budget)
    if on_gpu:
        torch.cuda.empty_cache()
    return dropped


def held_on_gpu() -> int:
    """Bytes of GPU memory that torch has taken in this process; what the driver itself needs is not among them."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not (torch.cuda.is_available() and torch.cuda.is_initialized()):
        return 0
    return int(torch.cuda.memory_reserved())


def held_bytes(thing: Any, seen: set[int] | None = None) -> dict[str, int]:
    """Bytes of all tensors in a thing, by type of device; memory that several share counts once.

    ``seen``: memory that other things have been found to hold already; what this one holds is added.
    """
    seen = set() if seen is None else seen
    found: dict[str, int] = {}
    for tensor in _tensors(thing, set(), _DEPTH):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            found[tensor.device.type] = found.get(tensor.device.type, 0) + storage.nbytes()
    return found


def _tensors(thing: Any, visited: set[int], depth: int) -> Iterator["Tensor"]:
    torch: Any = sys.modules.get("torch")
    if torch is None or depth < 0 or id(thing) in visited:
        return
    visited.add(id(thing))
    if isinstance(thing, torch.Tensor):
        yield thing
    elif isinstance(thing, torch.nn.Module):
        yield from thing.parameters()
        yield from thing.buffers()
    else:
        for part in _parts(thing):
            yield from _tensors(part, visited, depth - 1)


def _parts(thing: Any) -> Iterator[Any]:
    if isinstance(thing, Mapping):
        yield from thing.values()
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from thing
    elif is_dataclass(thing) and not isinstance(thing, type):
        yield from (getattr(thing, field.name, None) for field in fields(thing))
        yield from vars(thing).values() if hasattr(thing, "__dict__") else ()
    elif type(thing).__module__.startswith("saetui."):
        yield from vars(thing).values() if hasattr(thing, "__dict__") else ()
