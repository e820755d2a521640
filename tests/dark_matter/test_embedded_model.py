"""The study on a real model: everything that is asked of a language model and of SAEs, once."""

import pytest
import torch

from saetui.dark_matter import (
    EarlierReconstructions,
    Reconstructions,
    component_losses,
    decompose_errors,
    predict_from_earlier,
    split_contexts,
    token_losses,
)
from saetui.lm import TokenizedCorpus, load_model
from saetui.sae import SAE
from saetui.sae.architectures.topk import TopKSAE
from saetui.sae.training.initialization import random_unit_rows

CONTEXTS, LENGTH = 24, 48


def make_sae(hook_name: str, d_in: int, seed: int) -> SAE:
    decoder = random_unit_rows(4 * d_in, d_in, seed)
    return TopKSAE(
        W_enc=0.5 * decoder.T.contiguous(),
        W_dec=decoder,
        b_enc=torch.zeros(4 * d_in),
        b_dec=torch.zeros(d_in),
        latents_kept=16,
        metadata={"hook_name": hook_name},
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::saetui.dark_matter.ErrorsWarning")
def test_study_of_an_untrained_sae() -> None:
    model = load_model("embedded")
    tokens = torch.randint(5, model.vocabulary_size, (CONTEXTS, LENGTH), generator=torch.Generator().manual_seed(0))
    mask = torch.arange(LENGTH).expand(CONTEXTS, -1) > 0
    corpus = TokenizedCorpus("random", "random", "", tokens, mask, torch.full((CONTEXTS,), LENGTH), "")
    sae = make_sae("blocks.1.hook_resid_post", model.d_model, 0)
    split = split_contexts(CONTEXTS)
    read = Reconstructions(model, corpus, {"sae": sae})
    study = decompose_errors(read, split, token_set=read.token_set, n_replicates=20)
    fit = study.fits["sae"]
    assert len(study.tokens) == CONTEXTS * (LENGTH - 1)
    assert fit.fvu_sae is not None
    assert 0 < fit.fvu_sae < 1

    held_out, counted = tokens[split.test], mask[split.test]
    losses = component_losses(model, sae, fit, held_out, counted, n_replicates=20)
    by_token = token_losses(model, {"sae": sae}, held_out, counted, contexts=split.test)
    assert losses.losses["clean"].value == pytest.approx(float(by_token.clean.mean()), rel=1e-5)
    assert losses.losses["reconstructed"].value == pytest.approx(float(by_token.saes["sae"].mean()), rel=1e-5)
    # On held-out tokens the parts are nearly uncorrelated, so their shares add up to about 1.
    shares = [losses.squared_norm_share[part].value for part in ("linear", "nonlinear")]
    assert sum(shares) == pytest.approx(1, abs=0.2)  # type: ignore[arg-type]
    assert set(by_token.context.tolist()) == set(split.test.tolist())

    earlier = {"before": make_sae("blocks.0.hook_resid_post", model.d_model, 1)}
    found = predict_from_earlier(EarlierReconstructions(model, corpus, sae, earlier), fit, split, n_replicates=20)
    # What comes before a layer says much about what comes after it.
    assert found.r2["before"]["error"].value > 0.1  # type: ignore[operator]
