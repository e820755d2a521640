"""A class of the interface has at most two classes of ours above it in a line."""

from importlib import import_module
from pkgutil import walk_packages

import saetui.tui

DEEPEST = 2


def above(cls: type) -> int:
    """How many classes of ours stand above a class, in its longest line."""
    ours = [base for base in cls.__bases__ if base.__module__.startswith("saetui")]
    return max((1 + above(base) for base in ours), default=0)


def test_a_line_of_classes_is_short() -> None:
    modules = [import_module(module.name) for module in walk_packages(saetui.tui.__path__, "saetui.tui.")]
    classes = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and value.__module__ == module.__name__
    }
    assert len(classes) > 50
    assert {cls.__qualname__: above(cls) for cls in classes if above(cls) > DEEPEST} == {}


def test_the_longest_line_counts() -> None:
    bases = {name: type(name, (), {"__module__": "saetui.made"}) for name in ("A", "B")}
    lower = type("C", (bases["A"],), {"__module__": "saetui.made"})
    both = type("D", (bases["B"], lower, dict), {"__module__": "saetui.made"})
    assert [above(cls) for cls in (bases["A"], lower, both)] == [0, 1, 2]
