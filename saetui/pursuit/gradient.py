"""Gradient pursuit: sparse non-negative codes in a fixed dictionary, one atom and one gradient step at a time."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.pursuit.atoms import Atoms
from saetui.pursuit.batch import Batch
from saetui.pursuit.codes import SparseCodes
from saetui.pursuit.reuse import atoms_of
from saetui.pursuit.search import MAX_L0, Method, Progress, PursuitStep, search
from saetui.pursuit.weights import best_weights, gradient_step

Variant = Literal["persistent", "dark_matter"]
_VARIANTS = ("persistent", "dark_matter")


def gradient_pursuit(
    signals: Float[Tensor, "n d"],
    dictionary: Float[Tensor, "width d"] | Atoms,
    target_l0: int | Sequence[int] | Int[Tensor, " n"],
    variant: Variant = "persistent",
    *,
    polish: int = 0,
    refit: Literal["nnls"] | None = None,
    max_l0: int = MAX_L0,
    batch_size: int | None = None,
    progress: Progress | None = None,
    watch: Callable[[PursuitStep], None] | None = None,
) -> SparseCodes:
    """Codes of at most ``target_l0`` atoms by gradient pursuit (Blumensath & Davies 2008; 2410.14670, pursuit).

    Signals are ``(n, d)`` in model units, an SAE's output bias taken off; the dictionary is its decoder ``(width, d)``.
    Atoms are chosen by direction and values are in units of the dictionary's own rows. At each step a signal takes the
    atom of the largest product with its residual; the weights of its atoms move along the gradient as far as is best
    and are clamped at 0. Targets may differ by signal and may be 0 (an empty code); those over ``max_l0`` are cut.

    "persistent" keeps an atom once taken, takes none twice, and stops a signal when no other atom would help.
    "dark_matter" is what the authors of 2410.14670 run: atoms of weight 0 leave, any atom may be taken again, there is
    no stop, and products are with the rows as they are. ``polish`` adds that many gradient steps on the final atoms;
    ``refit="nnls"`` gives them the best non-negative weights instead, the least residual that these atoms allow.

    The work depends on the bounds and the products between atoms that are kept (``Atoms``), the result does not: it is
    that of taking every product at every step. The products stay for the next pursuit of the same dictionary tensor,
    1 GiB at most on a CPU and as long as the tensor lives.

    A signal with NaN or infinity gets an empty code and is marked ``excluded``. ``watch`` sees every step; it and
    ``progress`` may raise to cancel. Raises ValueError for shapes that do not fit, a dictionary that is empty, not
    finite or all zero, and targets that are negative, over the width, or one 0 for all.
    """
    if variant not in _VARIANTS:
        raise ValueError(f"variant is {variant!r}; it must be one of {', '.join(_VARIANTS)}")
    if polish < 0:
        raise ValueError(f"polish is {polish}; it must be 0 steps or more")
    if refit not in (None, "nnls"):
        raise ValueError(f"refit is {refit!r}; it must be 'nnls' or None")
    persistent = variant == "persistent"
    finish = best_weights if refit else partial(_polish, steps=polish) if polish else None
    method = Method(partial(gradient_step, backtrack=persistent), finish, persistent=persistent, precise=bool(refit))
    with atoms_of(dictionary, fold=persistent) as atoms:
        return search(
            signals,
            atoms,
            target_l0,
            method,
            max_l0=max_l0,
            batch_size=batch_size,
            progress=progress,
            watch=watch,
        )


def _polish(batch: Batch, tokens: slice | Tensor, steps: int) -> Bool[Tensor, " m"]:
    moved = gradient_step(batch, tokens)
    for _ in range(steps - 1):
        moved |= gradient_step(batch, tokens)
    return moved
