"""The k largest of each row, by every way that the selection takes."""

import pytest
import torch

from saetui.sae.selection import largest


@pytest.mark.parametrize(
    ("n", "m", "k"), [(5, 8, 8), (5, 9, 3), (40, 512, 4), (40, 517, 32), (3, 1000, 256), (1, 64, 1)]
)
@pytest.mark.parametrize("kind", ["normal", "ties", "nan", "equal"])
def test_values_are_those_of_topk(n: int, m: int, k: int, kind: str) -> None:
    rows = torch.randn(n, m, generator=torch.Generator().manual_seed(k))
    if kind == "ties":
        rows = rows.round()
    elif kind == "nan":
        rows[0, 2] = torch.nan
    elif kind == "equal":
        rows = torch.zeros(n, m)
    columns = largest(rows, k)
    assert columns.shape == (n, k)
    assert all(len(set(row)) == k for row in columns.tolist())
    found = rows.gather(1, columns).sort(dim=1, descending=True).values
    torch.testing.assert_close(found, rows.topk(k, dim=1).values, equal_nan=True)


def test_no_rows_give_no_columns() -> None:
    assert largest(torch.zeros(0, 512), 4).shape == (0, 4)


def test_a_view_of_wider_memory_is_selected_from() -> None:
    wide = torch.randn(20, 700)
    rows = wide[:, 50:650]
    found = rows.gather(1, largest(rows, 7)).sort(dim=1, descending=True).values
    assert torch.equal(found, rows.topk(7, dim=1).values)
