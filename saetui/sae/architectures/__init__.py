"""The architectures of sparse autoencoders, one file per architecture, which has the architecture's name.

A file has one ``SAE`` subclass whose ``architecture`` is that name: its tensors, what of it is in a configuration,
and how it is trained. Another package adds one by an entry point of the group ``saetui.architectures``, which has the
architecture's name and names such a module.
"""

from importlib import import_module

from saetui.plugins import ARCHITECTURES, added, architecture_names
from saetui.sae.base import SAE
from saetui.sae.exceptions import SAEError


def find_architecture(name: str) -> type[SAE]:
    """The class of an architecture.

    Raises SAEError where there is none of that name, or its module cannot be imported or has no such class.
    """
    known = architecture_names()
    if name not in known:
        raise SAEError(f"architecture {name!r} is unknown; known: {', '.join(known)}")
    module_name = next((point.value for point in added(ARCHITECTURES) if point.name == name), f"{__name__}.{name}")
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise SAEError(f"{ARCHITECTURES}: {module_name} cannot be imported ({error})") from error
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, SAE) and getattr(value, "architecture", None) == name:
            return value
    raise SAEError(f"{ARCHITECTURES}: {module_name} has no SAE whose architecture is {name!r}")
