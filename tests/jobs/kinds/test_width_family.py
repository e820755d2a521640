"""Which SAEs are compared across widths, and the rows of tokens: change is of those SAEs, hardness of all."""

import math
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
import torch

from saetui.dark_matter import SAETokenErrors, TokenErrors, TokenLosses
from saetui.dark_matter.width_family import family_note, recipe_note, width_family
from saetui.jobs.kinds.errors.token_rows import LEAST_ERROR, nonlinear_share, token_rows
from saetui.recipes import TrainedBy
from store import Store

N = 4


def sae_errors(norm: float, l0: int) -> SAETokenErrors:
    norms = torch.full((N,), norm)
    return SAETokenErrors(norms, norms, norms, norms, l0=torch.full((N,), l0))


def made(**saes: tuple[float, int]) -> TokenErrors:
    """The same tokens in SAEs of the given error norm and L0."""
    return TokenErrors(
        context=torch.zeros(N, dtype=torch.long),
        position=torch.arange(N),
        token_id=torch.arange(N),
        held_out=torch.ones(N, dtype=torch.bool),
        activation_norm=torch.full((N,), 10.0),
        saes={name: sae_errors(norm, l0) for name, (norm, l0) in saes.items()},
    )


def test_of_several_saes_of_a_width_the_one_of_the_others_l0() -> None:
    tokens = made(narrow=(8.0, 2), wide=(4.0, 2), wide_dense=(1.0, 8), widest_dense=(0.5, 8), widest=(2.0, 2))
    widths = {"narrow": 8, "wide": 16, "wide_dense": 16, "widest_dense": 32, "widest": 32}
    assert width_family(widths, tokens) == ["narrow", "wide", "widest"]
    assert family_note(["narrow", "wide", "widest"], tokens) is None


def test_where_every_width_has_several_all_are_of_one_l0() -> None:
    tokens = made(a=(8.0, 2), b=(6.0, 4), c=(5.0, 2), d=(4.0, 4))
    assert width_family({"a": 8, "b": 8, "c": 16, "d": 16}, tokens) == ["b", "d"]


def test_a_family_of_unequal_l0_is_said_to_be_one() -> None:
    tokens = made(narrow=(8.0, 2), wide=(4.0, 8))
    note = family_note(width_family({"narrow": 8, "wide": 16}, tokens), tokens)
    assert note is not None
    assert "L0 2.0 to 8.0" in note


def recipe(**changed: object) -> TrainedBy:
    usual = {"architecture": "topk", "corpus": "c", "tokens": 1000, "batch_size": 10, "context_length": 32}
    more = {"max_tokens": None, "dtype": "float32", "lr": 0.1, "auxk": None, "dead_tokens": None, "seed": 0}
    return TrainedBy(**(usual | more | {"settings": ()} | changed))  # type: ignore[arg-type]


def test_those_of_the_recipe_with_the_most_widths_are_compared_and_the_others_named() -> None:
    """At the width of 16 the one of the same recipe, though its L0 is further from that of the others."""
    tokens = made(narrow=(8.0, 2), same=(4.0, 3), other=(4.0, 2), wide=(2.0, 2))
    widths = {"narrow": 8, "same": 16, "other": 16, "wide": 32}
    # A learning rate goes by width, and a seed is no other recipe.
    own = {"narrow": recipe(), "same": recipe(lr=0.05), "wide": recipe(lr=0.02, seed=3)}
    recipes = own | {"other": recipe(tokens=9000)}
    family = width_family(widths, tokens, recipes)
    assert family == ["narrow", "same", "wide"]
    note = recipe_note(family, widths, recipes)
    assert note is not None
    assert "1 of another is left out" in note
    assert "1,000 tokens and 9,000 tokens" in note
    assert recipe_note(family, {name: widths[name] for name in own}, own) is None
    # Nothing is known of SAEs from elsewhere, and nothing said.
    assert width_family(widths, tokens) == ["narrow", "other", "wide"]
    assert recipe_note(["narrow", "other", "wide"], widths, {}) is None


def test_where_no_recipe_has_two_widths_all_are_compared_and_said_to_be_mixed() -> None:
    tokens = made(narrow=(8.0, 2), wide=(4.0, 2), wider=(2.0, 2))
    widths = {"narrow": 8, "wide": 16, "wider": 32}
    recipes = {"narrow": recipe(), "wide": recipe(tokens=2000), "wider": None}
    family = width_family(widths, tokens, recipes)
    assert family == ["narrow", "wide", "wider"]
    note = recipe_note(family, widths, recipes)
    assert note is not None
    assert "different recipes (1,000 tokens and 2,000 tokens, some of a recipe that is not known)" in note


