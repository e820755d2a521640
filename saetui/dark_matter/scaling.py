"""How error falls with width: a power law above a floor, and whether the nonlinear part does (2410.14670, scaling)."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saetui.dark_matter.error_fit import LinearErrorFit
from saetui.dark_matter.intervals import Estimate, combine
from saetui.dark_matter.token_set import require_same_tokens

# With three widths the law fits every point exactly and says nothing.
MIN_WIDTHS = 4
_EXPONENTS = np.geomspace(0.01, 3.0, 300)
_GOLDEN = (math.sqrt(5) - 1) / 2
_REFINEMENTS = 30
# A line that moves less than this share of the mean over all widths is a plateau.
_PLATEAU_SHARE = 0.1

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PowerLaw:
    """FVU(W) ≈ floor + scale · W^-exponent, floor and scale at least 0, exponent in [0.01, 3]."""

    floor: float
    scale: float
    exponent: float
    widths: tuple[int, ...]
    """Those that had a figure, rising."""
    residuals: tuple[float, ...]
    """FVU minus law, in the order of the widths."""
    floors_without: tuple[float, ...]
    """The floor when each width in turn is left out."""

    @property
    def floor_error(self) -> float:
        """Jack-knife standard error of the floor."""
        floors = np.array(self.floors_without)
        n = len(floors)
        return float(np.sqrt((n - 1) / n * np.square(floors - floors.mean()).sum()))

    @property
    def floor_low(self) -> float:
        """Lower end of the 95% jack-knife interval, at least 0."""
        return max(0.0, self.floor - 1.96 * self.floor_error)

    @property
    def floor_high(self) -> float:
        """Upper end of the 95% jack-knife interval."""
        return self.floor + 1.96 * self.floor_error

    def __call__(self, width: int) -> float:
        return self.floor + self.scale * math.pow(width, -self.exponent)


@dataclass(frozen=True)
class Plateau:
    """The nonlinear part of the error over widths."""

    mean: float
    slope: float
    """Change of FVU with every doubling of the width."""
    widths: tuple[int, ...]

    @property
    def flat(self) -> bool:
        """Whether the line through the points changes by less than a tenth of their mean from end to end."""
        doublings = math.log2(self.widths[-1] / self.widths[0])
        return abs(self.slope * doublings) < _PLATEAU_SHARE * self.mean


@dataclass(frozen=True)
class WidthScaling:
    """FVU against width for SAEs of one study."""

    law: PowerLaw | None
    """None with fewer than 4 widths: the law is not identifiable."""
    floor: Estimate
    """The law's floor with its interval over contexts; the jack-knife interval over widths is the law's own."""
    plateau: Plateau | None
    nonlinear: Estimate
    """Mean of the nonlinear FVU over widths."""
    nonlinear_slope: Estimate
    """Its change with every doubling of the width."""


def fit_power_law(widths: Sequence[int], fvus: Sequence[float | None]) -> PowerLaw | None:
    """The least-squares law, or None with fewer than 4 widths that have a figure.

    Raises ValueError for lists of different lengths, a width given twice or below 1, and a negative FVU.
    """
    present = _present(widths, fvus)
    if len(present) < MIN_WIDTHS:
        return None
    w, y = np.array([float(width) for width, _ in present]), np.array([fvu for _, fvu in present])
    floor, scale, exponent = _fit(w, y)
    without = tuple(_fit(np.delete(w, i), np.delete(y, i))[0] for i in range(len(w)))
    residuals = y - floor - scale * w**-exponent
    return PowerLaw(floor, scale, exponent, tuple(width for width, _ in present), tuple(residuals.tolist()), without)


def fit_plateau(widths: Sequence[int], fvus: Sequence[float | None]) -> Plateau | None:
    """Mean, and slope against log2 of the width; None with fewer than 2 widths that have a figure."""
    present = _present(widths, fvus)
    if len(present) < 2:
        return None
    y = np.array([fvu for _, fvu in present])
    known = [width for width, _ in present]
    return Plateau(float(y.mean()), _slope(known, y), tuple(known))


def width_scaling(fits: Mapping[int, LinearErrorFit]) -> WidthScaling:
    """Law and plateau of SAEs by width.

    Raises ValueError, naming two, where they were not measured on the same tokens at the same hook point.
    """
    if not fits:
        raise ValueError("there are no SAEs to compare; give at least one")
    require_same_tokens({fit.name: fit.token_set for fit in fits.values()})
    widths = sorted(fits)
    errors = [fits[width].estimates["fvu_sae"] for width in widths]
    nonlinear = [fits[width].estimates["fvu_nonlinear"] for width in widths]
    present = [(width, error) for width, error in zip(widths, errors, strict=True) if error.value is not None]
    defined = {w: estimate for w, estimate in zip(widths, nonlinear, strict=True) if estimate.value is not None}
    return WidthScaling(
        law=fit_power_law(widths, [error.value for error in errors]),
        floor=_floor([width for width, _ in present], [error for _, error in present]),
        plateau=fit_plateau(widths, [estimate.value for estimate in nonlinear]),
        nonlinear=combine(lambda *fvus: sum(fvus) / len(fvus), *defined.values()) if defined else Estimate(None),
        nonlinear_slope=combine(lambda *fvus: _slope(list(defined), np.array(fvus)), *defined.values())
        if len(defined) > 1
        else Estimate(None),
    )


def _floor(widths: list[int], errors: list[Estimate]) -> Estimate:
    if len(widths) < MIN_WIDTHS:
        return Estimate(None)
    w = np.array([float(width) for width in widths])
    return combine(lambda *fvus: _fit(w, np.array(fvus))[0], *errors)


def _slope(widths: Sequence[int], y: Floats) -> float:
    return float(np.polyfit(np.log2(widths), y, 1)[0])


def _present(widths: Sequence[int], fvus: Sequence[float | None]) -> list[tuple[int, float]]:
    if len(widths) != len(fvus):
        raise ValueError(
            f"{len(widths)} widths and {len(fvus)} FVUs do not go together; give None where one is missing"
        )
    for width, fvu in zip(widths, fvus, strict=True):
        if width < 1 or list(widths).count(width) > 1:
            raise ValueError(f"width {width} is not a width of one SAE; give each width, from 1, once")
        if fvu is not None and not fvu >= 0:
            raise ValueError(f"width {width}: an FVU is at least 0, not {fvu}")
    return sorted((width, fvu) for width, fvu in zip(widths, fvus, strict=True) if fvu is not None)


def _fit(w: Floats, y: Floats) -> tuple[float, float, float]:
    """Floor, scale and exponent: the best exponent of a grid, then golden section between its neighbours."""
    centre = float(np.exp(np.log(w).mean()))
    relative = w / centre  # Keeps powers near 1.

    def squares(exponents: Floats) -> Floats:
        return _non_negative(relative[None, :] ** -exponents[:, None], y)[2]

    best = int(np.argmin(squares(_EXPONENTS)))
    low, high = _EXPONENTS[max(best - 1, 0)], _EXPONENTS[min(best + 1, len(_EXPONENTS) - 1)]
    exponent = _golden_section(lambda m: float(squares(np.array([m]))[0]), float(low), float(high))
    floor, scale, _ = _non_negative(relative[None, :] ** -exponent, y)
    return float(floor[0]), float(scale[0]) * centre**exponent, exponent


def _non_negative(power: Floats, y: Floats) -> tuple[Floats, Floats, Floats]:
    """Non-negative least squares of y on a constant and each row of ``power``: constants, slopes, squared residuals.

    Of two variables there are only the unconstrained solution and one variable alone to compare.
    """
    mean = power.mean(axis=1)
    deviation = power - mean[:, None]
    variance = np.square(deviation).sum(axis=1)
    slope = np.divide(deviation @ y, variance, out=np.zeros_like(mean), where=variance > 0)
    constant = y.mean() - slope * mean
    alone = np.maximum(power @ y / np.square(power).sum(axis=1), 0.0)
    constant, slope = np.where(constant < 0, 0.0, constant), np.where(constant < 0, alone, slope)
    constant, slope = np.where(slope < 0, max(float(y.mean()), 0.0), constant), np.maximum(slope, 0.0)
    return constant, slope, np.square(y - constant[:, None] - slope[:, None] * power).sum(axis=1)


def _golden_section(function: Callable[[float], float], low: float, high: float) -> float:
    """The minimum of a function with one valley."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(_REFINEMENTS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2
