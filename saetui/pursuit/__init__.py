"""Sparse inference in a fixed dictionary: gradient pursuit, orthogonal matching pursuit, refits of an SAE's own codes."""

from saetui.pursuit.atoms import Atoms
from saetui.pursuit.codes import SparseCodes, Work
from saetui.pursuit.gradient import gradient_pursuit
from saetui.pursuit.orthogonal import orthogonal_matching_pursuit
from saetui.pursuit.search import PursuitStep

__all__ = [
    "Atoms",
    "PursuitStep",
    "SparseCodes",
    "Work",
    "gradient_pursuit",
    "orthogonal_matching_pursuit",
]
