"""What can come next in a filter: the columns by all their names, conditions with a name of their own, functions."""

import re
from collections.abc import Iterable, Sequence

from saetui.workbench.filter_columns import FilterColumn
from saetui.workbench.sql_writer import FUNCTIONS

# Where a name can begin: at the start, and after what cannot be in the middle of one.
_STARTS = re.compile(r"^|(?<=[\s(,!\[])")
_AFTER_OPERATOR = re.compile(r"[<>=~]\s*\S*$")
_KINDS = {
    "words": "text",
    "list": "a list of texts",
    "number": "a number",
    "truth": "true or false",
    "other": "a value",
}


def filter_completions(line: str, columns: Sequence[FilterColumn], named: Iterable[str] = ()) -> list[tuple[str, str]]:
    """``(line, help)`` of what continues a filter by a name; none within quotes, and none where a value is typed."""
    if line.count('"') % 2 or line.count("'") % 2 or _AFTER_OPERATOR.search(line):
        return []
    offered = _names(columns, named)
    for start in (match.start() for match in _STARTS.finditer(line)):
        typed = line[start:].lower()
        found = [(name, about) for name, about in offered if typed and name.lower().startswith(typed)]
        if found:
            return [(line[:start] + name, about) for name, about in found if name.lower() != typed]
    return []


def _names(columns: Sequence[FilterColumn], named: Iterable[str]) -> list[tuple[str, str]]:
    """``(name, help)`` of all that can stand in a filter, columns first."""
    labels = {label: column for column in columns for label in column.labels}
    several = {label for label in labels if sum(label in column.labels for column in columns) > 1}
    return [
        *((column.name, _KINDS[column.kind]) for column in columns),
        *((label, f"{column.name}, {_KINDS[column.kind]}") for label, column in labels.items() if label not in several),
        *((word, "a condition of its own") for word in named),
        *((f"{function}(", "a function") for function in FUNCTIONS),
    ]
