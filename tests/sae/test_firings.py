import polars as pl
import pytest
import torch

from saetui.sae.firings import Firings

SURFACES = [" cat", " dog", " can"]


@pytest.fixture
def firings() -> Firings:
    """Latent 0 fires on cat 1, cat 3, dog 4; latent 2 on can 2; latent 1 never; ten tokens in two batches."""
    made = Firings(3, bins=4)
    made.add(torch.tensor([0, 0, 2]), torch.tensor([1.0, 3.0, 2.0]), torch.tensor([0, 0, 2]), 6)
    made.add(torch.tensor([0]), torch.tensor([4.0]), torch.tensor([1]), 4)
    return made


def test_counts_and_densities_are_those_of_the_dense_latents(firings: Firings) -> None:
    frame = firings.statistics(SURFACES, top=2)
    assert frame["latent"].to_list() == [0, 1, 2]
    assert frame["n_fires"].to_list() == [3, 0, 1]
    assert frame["density"].to_list() == [0.3, 0.0, 0.1]
    assert frame["max_activation"].to_list() == [4.0, 0.0, 2.0]
    assert frame["mean_activation"].to_list() == [pytest.approx(8 / 3), None, 2.0]


def test_histogram_bins_are_equal_and_end_at_the_maximum(firings: Firings) -> None:
    assert firings.histograms().tolist() == [[1, 0, 1, 1], [0, 0, 0, 0], [0, 0, 0, 1]]


def test_top_tokens_carry_their_share_of_the_activation(firings: Firings) -> None:
    frame = firings.top_tokens(SURFACES, 2).sort("latent")
    assert frame["latent"].to_list() == [0, 2]
    # Cat and dog both sum to 4: the lower token id comes first.
    assert frame["top_tokens"].to_list() == [[" cat", " dog"], [" can"]]
    assert frame["top_token_share"].to_list() == [[0.5, 0.5], [1.0]]
    assert firings.statistics(SURFACES, top=1)["top_tokens"].to_list() == [[" cat"], None, [" can"]]


def test_merging_along_the_way_changes_nothing(firings: Firings) -> None:
    before = firings.statistics(SURFACES, top=2)
    firings._merge()
    assert firings.statistics(SURFACES, top=2).equals(before)


def test_where_nothing_fires_every_row_is_empty() -> None:
    empty = torch.tensor([], dtype=torch.long)
    made = Firings(2, bins=3)
    made.add(empty, torch.tensor([]), empty, 5)
    frame = made.statistics(SURFACES, top=2)
    assert frame["n_fires"].sum() == 0
    assert frame.schema["top_tokens"] == pl.List(pl.String)
