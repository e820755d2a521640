"""Files of tensors inside a store: written whole or not at all, and never read or written through a link."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from saetui.jobs.context import TaskContext
from saetui.jobs.work.disk_room import with_room
from saetui.sae.placing import placed_file
from store.plain import check_plain, is_plain_file


def save_tensors(
    context: TaskContext, path: Path, tensors: Mapping[str, Tensor], about: dict[str, str] | None = None
) -> None:
    """Write tensors, and texts about them, into the store's folder; while the disk is full it waits for room.

    Raises:
        StoreUnreadable: something on the way to ``path`` is a link.
    """
    check_plain(context.store_root, path.parent)
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}

    def write() -> None:
        with placed_file(path) as part:
            save_file(contiguous, part, about)

    with_room(context, path.name, write)


def load_tensors(store_root: Path, path: Path, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor] | None:
    """The tensors of a file; None where it is not there or not of these names and shapes: then it is made again.

    Raises:
        StoreUnreadable: something on the way to ``path`` is a link.
    """
    check_plain(store_root, path)
    if not is_plain_file(path):
        return None
    try:
        found: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError):
        return None
    fits = all(name in found and tuple(found[name].shape) == shape for name, shape in shapes.items())
    return found if fits else None


class StoredTensors:
    """Tensors that studies keep in a folder of the store, by name."""

    def __init__(self, context: TaskContext, folder: Path) -> None:
        self._context, self._folder = context, folder

    def load(self, name: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor] | None:
        """As ``load_tensors``."""
        return load_tensors(self._context.store_root, self._path(name), shapes)

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """As ``save_tensors``."""
        save_tensors(self._context, self._path(name), tensors)

    def _path(self, name: str) -> Path:
        return self._context.store_root / self._folder / f"{name}.safetensors"
