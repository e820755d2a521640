"""Figures for the terminal and for a paper: each a question, a query, and a description that is drawn twice."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saetui.figures.description import Figure as Figure
    from saetui.figures.exceptions import FigureError as FigureError
    from saetui.figures.registry import figure as figure
    from saetui.figures.registry import figure_kinds as figure_kinds

# Where each public name lives; imported when first asked for, since the first screen needs two small parts only.
_HOMES = {
    "Figure": "saetui.figures.description",
    "FigureError": "saetui.figures.exceptions",
    "figure": "saetui.figures.registry",
    "figure_kinds": "saetui.figures.registry",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'saetui.figures' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
