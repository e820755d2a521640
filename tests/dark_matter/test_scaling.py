"""Power law, plateau and breakdown where the answer is known."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from saetui.dark_matter import LinearErrorFit, TokenSet, fit_linear_error
from saetui.dark_matter.breakdown import break_down
from saetui.dark_matter.intervals import Estimate
from saetui.dark_matter.scaling import fit_plateau, fit_power_law, width_scaling

WIDTHS = [2**i for i in range(14, 21)]


@pytest.mark.parametrize(("floor", "scale", "exponent"), [(0.1, 0.9, 0.2), (0.0, 2.0, 0.5), (0.3, 40.0, 1.0)])
def test_an_exact_law_is_found(floor: float, scale: float, exponent: float) -> None:
    law = fit_power_law(WIDTHS, [floor + scale * width**-exponent for width in WIDTHS])
    assert law is not None
    assert (law.floor, law.scale, law.exponent) == pytest.approx((floor, scale, exponent), abs=1e-3)
    assert law.residuals == pytest.approx([0] * 7, abs=1e-9)
    assert law.floors_without == pytest.approx([floor] * 7, abs=1e-3)
    assert law.floor_low <= law.floor <= law.floor_high
    assert law(2**16) == pytest.approx(floor + scale * 2 ** (-16 * exponent), abs=1e-6)


def test_noise_widens_the_jack_knife_interval() -> None:
    noise = 0.003 * np.random.default_rng(0).standard_normal(7)
    exact = np.array([0.1 + 0.9 * width**-0.2 for width in WIDTHS])
    noisy, noisier = (fit_power_law(WIDTHS, (exact + n).tolist()) for n in (noise, 3 * noise))
    assert noisy is not None
    assert noisier is not None
    assert 0 < noisy.floor_error < noisier.floor_error
    assert noisy.floor_low <= 0.1 <= noisy.floor_high


def test_a_missing_width_is_dropped_with_its_figure() -> None:
    fvus: list[float | None] = [0.1 + 0.9 * width**-0.2 for width in WIDTHS]
    fvus[2] = None
    law = fit_power_law(WIDTHS, fvus)
    assert law is not None
    assert law.widths == tuple(WIDTHS[:2] + WIDTHS[3:])
    assert law.floor == pytest.approx(0.1, abs=1e-3)


def test_order_does_not_matter() -> None:
    fvus = [0.1 + 0.9 * width**-0.2 + 0.001 * (i % 2) for i, width in enumerate(WIDTHS)]
    assert fit_power_law(WIDTHS, fvus) == fit_power_law(WIDTHS[::-1], fvus[::-1])


@pytest.mark.parametrize("n", [0, 3])
def test_three_widths_identify_no_law(n: int) -> None:
    assert fit_power_law(WIDTHS[:n], [0.5, 0.4, 0.35][:n]) is None


def test_error_that_rises_with_width_is_all_floor() -> None:
    law = fit_power_law(WIDTHS, [0.1 + 0.01 * i for i in range(7)])
    assert law is not None
    assert law.scale == 0
    assert law.floor == pytest.approx(0.13)


def test_widths_and_fvus_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="7 widths and 1 FVUs"):
        fit_power_law(WIDTHS, [0.1])
    with pytest.raises(ValueError, match="width 4"):
        fit_power_law([4, 4], [0.1, 0.1])
    with pytest.raises(ValueError, match="FVU is at least 0"):
        fit_power_law([4, 8], [0.1, -0.1])


def test_a_line_is_a_plateau_where_it_hardly_moves() -> None:
    flat = fit_plateau([2, 4, 8, 16], [0.1, 0.102, None, 0.1])
    assert flat is not None
    assert flat.flat
    assert flat.widths == (2, 4, 16)
    falling = fit_plateau([2, 4, 8, 16], [0.4, 0.3, 0.2, 0.1])
    assert falling is not None
    assert (falling.slope, falling.mean) == pytest.approx((-0.1, 0.25))
    assert not falling.flat
    assert fit_plateau([2, 4], [0.1, None]) is None


def fits(token_sets: dict[int, TokenSet] | None = None) -> dict[int, LinearErrorFit]:
    """Errors of deviation 0.5 · W^-1/2 above 0.2, with a third of their variance linear in x."""
    generator = torch.Generator().manual_seed(0)
    x, noise = (torch.randn(4000, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    contexts = torch.arange(4000) // 40
    measured = {}
    for width in (4, 16, 64, 256, 1024):
        variance = 0.04 + 0.25 / width
        error = (variance / 3) ** 0.5 * x + (2 * variance / 3) ** 0.5 * noise
        fit = fit_linear_error(x, x - error, contexts < 60, contexts=contexts, n_replicates=40)
        measured[width] = replace(fit, name=f"w{width}", token_set=(token_sets or {}).get(width, TokenSet()))
    return measured


def test_scaling_of_measured_saes() -> None:
    scaling = width_scaling(fits())
    assert scaling.law is not None
    assert scaling.floor.value == pytest.approx(scaling.law.floor, abs=1e-9)
    assert scaling.floor.value == pytest.approx(0.04, abs=0.005)
    assert scaling.floor.low < scaling.floor.value < scaling.floor.high  # type: ignore[operator]
    assert scaling.plateau is not None
    assert scaling.nonlinear.value == pytest.approx(scaling.plateau.mean)
    assert not scaling.plateau.flat
    assert scaling.nonlinear_slope.value == pytest.approx(scaling.plateau.slope)
    assert scaling.nonlinear_slope.high < 0  # type: ignore[operator]


def test_too_few_saes_have_no_floor() -> None:
    some = fits()
    scaling = width_scaling({4: some[4], 16: some[16]})
    assert scaling.law is None
    assert scaling.floor.value is None
    assert scaling.plateau is not None


def test_saes_of_two_studies_have_no_scaling() -> None:
    with pytest.raises(ValueError, match="w4 and w64 cannot be put together"):
        width_scaling(fits({64: TokenSet(tokens="other text")}))


def test_parts_add_up_to_the_error() -> None:
    fvu = Estimate(0.31, np.array([0.3, 0.32]))
    floor = Estimate(0.123, np.array([0.12, 0.13]))
    nonlinear = Estimate(0.1234, np.array([0.12, 0.11]))
    after = Estimate(0.09, np.array([0.08, 0.1]))
    parts = break_down(fvu, floor, nonlinear, after)
    assert parts.total == pytest.approx(0.31, abs=1e-9)
    assert parts.absent_features.value == pytest.approx(0.187)
    assert parts.linear.value == pytest.approx(-0.0004)
    assert parts.clipped["linear"] == 0
    assert parts.encoder.value == pytest.approx(0.0334)
    assert parts.absent_features.low == pytest.approx(0.18, abs=1e-3)
    without = break_down(fvu, floor, nonlinear)
    assert without.total == pytest.approx(0.31, abs=1e-9)
    assert without.encoder.value is None
    assert without.nonlinear.value == nonlinear.value
    with pytest.raises(ValueError, match="floor is undefined"):
        break_down(fvu, Estimate(None), nonlinear)
