"""Which SAEs share a line, and the intervals of their points."""

import pytest

from saetui.figures.choice import at_one_site
from saetui.figures.intervals import bootstrap_mean, wilson
from saetui.figures.lines import ARCHITECTURE, SPARSITY, WIDTH, l0_scale, lines


def row(name: str, **values: object) -> dict[str, object]:
    usual = {"width": 512, "k": None, "l0": 30.0, "architecture": "topk", "fvu": 0.1}
    return {"name": name, "model": "m", "hook_name": "h", **usual, **values}


def names(*rows: dict[str, object]) -> list[str]:
    return [line.name for line in lines(rows, SPARSITY, ARCHITECTURE, x="width", y="fvu")]


def test_a_name_has_only_the_traits_that_differ() -> None:
    assert names(row("a", k=4.0), row("b", k=8.0)) == ["k 4", "k 8"]
    assert names(row("a", k=4.0), row("b", k=4.0, architecture="gated")) == ["k 4 · gated", "k 4 · topk"]


def test_saes_without_a_k_are_grouped_by_the_nearest_power_of_two() -> None:
    assert names(row("a", l0=30.0), row("b", l0=35.0, width=1024), row("c", l0=60.0)) == ["L0 ≈ 32", "L0 ≈ 64"]


def test_points_go_from_left_to_right_and_what_is_not_measured_is_left_out() -> None:
    rows = [row("b", width=1024), row("a"), row("c", fvu=None), row("d", fvu=float("nan"))]
    (line,) = lines(rows, WIDTH, x="width", y="fvu")[:1]
    assert [line.name for line in lines(rows, WIDTH, x="width", y="fvu")] == ["512", "1,024"]
    assert [point.label for point in line.points] == ["a"]


def test_the_site_with_most_saes_is_shown_and_named() -> None:
    rows = [row("a"), row("b", hook_name="other"), row("c")]
    chosen, words = at_one_site(rows, None)
    assert [found["name"] for found in chosen] == ["a", "c"]
    assert words == "m, h, one of 2 sites"
    assert [found["name"] for found in at_one_site(rows, "other")[0]] == ["b"]
    assert at_one_site([], None) == ([], "")


@pytest.mark.parametrize(("l0s", "logarithmic"), [((3.6, 3.8), False), ((4.0, 64.0), True), ((0.0, 0.0), False)])
def test_l0s_that_are_close_stand_on_a_linear_axis(l0s: tuple[float, float], logarithmic: bool) -> None:
    drawn = lines([row(str(l0), l0=l0) for l0 in l0s], WIDTH, x="l0", y="fvu")
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
