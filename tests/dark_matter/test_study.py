"""The error study from plain Python, as a notebook runs it: a model, SAEs and a corpus in, findings out, no store."""

from pathlib import Path

import pytest
import torch

from saetui.dark_matter import ErrorFindings, ErrorSettings, norm_baselines, study_errors
from saetui.lm import LanguageModel, TokenizedCorpus, load_corpus, load_model, tokenize
from saetui.sae import SAE
from saetui.sae.architectures.topk import TopKSAE
from tests.jobs.kinds.conftest import HOOK, corpus_file, model_folder  # noqa: F401


@pytest.fixture(scope="module")
def model(model_folder: Path) -> LanguageModel:  # noqa: F811
    return load_model(str(model_folder))


@pytest.fixture(scope="module")
def corpus(corpus_file: Path, model: LanguageModel) -> TokenizedCorpus:  # noqa: F811
    return tokenize(load_corpus(str(corpus_file)), model, context_length=32)


def tied_sae(width: int, k: int) -> SAE:
    """Random unit rows that read and write the same directions."""
    directions = torch.randn(width, 16, generator=torch.Generator().manual_seed(width))
    directions = torch.nn.functional.normalize(directions)
    return TopKSAE(
        W_enc=directions.T.contiguous(),
        W_dec=directions,
        b_dec=torch.zeros(16),
        b_enc=torch.zeros(width),
        latents_kept=k,
        metadata={},
        workbench={},
    )


@pytest.fixture(scope="module")
def found(model: LanguageModel, corpus: TokenizedCorpus) -> ErrorFindings:
    saes = {"wide": tied_sae(64, 2), "narrow": tied_sae(16, 2)}
    return study_errors(model, saes, corpus, HOOK, ErrorSettings(pursuit_tokens=320, loss_contexts=8))


def test_narrow_saes_come_first_and_stand_for_their_widths(found: ErrorFindings) -> None:
    assert list(found.fits) == ["narrow", "wide"]
    assert found.family == {"narrow": 16, "wide": 64}
    assert found.width_norms is not None
    assert len(found.width_norms.pairs) > 0


def test_the_two_components_of_an_error_make_it_up(found: ErrorFindings) -> None:
    for sae_id, of_sae in found.decomposition.tokens.saes.items():
        total, linear, nonlinear = of_sae.error_norm, of_sae.linear_norm, of_sae.nonlinear_norm
        assert bool((total <= (linear + nonlinear) * (1 + 1e-4)).all())
        assert bool((total >= (linear - nonlinear).abs() * (1 - 1e-4) - 1e-4).all())
        fit = found.fits[sae_id]
        assert fit.fvu_nonlinear is not None
        assert fit.fvu_sae is not None
        assert 0 < fit.fvu_nonlinear < fit.fvu_sae


def test_a_pursuit_leaves_less_than_the_encoder_of_a_random_dictionary(found: ErrorFindings) -> None:
    assert sorted(found.pursued) == ["narrow", "wide"]
    for pursued in found.pursued.values():
        before, after = pursued.figures["fvu_same_tokens"].value, pursued.figures["fvu_pursuit"].value
        assert before is not None
        assert after is not None
        assert after < before


def test_losses_of_every_token_are_clean_and_with_each_sae(found: ErrorFindings) -> None:
    assert found.losses is not None
    assert sorted(found.losses.saes) == ["narrow", "wide"]
    assert all(len(loss) == len(found.losses.clean) for loss in found.losses.saes.values())
    assert sorted(found.components) == ["narrow", "wide"]


def test_what_is_not_asked_for_is_not_measured(model: LanguageModel, corpus: TokenizedCorpus) -> None:
    phases: set[str] = set()
    found = study_errors(
        model,
        {"mine": tied_sae(16, 2)},
        corpus,
        HOOK,
        ErrorSettings(pursuit_tokens=0, losses=False),
        progress=lambda phase, *_: phases.add(phase),
    )
    assert phases == {"read"}
    assert (found.losses, found.components, found.pursued, found.width_norms) == (None, {}, {}, None)


def test_norms_are_predicted_without_the_activation_where_that_is_asked_for(
    model: LanguageModel, corpus: TokenizedCorpus
) -> None:
    settings = ErrorSettings(pursuit_tokens=0, losses=False, norm_baselines=True)
    found = study_errors(model, {"mine": tied_sae(16, 2)}, corpus, HOOK, settings)
    alone = norm_baselines(found.decomposition.tokens, "mine")
    assert set(found.norm_baselines["mine"]) == {"activation_norm", "l0", "token_mean"}
    assert found.norm_baselines["mine"] == alone
