"""The architectures of sparse autoencoders, one file per architecture, which has the architecture's name.

A file has one ``SAE`` subclass whose ``architecture`` is that name: its tensors, what of it is in a configuration,
and how it is trained. Another package adds one by an entry point of the group ``saetui.architectures``, which has the
architecture's name and names such a module.
"""

from saetui.plugins import ARCHITECTURES, imported, left_out, loaded, members, own_modules
from saetui.sae.base import SAE
from saetui.sae.exceptions import SAEError


def find_architecture(name: str) -> type[SAE]:
    """The class of an architecture.

    Raises SAEError where there is none of that name, or its module cannot be imported or has no such class.
    """
    known = members(ARCHITECTURES, own_modules(__name__, __path__))
    if name not in known:
        reason = left_out(ARCHITECTURES, name) or f"known: {', '.join(sorted(known))}"
        raise SAEError(f"architecture {name!r} is unknown; {reason}")
    return _class_in(name, known[name])


def architectures() -> dict[str, type[SAE]]:
    """Every class of SAE by its architecture; what of other packages is broken is left out."""
    return loaded(ARCHITECTURES, own_modules(__name__, __path__), _class_in, SAEError)


def _class_in(name: str, module: str) -> type[SAE]:
    for value in vars(imported(ARCHITECTURES, module, SAEError)).values():
        if isinstance(value, type) and issubclass(value, SAE) and getattr(value, "architecture", None) == name:
            return value
    raise SAEError(f"{ARCHITECTURES}: {module} has no SAE whose architecture is {name!r}")
