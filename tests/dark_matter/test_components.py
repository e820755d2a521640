"""What each part of the error costs: all of it where the part is the error, nothing where there is none."""

from dataclasses import replace
from typing import Any

import pytest
import torch

from saetui.dark_matter import ErrorBatch, LinearErrorFit, Reconstructions, TokenSet, decompose_errors, split_contexts
from saetui.dark_matter.components import component_losses
from saetui.regression.statistics import LinearMap
from tests.dark_matter.copy_model import VOCABULARY, CopyModel, ScalingSAE, random_corpus

CORPUS = random_corpus(contexts=20)
SAE = ScalingSAE(0.4)


@pytest.fixture(scope="module")
def fit() -> LinearErrorFit:
    read = Reconstructions(CopyModel(), CORPUS, {"sae": SAE})  # type: ignore[arg-type, dict-item]
    with pytest.warns(UserWarning, match="4 directions"):
        return decompose_errors(read, split_contexts(CORPUS.n_contexts), token_set=read.token_set, n_replicates=5).fits[
            "sae"
        ]


def measure(fit: LinearErrorFit, **settings: Any):  # type: ignore[no-untyped-def]
    return component_losses(
        CopyModel(),  # type: ignore[arg-type]
        SAE,  # type: ignore[arg-type]
        fit,
        CORPUS.token_ids,
        CORPUS.mask,
        batch_size=3,
        n_replicates=50,
        **settings,
    )


def linear_part(fit: LinearErrorFit, share: float) -> LinearErrorFit:
    """A fit whose linear part is a share of the error."""
    weight = 0.6 * share * torch.eye(VOCABULARY, dtype=torch.float64)
    return replace(fit, map=LinearMap(weight, torch.zeros(VOCABULARY, dtype=torch.float64)))


def test_the_whole_error_restores_the_model_and_nothing_restores_nothing(fit: LinearErrorFit) -> None:
    whole, nothing = measure(linear_part(fit, 1.0)), measure(linear_part(fit, 0.0))
    for measured, complete, empty in ((whole, "linear", "nonlinear"), (nothing, "nonlinear", "linear")):
        assert measured.recovered(complete).value == pytest.approx(100, abs=1e-4)
        assert measured.recovered(empty).value == pytest.approx(0, abs=1e-4)
        assert measured.norm_share[complete].value == pytest.approx(1, abs=1e-6)
        assert measured.squared_norm_share[empty].value == pytest.approx(0, abs=1e-6)
    assert whole.losses["with_linear"].value == pytest.approx(whole.losses["clean"].value, abs=1e-6)


def test_putting_back_a_share_of_the_error_recovers_that_share(fit: LinearErrorFit) -> None:
    measured = measure(linear_part(fit, 0.25))
    assert measured.norm_share["linear"].value == pytest.approx(0.25, abs=1e-6)
    assert measured.squared_norm_share["linear"].value == pytest.approx(1 / 16, abs=1e-6)
    recovered = measured.recovered("linear")
    assert 0 < recovered.low < recovered.value < recovered.high < 100
    assert measured.losses["zeroed"].value == pytest.approx(torch.tensor(5.0).log().item(), abs=1e-6)


def test_direct_loss_of_a_fit(fit: LinearErrorFit) -> None:
    measured = measure(fit, first_position=4)
    judged = CORPUS.mask[:, 4:-1] & CORPUS.mask[:, 5:]
    assert measured.n_tokens == int(judged.sum())
    x = torch.eye(VOCABULARY)[CORPUS.token_ids]
    for setting, replaced in {
        "clean": x,
        "reconstructed": 0.4 * x,
        "with_linear": 0.4 * x + fit.linear_error(x.reshape(-1, VOCABULARY)).float().view_as(x),
        "mean_ablated": fit.activation_mean.float().expand_as(x),
    }.items():
        losses = -(10 * replaced).log_softmax(-1)[:, 4:-1].gather(2, CORPUS.token_ids[:, 5:, None])[..., 0]
        assert measured.losses[setting].value == pytest.approx(float(losses[judged].mean()), abs=1e-5)


def test_no_damage_has_nothing_to_recover(fit: LinearErrorFit) -> None:
    measured = component_losses(
        CopyModel(),  # type: ignore[arg-type]
        ScalingSAE(1.0),  # type: ignore[arg-type]
        linear_part(fit, 0.5),
        CORPUS.token_ids,
        CORPUS.mask,
        n_replicates=5,
    )
    assert measured.recovered("linear").value is None


def test_an_sae_of_another_hook_point_is_refused(fit: LinearErrorFit) -> None:
    elsewhere = replace(fit, token_set=TokenSet(hook_name="early"))
    with pytest.raises(ValueError, match="the study is at early, but sae at site"):
        measure(elsewhere)
    with pytest.raises(ValueError, match="no two counted tokens"):
        measure(fit, first_position=19)


def test_rows_of_a_batch_by_slice() -> None:
    batch = ErrorBatch(torch.eye(3), {"a": torch.zeros(3, 3)}, torch.arange(3), torch.arange(3))
    assert len(batch[1:]) == 2
    assert batch[1:].reconstructions["a"].shape == (2, 3)
