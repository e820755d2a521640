"""The error predicted from outputs of earlier SAEs that caused a known part of it."""

from collections.abc import Iterable

import pytest
import torch
from jaxtyping import Int
from torch import Tensor

from saetui.dark_matter import LinearErrorFit, fit_linear_error, split_contexts
from saetui.dark_matter.earlier_saes import EarlierBatch, EarlierReconstructions, predict_from_earlier
from tests.dark_matter.copy_model import CopyModel, ScalingSAE, random_corpus

CONTEXTS, LENGTH, D = 60, 50, 4
SPLIT = split_contexts(CONTEXTS)


class Planted:
    """Error = 0.3 x + what comes from ``cause`` + noise, in equal variances; ``other`` has no part in it."""

    def __init__(self, width: int = 6) -> None:
        generator = torch.Generator().manual_seed(0)
        n = CONTEXTS * LENGTH
        self.context = torch.arange(CONTEXTS).repeat_interleave(LENGTH)
        self.x, noise = torch.randn(n, D, generator=generator), torch.randn(n, D, generator=generator)
        self.cause = torch.randn(n, width, generator=generator)
        self.other = torch.randn(n, 3, generator=generator)
        mixing = torch.linalg.qr(torch.randn(width, D, generator=generator)).Q
        self.error = 0.3 * (self.x + self.cause @ mixing + noise)

    def fit(self) -> LinearErrorFit:
        train = torch.isin(self.context, SPLIT.train)
        return fit_linear_error(self.x, self.x - self.error, train, contexts=self.context, n_replicates=5)

    def read(self, contexts: Int[Tensor, " m"]) -> Iterable[EarlierBatch]:
        for some in contexts.split(7):
            rows = torch.isin(self.context, some)
            earlier = {"cause": self.cause[rows], "other": self.other[rows]}
            yield EarlierBatch(self.x[rows], (self.x - self.error)[rows], earlier, self.context[rows])


def test_each_source_explains_what_it_caused() -> None:
    planted = Planted()
    found = predict_from_earlier(planted.read, planted.fit(), SPLIT, n_replicates=50)
    assert set(found.r2) == {"cause", "other", "all", "own"}
    for source in ("cause", "all"):
        assert found.r2[source]["error"].value == pytest.approx(1 / 3, abs=0.03)
        assert found.r2[source]["nonlinear"].value == pytest.approx(1 / 2, abs=0.03)
        assert found.r2[source]["linear"].value == pytest.approx(0, abs=0.03)
    for part in ("error", "linear", "nonlinear"):
        assert found.r2["other"][part].value == pytest.approx(0, abs=0.03)
    # The reconstruction is 0.7 x - 0.3 (cause + noise).
    assert found.r2["own"]["linear"].value == pytest.approx(0.49 / (0.49 + 0.18), abs=0.03)
    nonlinear = found.r2["cause"]["nonlinear"]
    assert nonlinear.low < 1 / 2 < nonlinear.high  # type: ignore[operator]
    assert (found.n_train, found.n_test, found.notes) == (1800, 1200, ())
    assert found.ridge["cause"] == 1e-6


def test_many_predictors_get_a_ridge_that_was_chosen_elsewhere() -> None:
    planted = Planted(width=600)
    found = predict_from_earlier(planted.read, planted.fit(), SPLIT, n_replicates=5)
    assert found.ridge["cause"] > 1e-6
    assert found.ridge["other"] == 1e-6
    assert "cause: 1,800 train tokens for 600 predictors are fewer than 10 each" in found.notes[0]
    nonlinear = found.r2["cause"]["nonlinear"].value
    assert nonlinear is not None
    # Plain least squares would lose 600 / 1,440 of the noise's variance and more; the ridge keeps most.
    assert 0.2 < nonlinear < 0.5


def test_rows_that_are_not_finite_are_left_out() -> None:
    planted = Planted()
    fit = planted.fit()
    planted.cause[7], planted.x[90] = torch.nan, torch.inf
    assert predict_from_earlier(planted.read, fit, SPLIT, n_replicates=5).excluded_rows == 2


def test_sides_without_tokens_are_refused() -> None:
    planted = Planted()
    with pytest.raises(ValueError, match="train contexts hold no"):
        predict_from_earlier(lambda _: [], planted.fit(), SPLIT)
    with pytest.raises(ValueError, match="test contexts hold no"):
        predict_from_earlier(lambda c: [] if torch.equal(c, SPLIT.test) else planted.read(c), planted.fit(), SPLIT)


def test_earlier_outputs_are_read_from_the_model() -> None:
    corpus = random_corpus()
    read = EarlierReconstructions(
        CopyModel(),  # type: ignore[arg-type]
        corpus,
        ScalingSAE(0.5),  # type: ignore[arg-type]
        {"before": ScalingSAE(0.1, "early")},  # type: ignore[dict-item]
        first_position=5,
    )
    (batch,) = read(torch.tensor([0, 1]))
    assert len(batch.context) == 30
    torch.testing.assert_close(batch.reconstructions, 0.5 * batch.activations)
    torch.testing.assert_close(batch.earlier["before"], 0.2 * batch.activations)


def test_an_earlier_sae_must_come_earlier() -> None:
    def read(sae: ScalingSAE, **earlier: ScalingSAE) -> None:
        EarlierReconstructions(CopyModel(), random_corpus(), sae, earlier)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="late is at site, which does not come before early"):
        read(ScalingSAE(1.0, "early"), late=ScalingSAE(1.0))
    with pytest.raises(ValueError, match="before does not say which hook point"):
        read(ScalingSAE(1.0), before=ScalingSAE(1.0, None))
    with pytest.raises(ValueError, match="cannot be called 'own'"):
        read(ScalingSAE(1.0), own=ScalingSAE(1.0, "early"))
