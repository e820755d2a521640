"""Orthogonal matching pursuit with non-negative weights: the slow reference of gradient pursuit."""

from collections.abc import Callable, Sequence

from jaxtyping import Float, Int
from torch import Tensor

from saetui.pursuit.atoms import Atoms
from saetui.pursuit.codes import SparseCodes
from saetui.pursuit.reuse import atoms_of
from saetui.pursuit.search import MAX_L0, Method, Progress, PursuitStep, search
from saetui.pursuit.weights import best_weights


def orthogonal_matching_pursuit(
    signals: Float[Tensor, "n d"],
    dictionary: Float[Tensor, "width d"] | Atoms,
    target_l0: int | Sequence[int] | Int[Tensor, " n"],
    *,
    max_l0: int = MAX_L0,
    batch_size: int | None = None,
    progress: Progress | None = None,
    watch: Callable[[PursuitStep], None] | None = None,
) -> SparseCodes:
    """Codes of at most ``target_l0`` atoms, whose weights are the best non-negative ones after every step.

    Atoms are chosen by the largest signed product with the residual, so codes stay non-negative; scikit-learn's
    OrthogonalMatchingPursuit chooses by the absolute product and allows negative weights. Arguments, units and errors
    are those of ``gradient_pursuit``.
    """
    with atoms_of(dictionary, fold=True) as atoms:
        return search(
            signals,
            atoms,
            target_l0,
            Method(best_weights, precise=True),
            max_l0=max_l0,
            batch_size=batch_size,
            progress=progress,
            watch=watch,
        )
