"""Where the program waits for the GPU, and what it does there that CUDA does slowly or in no fixed order; by line."""

import sys
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
_OURS = (str(ROOT / "saetui"), str(ROOT / "store"))


def line_of_ours() -> str:
    """The innermost line of the project that is being run, as ``saetui/sae/base.py:12``."""
    for frame, line in traceback.walk_stack(sys._getframe(1)):
        name = frame.f_code.co_filename
        if name.startswith(_OURS):
            return f"{Path(name).relative_to(ROOT)}:{line}"
    return "elsewhere"


@dataclass
class Waits:
    """Counts by (what, line). ``enabled`` is off while the device itself works."""

    waits: Counter[tuple[str, str]] = field(default_factory=Counter)
    unordered: Counter[tuple[str, str]] = field(default_factory=Counter)
    float64_products: Counter[tuple[str, str]] = field(default_factory=Counter)
    without_kernel: Counter[tuple[str, str]] = field(default_factory=Counter)
    operators: int = 0

    def wait(self, what: str) -> None:
        self.waits[what, line_of_ours()] += 1

    def clear(self) -> None:
        """Count from here."""
        for counter in (self.waits, self.unordered, self.float64_products, self.without_kernel):
            counter.clear()
        self.operators = 0

    @property
    def n_waits(self) -> int:
        return self.waits.total()

    def report(self) -> str:
        """One line per place, the most frequent first."""
        parts = []
        for title, counter in (
            ("waits", self.waits),
            ("sums in no fixed order", self.unordered),
            ("float64 products", self.float64_products),
            ("operators without a CUDA kernel", self.without_kernel),
        ):
            parts.append(f"{title}: {counter.total()}")
            parts += [f"{n:8d}  {what:28}  {line}" for (what, line), n in counter.most_common()]
        return "\n".join(parts)
