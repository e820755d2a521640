"""Against the weights that the authors' function gives (2410.14670)."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from saetui.pursuit import gradient_pursuit, orthogonal_matching_pursuit


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Tensor]:
    return load_file(shared / "reference" / "gradient_pursuit.safetensors")


@pytest.fixture(scope="module")
def residuals(reference: dict[str, Tensor]) -> Tensor:
    return (reference["signals"] - reference["gradient_pursuit_weights"] @ reference["dictionary"]).norm(dim=1)


def test_the_authors_variant_gives_the_authors_weights(reference: dict[str, Tensor]) -> None:
    codes = gradient_pursuit(reference["signals"], reference["dictionary"], reference["target_l0"], "dark_matter")
    weights = codes.to_dense(len(reference["dictionary"]))
    assert torch.equal(weights > 0, reference["gradient_pursuit_weights"] > 0)
    torch.testing.assert_close(weights, reference["gradient_pursuit_weights"], rtol=0, atol=1e-5)


def test_persistent_atoms_never_leave_more(reference: dict[str, Tensor], residuals: Tensor) -> None:
    codes = gradient_pursuit(reference["signals"], reference["dictionary"], reference["target_l0"])
    left = (reference["signals"] - codes.decode(reference["dictionary"])).norm(dim=1)
    assert bool((left <= residuals + 1e-6).all())
    torch.testing.assert_close(codes.residual_norm, left, rtol=1e-5, atol=1e-6)


def test_better_weights_leave_less(reference: dict[str, Tensor], residuals: Tensor) -> None:
    signals, dictionary, targets = (reference[key] for key in ("signals", "dictionary", "target_l0"))
    plain, polished, refitted, orthogonal = (
        gradient_pursuit(signals, dictionary, targets),
        gradient_pursuit(signals, dictionary, targets, polish=10),
        gradient_pursuit(signals, dictionary, targets, refit="nnls"),
        orthogonal_matching_pursuit(signals, dictionary, targets),
    )
    assert bool((polished.residual_norm <= plain.residual_norm + 1e-6).all())
    assert bool((refitted.residual_norm <= polished.residual_norm + 1e-6).all())
    # Signed weights and the choice by absolute product have more to choose from: a bound on average.
    signed = (signals - reference["omp_weights"] @ dictionary).norm(dim=1)
    assert float(orthogonal.residual_norm.mean()) < float(refitted.residual_norm.mean())
    assert bool((refitted.residual_norm <= residuals + 1e-6).all())
    assert float(signed.mean()) > 0
