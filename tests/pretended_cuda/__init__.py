"""A pretended CUDA device over a CPU build of torch: real values, with CUDA's own rules, memory, streams and waits.

What it cannot show: rounding, the order of sums, speed, and what the driver does. With ``SAETUI_TEST_GPU=real`` the
tests that use it run on a real GPU instead, without the counts that only the pretended one can make.
"""

import contextlib
import os
from collections.abc import Iterator

import pytest

from .machine import Machine
from .tensors import PretendedTensor

__all__ = ["REAL", "Machine", "PretendedTensor", "counts_waits", "gpu_on"]

REAL = os.environ.get("SAETUI_TEST_GPU") == "real"
# For tests that ask what the pretended GPU has counted, or that make it small.
counts_waits = pytest.mark.skipif(REAL, reason="only a pretended GPU counts")


@contextlib.contextmanager
def gpu_on(machine: Machine | None = None) -> Iterator[Machine]:
    """``cuda:0`` until the end of the block: a pretended one, or the real one where the tests are told to take it."""
    machine = machine or Machine()
    if REAL:
        yield machine
        return
    with machine.on():
        yield machine
