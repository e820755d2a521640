"""A term of the glossary, and the papers that define terms."""

from dataclasses import dataclass
from typing import Final

ABSORPTION: Final = "2409.14507"
DARK_MATTER: Final = "2410.14670"
TOPK: Final = "2406.04093"
SAEBENCH: Final = "2503.09532"


# How the units of numbers begin that count nothing, and are not said after a value.
_UNCOUNTED: Final = frozenset({"share", "ratio", "percent", "relative", "h:mm:ss", "per", "as"})


@dataclass(frozen=True)
class Term:
    """One term: what it is, the unit of its values, where it is defined, and between what its values lie."""

    definition: str
    unit: str = ""
    source: str = ""
    range: str = ""

    def said(self, value: str) -> str:
        """A value as it is written on screen, with the unit where it is counted in one."""
        is_number = value[:1].isdigit() or value[:1] in ("−", "+")
        is_counted = bool(self.unit) and self.unit.split()[0] not in _UNCOUNTED
        return f"{value} {self.unit}" if is_number and is_counted else value