def test_change_and_slope_are_of_the_family_and_hardness_of_all() -> None:
    tokens = made(narrow=(8.0, 2), wide=(4.0, 2), wide_dense=(0.25, 8))
    rows = token_rows("s", ["narrow", "wide", "wide_dense"], {"narrow": 8, "wide": 32}, tokens, None, variance=1.0)
    assert rows["change"].to_list() == [-4.0] * N
    assert rows["slope"].to_list() == pytest.approx([math.log2(4 / 8) / 2] * N)
    assert rows["hardness"].to_list() == pytest.approx([(8 + 4 + 0.25) / 3] * N)


def test_a_family_of_one_has_no_slope() -> None:
    tokens = made(narrow=(8.0, 2), dense=(1.0, 8))
    rows = token_rows("s", ["narrow", "dense"], {"narrow": 8}, tokens, None, variance=1.0)
    assert rows["change"].to_list() == [0.0] * N
    assert rows["slope"].to_list() == [None] * N
    assert rows.schema["slope"] == pl.Float32


def test_a_loss_that_is_not_a_number_is_left_open() -> None:
    tokens = made(narrow=(8.0, 2), wide=(4.0, 2))
    clean = torch.tensor([1.0, 2.0, 3.0])
    wide = torch.tensor([1.5, torch.nan, 3.0])
    losses = TokenLosses(tokens.context[:3], tokens.position[:3], clean, {"narrow": clean, "wide": wide})
    rows = token_rows("s", ["narrow", "wide"], {"narrow": 8, "wide": 32}, tokens, losses, variance=1.0)
    assert rows["clean_loss"].to_list() == [1.0, 2.0, 3.0, None]
    assert rows["loss"].to_list() == [[1.0, 1.5], [2.0, None], [3.0, 3.0], None]
    assert rows["damage"].to_list() == [0.25, None, 0.0, None]


def test_tokens_of_equal_activations_are_counted_and_a_held_out_one_stands_for_them() -> None:
    tokens = TokenErrors(
        context=torch.tensor([0, 1, 2, 3]),
        position=torch.tensor([1, 1, 1, 5]),
        token_id=torch.tensor([7, 7, 7, 8]),
        held_out=torch.tensor([False, True, True, False]),
        activation_norm=torch.full((4,), 10.0),
        saes={"narrow": sae_errors(8.0, 2), "wide": sae_errors(4.0, 2)},
    )
    rows = token_rows("s", ["narrow", "wide"], {"narrow": 8, "wide": 32}, tokens, None, variance=1.0)
    assert rows["n_equal"].to_list() == [3, 3, 3, 1]
    assert rows["equal_to"].to_list() == [1 << 16 | 1] * 3 + [3 << 16 | 5]


def test_a_token_with_another_error_in_any_sae_is_not_equal() -> None:
    tokens = made(narrow=(8.0, 2), wide=(4.0, 2))
    same = torch.zeros(N, dtype=torch.long)
    norms = torch.tensor([4.0, 4.0, 4.5, 4.0])
    other = SAETokenErrors(norms, torch.full((N,), 4.0), torch.full((N,), 4.0), norms, l0=same)
    tokens = replace(tokens, token_id=same, saes={**tokens.saes, "wide": other})
    rows = token_rows("s", ["narrow", "wide"], {"narrow": 8, "wide": 32}, tokens, None, variance=1.0)
    assert rows["n_equal"].to_list() == [3, 3, 1, 3]


NORMS = (
    # Error, linear and nonlinear norms by SAE, and the share.
    ((5.0, 4.0), (3.0, 2.4), (4.0, 3.2), 0.64),
    # A wide SAE that leaves next to nothing does not make the share of both together large.
    ((5.0, 0.01), (3.0, 0.5), (4.0, 0.5), 16.25 / 25.0001),
    # Negligible: under 1 % of the variance of 100 in the mean.
    ((0.9, 0.9), (0.5, 0.5), (0.8, 0.8), None),
    ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0), None),
    # The parts are longer than the error, and cancel.
    ((2.0, 2.0), (5.0, 5.0), (4.0, 4.0), None),
    ((2.0, 2.0), (2.5, 2.5), (1.5, 1.5), None),
)


def test_a_share_is_given_where_the_error_is_not_negligible_and_its_parts_do_not_cancel(tmp_path: Path) -> None:
    """In a study that is made, and of one that was made before: the store says the same."""
    error, linear, nonlinear = (torch.tensor([row[part] for row in NORMS]) for part in range(3))
    shares = nonlinear_share(error, linear, nonlinear, variance=100.0).to_list()
    expected = [share if share is None else pytest.approx(share, rel=1e-4) for *_, share in NORMS]
    assert shares == expected
    with Store.open(tmp_path / "store", create=True) as store:
        assert store.fetch("SELECT least_error()").rows == [(LEAST_ERROR,)]
        sql = "SELECT nonlinear_share_of($error, $linear, $nonlinear, 100.0)"
        in_sql = [
            store.fetch(sql, error=list(e), linear=list(part), nonlinear=list(n)).rows[0][0] for e, part, n, _ in NORMS
        ]
    assert in_sql == expected
