"""The stream of activations."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import saetui.lm.tokens
from saetui.lm import Corpus, Document, HookPointError, LanguageModel, TokenizedCorpus, harvest, load_model, tokenize

Loader = Callable[[str], LanguageModel]
HOOKS = ["blocks.0.attn.hook_z", "blocks.1.hook_resid_post"]


@pytest.fixture(autouse=True)
def _cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(saetui.lm.tokens, "user_cache_path", lambda _: tmp_path)


def tokens_of(model: LanguageModel) -> TokenizedCorpus:
    """Seven contexts of ten tokens, the last one padded, with a separator in the middle of the first."""
    texts = ["abcd", "the quick brown fox jumps over the lazy dog and runs"]
    documents = [Document(str(i), text) for i, text in enumerate(texts)]
    return tokenize(Corpus("t", "t", lambda: iter(documents), lambda: "t"), model, context_length=10)


@pytest.mark.parametrize("family", ["gpt2", "qwen2", "bert"])
@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_every_token_that_counts_comes_once_and_in_order(
    batch_size: int | None, family: str, tiny_model: Loader
) -> None:
    model = tiny_model(family)
    corpus = tokens_of(model)
    batches = list(harvest(model, corpus, HOOKS, batch_size=batch_size))
    context = torch.cat([batch.context for batch in batches])
    position = torch.cat([batch.position for batch in batches])
    expected = corpus.mask.nonzero()
    assert torch.equal(torch.stack([context, position], 1), expected)
    assert torch.equal(torch.cat([b.token_id for b in batches]), corpus.token_ids[context, position])
    assert sum(map(len, batches)) == corpus.n_tokens == 56
    for name in HOOKS:
        read = torch.cat([batch.activations[name] for batch in batches])
        alone = torch.stack(
            [
                model.activations(corpus.token_ids[c : c + 1, : corpus.lengths[c]], name)[0, p]
                for c, p in expected.tolist()
            ]
        )
        torch.testing.assert_close(read, alone)


def test_chosen_contexts_in_the_order_given(gpt2: LanguageModel) -> None:
    corpus = tokens_of(gpt2)
    (batch,) = harvest(gpt2, corpus, HOOKS[1], contexts=[4, 0])
    assert batch.context.unique_consecutive().tolist() == [4, 0]
    assert list(harvest(gpt2, corpus, HOOKS[1], contexts=[])) == []


def test_later_layers_are_never_called(tiny_folder: Callable[[str], Path]) -> None:
    model = load_model(tiny_folder("llama"))
    model.bridge.blocks[2].register_forward_pre_hook(lambda *_: pytest.fail("the last block ran"))
    assert len(list(harvest(model, tokens_of(model), HOOKS))) == 1


def test_an_unknown_hook_point_is_told_before_anything_runs(gpt2: LanguageModel) -> None:
    with pytest.raises(HookPointError, match=r"Nearest: blocks.1.hook_resid_post"):
        harvest(gpt2, tokens_of(gpt2), ["blocks.1.hook_resid_pst"])
    with pytest.raises(ValueError, match="at least one"):
        harvest(gpt2, tokens_of(gpt2), [])
