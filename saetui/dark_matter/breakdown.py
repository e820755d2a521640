"""What the error at one width is made of (2410.14670, breakdown): shares of variance that add up to the FVU.

The names are the paper's reading of the figures. They are hypotheses: a floor can also be features that only far larger
SAEs would learn, and a nonlinear part also something that the SAE brings in.
"""

from dataclasses import dataclass

from saetui.dark_matter.intervals import Estimate, combine


@dataclass(frozen=True)
class Breakdown:
    """Parts of an SAE's FVU, unclipped: noise can make one slightly negative (``clipped`` for plots)."""

    absent_features: Estimate
    """FVU above the floor of the power law: shrinks with width."""
    linear: Estimate
    """Floor above the nonlinear part: linearly predictable, but not removed by width."""
    encoder: Estimate
    """Nonlinear part that pursuit in place of the encoder removes; undefined where no pursuit was made."""
    nonlinear: Estimate
    """Nonlinear part that stays; all of it where no pursuit was made."""

    @property
    def parts(self) -> dict[str, Estimate]:
        """The parts by name, from what width removes to what nothing does."""
        return {
            "absent features": self.absent_features,
            "linear": self.linear,
            "encoder": self.encoder,
            "nonlinear": self.nonlinear,
        }

    @property
    def total(self) -> float:
        """The FVU that the parts add up to."""
        return sum(part.value for part in self.parts.values() if part.value is not None)

    @property
    def clipped(self) -> dict[str, float | None]:
        """The parts with 0 in place of negative ones."""
        return {name: None if part.value is None else max(part.value, 0.0) for name, part in self.parts.items()}


def break_down(
    fvu_sae: Estimate, floor: Estimate, nonlinear: Estimate, nonlinear_after_pursuit: Estimate | None = None
) -> Breakdown:
    """Split the FVU of one SAE.

    ``floor`` is the power law's, ``nonlinear`` the mean over widths of the nonlinear FVU, and
    ``nonlinear_after_pursuit`` the same once pursuit has taken the encoder's place. Raises ValueError where a figure is
    undefined (too few widths for a floor) or where they come from different studies.
    """
    for name, estimate in (("fvu_sae", fvu_sae), ("floor", floor), ("nonlinear", nonlinear)):
        if estimate.value is None:
            raise ValueError(f"{name} is undefined, so there is nothing to break down; a floor needs 4 widths or more")
    after = nonlinear_after_pursuit
    return Breakdown(
        absent_features=combine(_minus, fvu_sae, floor),
        linear=combine(_minus, floor, nonlinear),
        encoder=Estimate(None) if after is None else combine(_minus, nonlinear, after),
        nonlinear=nonlinear if after is None else after,
    )


def _minus(a: float, b: float) -> float:
    return a - b
