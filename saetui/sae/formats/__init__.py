"""The file formats of SAEs, one module per format: ``recognise(path)``, ``load_sae(path, device)``, and ``save_sae``
where it can be written. Another package adds one by an entry point of the group ``saetui.formats`` that names a module.
"""

import os
from pathlib import Path
from types import ModuleType

import torch

from saetui.plugins import imported, left_out, loaded, own_modules
from saetui.sae.base import SAE
from saetui.sae.exceptions import SAEError
from saetui.sae.formats import saelens

GROUP = "saetui.formats"


def load_sae(path: str | os.PathLike[str], device: torch.device | str | None = None) -> SAE:
    """The SAE in a file or folder of any format, its weights as float32.

    What no format recognises is read as a SAELens folder, whose errors say what is missing. Raises SAEError, naming
    file, field and fix, for what cannot be read, and the formats of other packages that are broken.
    """
    place = Path(path)
    for module in loaded(GROUP, own_modules(__name__, __path__), _format_in, SAEError).values():
        if module.recognise(place):
            sae = module.load_sae(place, device)
            if not isinstance(sae, SAE):
                raise SAEError(f"{place}: {module.__name__} gave no SAE; correct its load_sae")
            return sae
    try:
        return saelens.load_sae(place, device)
    except SAEError as problem:
        if missing := left_out(GROUP):
            raise SAEError(f"{problem}; {missing}") from problem
        raise


def _format_in(_: str, module_name: str) -> ModuleType:
    module = imported(GROUP, module_name, SAEError)
    if missing := [part for part in ("recognise", "load_sae") if not callable(getattr(module, part, None))]:
        raise SAEError(f"{GROUP}: {module_name} has no {missing[0]}")
    return module
