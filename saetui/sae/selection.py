"""The k largest entries of each row: the step that costs most beside the encoder's product."""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

_GROUP = 8


def largest(rows: Float[Tensor, "n m"], k: int) -> Int[Tensor, "n k"]:
    """Columns of the k largest of each row, in any order; which of equal ones is unspecified.

    On a CPU narrow selections from wide rows are made in two steps: the k largest stand in the k groups of columns with
    the largest maxima. That and NumPy's vectorised selection take a third of the time of ``topk``.
    """
    rows = rows.detach()
    n_groups = rows.shape[1] // _GROUP
    if rows.device.type != "cpu" or k >= rows.shape[1]:
        return rows.topk(k, dim=1, sorted=False).indices
    return _above_threshold(rows, k) if 2 * k > n_groups else _in_groups(rows, k, n_groups)


def _in_groups(rows: Float[Tensor, "n m"], k: int, n_groups: int) -> Int[Tensor, "n k"]:
    """A group is every n-th column; columns that do not fill a group are looked at one by one."""
    grouped = n_groups * _GROUP
    groups = _above_threshold(torch.unflatten(rows[:, :grouped], 1, (_GROUP, n_groups)).amax(dim=1), k)
    columns = (groups[:, None, :] + torch.arange(0, grouped, n_groups)[None, :, None]).flatten(1)
    if grouped < rows.shape[1]:
        rest = torch.arange(grouped, rows.shape[1]).expand(rows.shape[0], -1)
        columns = torch.cat([columns, rest], dim=1)
    return columns.gather(1, _above_threshold(rows.gather(1, columns), k))


def _above_threshold(rows: Float[Tensor, "n m"], k: int) -> Int[Tensor, "n k"]:
    """The columns that are not below the k-th largest value."""
    array = rows.numpy()
    n, width = array.shape
    threshold = np.partition(array, width - k, axis=1)[:, width - k : width - k + 1]
    row, column = np.divmod(np.flatnonzero(array >= threshold), width)
    # Where the k-th value is tied there are more of them, where it is NaN fewer.
    exact = np.bincount(row, minlength=n) == k
    if exact.all():
        return torch.from_numpy(column.reshape(n, k))
    columns = rows.new_empty(n, k, dtype=torch.long)
    columns[torch.from_numpy(exact)] = torch.from_numpy(column[exact[row]].reshape(-1, k))
    columns[torch.from_numpy(~exact)] = rows[torch.from_numpy(~exact)].topk(k, dim=1, sorted=False).indices
    return columns
