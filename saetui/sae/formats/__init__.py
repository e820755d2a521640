"""The file formats of SAEs, one module per format: ``recognise(path)``, ``load_sae(path, device)``, and ``save_sae``
where it can be written. Another package adds one by an entry point of the group ``saetui.formats`` that names a module.
"""

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import torch

from saetui.plugins import added, own_modules
from saetui.sae.base import SAE
from saetui.sae.exceptions import SAEError
from saetui.sae.formats import saelens

GROUP = "saetui.formats"


def load_sae(path: str | os.PathLike[str], device: torch.device | str | None = None) -> SAE:
    """The SAE in a file or folder of any format, its weights as float32.

    What no format recognises is read as a SAELens folder, whose errors say what is missing. Raises SAEError, naming
    file, field and fix, for what cannot be read, and for a format of another package that cannot be imported.
    """
    place = Path(path)
    for module in _formats():
        if module.recognise(place):
            loaded = module.load_sae(place, device)
            if not isinstance(loaded, SAE):
                raise SAEError(f"{place}: {module.__name__} gave no SAE; correct its load_sae")
            return loaded
    return saelens.load_sae(place, device)


def _formats() -> Iterator[ModuleType]:
    for name in (*own_modules(__name__, __path__), *(point.value for point in added(GROUP))):
        try:
            yield import_module(name)
        except ImportError as error:
            raise SAEError(f"{GROUP}: {name} cannot be imported ({error})") from error
