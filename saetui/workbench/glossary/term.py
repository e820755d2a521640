"""A term of the glossary, and the papers that define terms."""

from dataclasses import dataclass
from typing import Final

ABSORPTION: Final = "2409.14507"
DARK_MATTER: Final = "2410.14670"
TOPK: Final = "2406.04093"
SAEBENCH: Final = "2503.09532"


@dataclass(frozen=True)
class Term:
    """One term."""

    definition: str
    unit: str = ""
    source: str = ""
