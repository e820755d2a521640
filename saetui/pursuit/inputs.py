"""The inputs of a pursuit: signals, dictionary and target L0, checked before any work."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class L0Targets:
    """How many atoms each signal may use, after the cap; 0 for signals that are left out."""

    l0: Int[Tensor, " n"]
    excluded: Bool[Tensor, " n"]
    capped: Bool[Tensor, " n"]


def check_signals(signals: Float[Tensor, "n d"], rows: Float[Tensor, "columns d"]) -> Float[Tensor, "n d"]:
    """The signals in the precision of the dictionary; raises ValueError where they do not match its rows."""
    _check_matrix(signals, "signals", "(n, d)")
    if signals.shape[1] != rows.shape[1]:
        raise ValueError(
            f"signals have {signals.shape[1]} columns, atoms of the dictionary {rows.shape[1]}; take both from one site"
        )
    if signals.device != rows.device:
        raise ValueError(f"signals are on {signals.device}, the dictionary on {rows.device}; put both on one device")
    return signals.detach().to(rows.dtype)


def check_dictionary(dictionary: Float[Tensor, "width d"]) -> Float[Tensor, "width d"]:
    """The dictionary in single or double precision; raises ValueError where it is empty, not finite, or all zero."""
    _check_matrix(dictionary, "dictionary", "(width, d)")
    if not dictionary.numel():
        raise ValueError(f"dictionary of shape {tuple(dictionary.shape)} has no atoms")
    bad = int((~torch.isfinite(dictionary).all(1)).sum())
    if bad:
        raise ValueError(f"{bad} of {len(dictionary)} atoms of the dictionary hold NaN or infinity")
    return _computable(dictionary)


def read_targets(
    target_l0: int | Sequence[int] | Int[Tensor, " n"], signals: Float[Tensor, "n d"], width: int, max_l0: int
) -> L0Targets:
    """Targets of each signal; raises ValueError for targets below 0 or over the width, and for 0 for all alike."""
    if max_l0 < 1:
        raise ValueError(f"max_l0 is {max_l0}; it must be 1 or more")
    n = len(signals)
    if isinstance(target_l0, bool) or not isinstance(target_l0, int | Sequence | Tensor):
        raise ValueError(f"target_l0 is {target_l0!r}; give one whole number, or one for each signal")
    if isinstance(target_l0, int):
        if target_l0 < 1:
            raise ValueError(f"target_l0 is {target_l0}; a code needs 1 atom or more")
        l0 = torch.full((n,), target_l0, dtype=torch.long)
    else:
        l0 = torch.as_tensor(target_l0)
        if l0.is_floating_point() or l0.is_complex() or l0.dtype == torch.bool:
            raise ValueError(f"target_l0 is of {l0.dtype}; it must be of whole numbers")
        if l0.shape != (n,):
            raise ValueError(f"target_l0 has shape {tuple(l0.shape)}, but there are {n} signals; give one for each")
    l0 = l0.to(signals.device, torch.long)
    if n and int(l0.min()) < 0:
        raise ValueError(f"target_l0 holds {int(l0.min())}; no code has fewer than 0 atoms")
    if n and int(l0.max()) > width:
        raise ValueError(f"target_l0 holds {int(l0.max())}, but the dictionary has only {width} atoms")
    excluded = ~torch.isfinite(signals).all(1)
    capped = (l0 > max_l0) & ~excluded
    return L0Targets(l0.clamp(max=max_l0).masked_fill(excluded, 0), excluded, capped)


def _check_matrix(matrix: Tensor, name: str, shape: str) -> None:
    if not isinstance(matrix, Tensor) or not matrix.is_floating_point():
        kind = matrix.dtype if isinstance(matrix, Tensor) else type(matrix).__name__
        raise ValueError(f"{name} must be a tensor of floats, not {kind}")
    if matrix.ndim != 2:
        raise ValueError(f"{name} has shape {tuple(matrix.shape)}; it must be {shape}")


def _computable(matrix: Tensor) -> Tensor:
    matrix = matrix.detach()
    return matrix if matrix.dtype == torch.float64 else matrix.float()


def check_codes(
    indices: Int[Tensor, "n L"], values: Float[Tensor, "n L"], n: int, width: int
) -> tuple[Int[Tensor, "n L"], Float[Tensor, "n L"]]:
    """Codes to begin from; raises ValueError where they do not fit the signals or the dictionary."""
    _check_matrix(values, "values", "(n, L)")
    if indices.shape != values.shape or len(indices) != n:
        raise ValueError(
            f"indices have shape {tuple(indices.shape)} and values {tuple(values.shape)}; both must be ({n}, L)"
        )
    if indices.is_floating_point():
        raise ValueError(f"indices are of {indices.dtype}; they must be whole numbers")
    if bool((values < 0).any()):
        raise ValueError(f"{int((values < 0).sum())} values are negative; a refit is of non-negative codes")
    used = indices[values > 0]
    if len(used) and not 0 <= int(used.min()) <= int(used.max()) < width:
        raise ValueError(
            f"indices run from {int(used.min())} to {int(used.max())}; the dictionary has atoms 0 to {width - 1}"
        )
    return indices.long(), values.detach()
