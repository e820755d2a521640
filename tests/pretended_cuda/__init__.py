"""A pretended CUDA device over a CPU build of torch: real values, with CUDA's own rules, memory, streams and waits.

What it cannot show: rounding, the order of sums, speed, and what the driver does.
"""

from .machine import Machine
from .tensors import PretendedTensor

__all__ = ["Machine", "PretendedTensor"]
