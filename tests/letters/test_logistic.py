"""Our regressions are scikit-learn's, at a tolerance at which it has converged."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from saetui.letters.logistic import nested_regressions


def _sklearn(columns: torch.Tensor, positive: torch.Tensor, k: int) -> tuple[np.ndarray, float]:
    model = LogisticRegression(class_weight="balanced", max_iter=20000, tol=1e-10)
    model.fit(columns[:, :k].double().numpy(), positive.numpy())
    return model.coef_[0], float(model.intercept_[0])


def _words(case: str) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    positive = torch.rand(400, generator=generator) < 0.15
    columns = torch.rand(400, 5, generator=generator) * (torch.rand(400, 5, generator=generator) < 0.1)
    columns[:, 0] = torch.where(positive, 3.0, columns[:, 0])
    if case == "separable":
        columns[:, 0] = positive * 30.0
    if case == "large":
        columns *= 200
    if case == "dense":
        columns += 0.5
    return columns, positive


@pytest.mark.parametrize("case", ["sparse", "separable", "large", "dense"])
def test_every_k_reaches_the_optimum_of_scikit_learn(case: str) -> None:
    columns, positive = _words(case)
    ours = nested_regressions(columns, positive, range(1, 6))
    for row, k in enumerate(range(1, 6)):
        coefficients, intercept = _sklearn(columns, positive, k)
        np.testing.assert_allclose(ours.coefficients[row, :k].numpy(), coefficients, rtol=1e-4, atol=1e-5)
        assert float(ours.intercepts[row]) == pytest.approx(intercept, rel=1e-4, abs=1e-5)
        assert not ours.coefficients[row, k:].any()


def test_latents_that_never_fire_say_no_to_every_word() -> None:
    columns = torch.zeros(20, 2)
    columns[:3, 1] = 1.0
    positive = torch.arange(20) < 5
    ours = nested_regressions(columns, positive, [1, 2])
    # Balanced classes and nothing to go by: the logit is 0 exactly, which is no yes.
    assert not ours.logits(columns)[:, 0].any()
    assert ours.logits(columns)[0, 1] > 0


def test_one_class_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="0 of 4 words are positive"):
        nested_regressions(torch.ones(4, 1), torch.zeros(4, dtype=torch.bool), [1])
