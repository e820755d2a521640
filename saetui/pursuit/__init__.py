"""Sparse inference in a fixed dictionary: gradient and orthogonal matching pursuit, refits of an SAE's own codes.

``pursuit.study`` runs a whole study: tokens, their codes and errors before and after.
"""

from saetui.pursuit.atoms import Atoms
from saetui.pursuit.codes import Codes, SparseCodes, Work
from saetui.pursuit.gradient import gradient_pursuit
from saetui.pursuit.orthogonal import orthogonal_matching_pursuit
from saetui.pursuit.refit import refit_codes
from saetui.pursuit.search import PursuitStep

__all__ = [
    "Atoms",
    "Codes",
    "PursuitStep",
    "SparseCodes",
    "Work",
    "gradient_pursuit",
    "orthogonal_matching_pursuit",
    "refit_codes",
]
