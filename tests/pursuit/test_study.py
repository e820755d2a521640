"""The pursuit study from plain Python, as a notebook runs it: a model, an SAE and tokens in, findings out, no store."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from saetui.letters import LetterWords, WordSettings
from saetui.lm import LanguageModel, TokenizedCorpus, load_corpus, load_model, tokenize
from saetui.pursuit.change_map import ChangeSample, fit_change_map
from saetui.pursuit.encoders import Encoders
from saetui.pursuit.exceptions import PursuitError
from saetui.pursuit.named_tokens import NamedTokens, random_places, tokens_at_places, tokens_of_words
from saetui.pursuit.study import LinearPart, study_pursuit
from saetui.regression.statistics import LinearMap
from saetui.sae.architectures.topk import TopKSAE
from tests.jobs.kinds.conftest import HOOK, corpus_file, model_folder  # noqa: F401

D = 16


@pytest.fixture(scope="module")
def model(model_folder: Path) -> LanguageModel:  # noqa: F811
    return load_model(str(model_folder))


@pytest.fixture(scope="module")
def corpus(corpus_file: Path, model: LanguageModel) -> TokenizedCorpus:  # noqa: F811
    return tokenize(load_corpus(str(corpus_file)), model, context_length=32)


def encoders(k: int = 3) -> Encoders:
    """The unit vectors and their opposites: any activation is a sum of 16 of them, and 3 keep its 3 largest values."""
    directions = torch.cat([torch.eye(D), -torch.eye(D)])
    sae = TopKSAE(
        W_enc=directions.T.contiguous(),
        W_dec=directions,
        b_dec=torch.zeros(D),
        b_enc=torch.zeros(2 * D),
        latents_kept=k,
        metadata={},
        workbench={},
    )
    return Encoders(sae)


def test_in_an_orthonormal_dictionary_pursuit_leaves_what_the_encoder_leaves(
    model: LanguageModel, corpus: TokenizedCorpus
) -> None:
    places = random_places(corpus, 20, held_out=torch.tensor([3, 20]), seed=0)
    assert {context for context, _ in places} == {3, 20}
    tokens = tokens_at_places(model, corpus, HOOK, places)
    told: list[tuple[int, int]] = []
    found = study_pursuit(encoders(), tokens, progress=lambda done, total, _: told.append((done, total)))
    rest = tokens.activations.abs().sort(dim=1).values[:, :-3].norm(dim=1).double()
    torch.testing.assert_close(found.errors_before.total, rest, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.errors_after.total, rest, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found.residuals[:, -1].double(), rest, rtol=1e-3, atol=1e-4)
    assert found.fvu_before[1] is None  # Nothing is known of a linear part.
    assert told[-1][0] == told[-1][1]


def test_all_latents_leave_nothing_and_words_are_pursued_in_their_prompts(model: LanguageModel) -> None:
    words = LetterWords(model, WordSettings(examples=5))
    tokens = tokens_of_words(words, HOOK, [" axb", " bod"])
    assert tokens.context.tolist() == [-1, -1]
    found = study_pursuit(encoders(), tokens, l0=D)
    assert float(found.errors_after.total.max()) == pytest.approx(0, abs=1e-4)
    with pytest.raises(PursuitError, match="' xyzzy' is not one of the"):
        tokens_of_words(words, HOOK, [" xyzzy"])


def test_errors_are_split_by_what_is_known_of_their_linear_part(model: LanguageModel, corpus: TokenizedCorpus) -> None:
    tokens = tokens_at_places(model, corpus, HOOK, [(0, 1), (1, 4), (5, 2)])
    zero = LinearMap(torch.zeros(D, D, dtype=torch.float64), torch.zeros(D, dtype=torch.float64))
    mean = torch.zeros(D, dtype=torch.float64)
    found = study_pursuit(encoders(), tokens, linear=LinearPart(zero, mean, zero))
    assert found.errors_before.nonlinear is not None
    assert found.errors_after.nonlinear is not None
    torch.testing.assert_close(found.errors_before.nonlinear, found.errors_before.total)
    torch.testing.assert_close(found.errors_after.nonlinear, found.errors_after.total)
    torch.testing.assert_close(found.deviation, tokens.activations.double().norm(dim=1))


def test_what_a_pursuit_of_all_latents_changes_is_the_linear_map_of_the_encoders_error(
    model: LanguageModel, corpus: TokenizedCorpus
) -> None:
    sample = ChangeSample.of(corpus, D, held_out=torch.tensor([0]), n=200, seed=0)
    assert sample.is_enough
    assert 0 not in sample.contexts
    # The SAE reconstructs everything, and so does the pursuit: nothing changes.
    found = fit_change_map(model, corpus, HOOK, encoders(k=D), sample, l0=D)
    assert float(found.weight.abs().max()) == pytest.approx(0, abs=1e-3)


def test_tokens_that_are_not_finite_are_left_out(model: LanguageModel, corpus: TokenizedCorpus) -> None:
    tokens = tokens_at_places(model, corpus, HOOK, [(0, 1), (1, 4), (5, 2)])
    holed = replace(tokens, activations=tokens.activations.clone())
    holed.activations[1, 3] = torch.nan
    found = study_pursuit(encoders(), holed)
    assert (found.rows.tolist(), found.n_excluded) == ([0, 2], 1)
    nothing = NamedTokens(torch.full((1, D), torch.nan), *(torch.zeros(1, dtype=torch.long),) * 3)
    with pytest.raises(PursuitError, match="none of the 1 tokens"):
        study_pursuit(encoders(), nothing)
