"""Which SAEs share a line, and the intervals of their points."""

from dataclasses import replace

import pytest

from saetui.figures.choice import at_one_site
from saetui.figures.intervals import bootstrap_mean, wilson
from saetui.figures.lines import ARCHITECTURE, SPARSITY, WIDTH, l0_scale, lines
from saetui.figures.recipes import Recipes
from saetui.jobs.demo import learning_rate
from saetui.recipes import TrainedBy, rate_at


def row(name: str, **values: object) -> dict[str, object]:
    usual = {"width": 512, "k": None, "l0": 30.0, "architecture": "topk", "fvu": 0.1}
    return {"name": name, "model": "m", "hook_name": "h", **usual, **values}


def names(*rows: dict[str, object]) -> list[str]:
    return [line.name for line in lines(rows, SPARSITY, ARCHITECTURE, x="width", y="fvu", recipes=None)]


def test_a_name_has_only_the_traits_that_differ() -> None:
    assert names(row("a", k=4.0), row("b", k=8.0)) == ["k 4", "k 8"]
    assert names(row("a", k=4.0), row("b", k=4.0, architecture="gated")) == ["k 4 · gated", "k 4 · topk"]


def test_saes_without_a_k_are_grouped_by_the_nearest_power_of_two() -> None:
    assert names(row("a", l0=30.0), row("b", l0=35.0, width=1024), row("c", l0=60.0)) == ["L0 ≈ 32", "L0 ≈ 64"]


def test_points_go_from_left_to_right_and_what_is_not_measured_is_left_out() -> None:
    rows = [row("b", width=1024), row("a"), row("c", fvu=None), row("d", fvu=float("nan"))]
    (line,) = lines(rows, WIDTH, x="width", y="fvu", recipes=None)[:1]
    assert [line.name for line in lines(rows, WIDTH, x="width", y="fvu", recipes=None)] == ["512", "1,024"]
    assert [point.label for point in line.points] == ["a"]


def recipe(**values: object) -> str:
    usual = TrainedBy("topk", "stdlib", 1_280_000, 512, 128, None, "float32", 0.008, 4, 8000, (), 0)
    return replace(usual, **values).text  # type: ignore[arg-type]


def joined(*rows: dict[str, object]) -> tuple[dict[str, tuple[bool, list[str]]], str]:
    """The lines by name: whether they are joined, and their SAEs; and what is said of the recipes."""
    known = [{**row, "sae_id": row["name"]} for row in rows]
    recipes = Recipes(known)
    drawn = lines(known, SPARSITY, ARCHITECTURE, x="width", y="fvu", recipes=recipes)
    return {line.name: (line.joined, [point.label for point in line.points]) for line in drawn}, recipes.said


def test_a_line_joins_saes_of_one_recipe_only() -> None:
    """As the demo's, whose learning rate goes by width, and one that was trained otherwise."""
    demo = [
        row("narrow", k=4.0, width=512, recipe=recipe()),
        row("other seed", k=4.0, width=1024, recipe=recipe(seed=3)),
        row("wide", k=4.0, width=8192, recipe=recipe(lr=0.004)),
    ]
    assert joined(*demo) == ({"k 4": (True, ["narrow", "other seed", "wide"])}, "")
    later = row("later", k=4.0, width=1024, recipe=recipe(tokens=2_000_000, batch_size=2048))
    found, said = joined(*demo, later)
    assert found == {
        "k 4 · recipe A": (True, ["narrow", "other seed", "wide"]),
        "k 4 · recipe B": (True, ["later"]),
    }
    assert said == (
        "Lines join SAEs of one recipe only: A is 1,280,000 tokens, batch 512, learning rate 0.008 and learning "
        "rate 0.004 (narrow, other seed, wide); B is 2,000,000 tokens, batch 2,048, learning rate 0.008 (later)."
    )


def test_saes_of_one_width_with_several_learning_rates_are_of_several_recipes() -> None:
    found, said = joined(
        row("a", k=4.0, width=512, recipe=recipe()),
        row("b", k=4.0, width=512, recipe=recipe(lr=0.001)),
        row("c", k=4.0, width=1024, recipe=recipe(lr=0.001)),
    )
    assert found == {"k 4 · recipe A": (True, ["a"]), "k 4 · recipe B": (True, ["b", "c"])}
    assert "A is learning rate 0.008 (a); B is learning rate 0.001 (b, c)" in said


def test_saes_of_unknown_recipe_are_points_that_no_line_joins() -> None:
    found, said = joined(row("a", k=4.0), row("b", k=4.0, width=1024, recipe=None))
    assert found == {"k 4 · recipe unknown": (False, ["a", "b"])}
    assert said == (
        "Lines join SAEs of one recipe only: that of a, b is not known, as of SAEs that were trained elsewhere."
    )
    found, said = joined(row("a", k=4.0), row("b", k=4.0, width=1024, recipe=recipe()))
    assert found == {"k 4 · recipe A": (True, ["b"]), "k 4 · recipe unknown": (False, ["a"])}
    assert "A is the only one that is known (b); that of a is not known" in said


def test_the_learning_rate_of_a_recipe_goes_by_width() -> None:
    known = [(512, 0.008), (2048, 0.008), (8192, 0.004)]
    for width in (256, 512, 1024, 4096, 8192, 16384):
        assert rate_at(width, known) == pytest.approx(learning_rate(width), rel=1e-5)
    assert rate_at(1024, [(512, None), (2048, None)]) is None
    assert rate_at(1024, []) is None


def test_the_site_with_most_saes_is_shown_and_named() -> None:
    rows = [row("a"), row("b", hook_name="other"), row("c")]
    chosen, words = at_one_site(rows, None)
    assert [found["name"] for found in chosen] == ["a", "c"]
    assert words == "m, h, one of 2 sites"
    assert [found["name"] for found in at_one_site(rows, "other")[0]] == ["b"]
    assert at_one_site([], None) == ([], "")


@pytest.mark.parametrize(("l0s", "logarithmic"), [((3.6, 3.8), False), ((4.0, 64.0), True), ((0.0, 0.0), False)])
def test_l0s_that_are_close_stand_on_a_linear_axis(l0s: tuple[float, float], logarithmic: bool) -> None:
    drawn = lines([row(str(l0), l0=l0) for l0 in l0s], WIDTH, x="l0", y="fvu", recipes=None)
    assert l0_scale(drawn).logarithmic is logarithmic


def test_wilsons_interval() -> None:
    # Newcombe (1998), table I: 81 of 263.
    assert wilson(81, 263) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))
    low, high = wilson(0, 20) or (1.0, 0.0)
    assert (low, high) == (0.0, pytest.approx(0.1611, abs=1e-4))
    assert wilson(0, 0) is None


def test_the_bootstrap_comes_near_the_normal_interval_and_repeats() -> None:
    values = [index / 99 for index in range(100)]
    low, high = bootstrap_mean(values) or (0.0, 0.0)
    half = 1.96 * 0.2902 / 10
    assert low == pytest.approx(0.5 - half, abs=0.01)
    assert high == pytest.approx(0.5 + half, abs=0.01)
    assert bootstrap_mean(values) == (low, high)
    assert bootstrap_mean([0.5]) is None
