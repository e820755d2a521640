"""Passes where memory runs out: half as many contexts at once, and what is said where not even one fits."""

import logging
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from saetui.dark_matter.downstream import downstream_loss
from saetui.dark_matter.losses import token_losses
from saetui.lm import LanguageModel, TokenizedCorpus, harvest, memory
from saetui.lm.exceptions import ModelError
from saetui.lm.memory import contexts_at_once, in_batches
from saetui.sae.architectures.topk import TopKSAE

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


@pytest.fixture
def sae(gpt2: LanguageModel) -> TopKSAE:
    decoder = torch.randn(24, gpt2.d_model, generator=torch.Generator().manual_seed(3))
    return TopKSAE(
        W_enc=decoder.T.contiguous(),
        W_dec=decoder,
        b_enc=torch.zeros(24),
        b_dec=torch.zeros(gpt2.d_model),
        latents_kept=4,
        metadata={"hook_name": "blocks.1.hook_resid_post"},
    )


def room_for(model: LanguageModel, most: int, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let passes of more than so many contexts fail for memory; gives the sizes that were tried."""
    tried: list[int] = []

    def limited(right: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def passes(tokens: Tensor, *more: object, **named: object) -> Tensor:
            tried.append(len(tokens))
            if len(tokens) > most:
                raise FULL
            return right(tokens, *more, **named)

        return passes

    for name in ("logits", "logits_with"):
        monkeypatch.setattr(model, name, limited(getattr(model, name)))
    return tried


def test_losses_are_the_same_with_half_the_contexts_at_once(
    gpt2: LanguageModel, sae: TopKSAE, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tokens = torch.randint(4, 30, (11, 8), generator=torch.Generator().manual_seed(0))
    counted = torch.ones_like(tokens, dtype=torch.bool)
    whole = token_losses(gpt2, {"a": sae}, tokens, counted, hook_name="blocks.1.hook_resid_post")
    mean = downstream_loss(gpt2, sae, tokens, counted)
    tried = room_for(gpt2, 3, monkeypatch)
    seen: list[tuple[int, int]] = []
    with caplog.at_level(logging.WARNING):
        found = token_losses(
            gpt2,
            {"a": sae},
            tokens,
            counted,
            hook_name="blocks.1.hook_resid_post",
            progress=lambda done, total: seen.append((done, total)),
        )
    torch.testing.assert_close(found.clean, whole.clean)
    torch.testing.assert_close(found.saes["a"], whole.saes["a"])
    assert [size for size in tried if size > 3] == [11, 5]
    assert seen == [(2, 11), (4, 11), (6, 11), (8, 11), (10, 11), (11, 11)]
    assert caplog.messages == [
        "memory ran out with 11 contexts at once; going on with 5",
        "memory ran out with 5 contexts at once; going on with 2",
    ]
    again = downstream_loss(gpt2, sae, tokens, counted)
    assert (again.clean, again.reconstructed) == pytest.approx((mean.clean, mean.reconstructed), rel=1e-6)


def test_where_not_one_context_fits_what_it_needs_is_said(
    gpt2: LanguageModel, sae: TopKSAE, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = torch.ones((4, 8), dtype=torch.long)
    room_for(gpt2, 0, monkeypatch)
    with pytest.raises(ModelError, match=r"One context of 8 tokens does not fit.*over 40 tokens.*bfloat16") as problem:
        downstream_loss(gpt2, sae, tokens, torch.ones_like(tokens, dtype=torch.bool))
    assert problem.value.__cause__ is FULL


def test_other_errors_are_not_taken_for_a_lack_of_memory(gpt2: LanguageModel) -> None:
    def fail(_: slice) -> int:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        list(in_batches(gpt2, 8, 4, 4, fail))


def test_a_harvest_goes_on_with_half_the_contexts(
    gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    token_ids = torch.randint(4, 30, (5, 8), generator=torch.Generator().manual_seed(0))
    every = torch.ones_like(token_ids, dtype=torch.bool)
    corpus = TokenizedCorpus("id", "made up", "here", token_ids, every, torch.full((5,), 8), token_hash="")
    hook = "blocks.1.hook_resid_post"
    whole = torch.cat([batch.activations[hook] for batch in harvest(gpt2, corpus, hook, batch_size=5)])
    limited(gpt2, "activations_at", 2, monkeypatch)
    with caplog.at_level(logging.WARNING):
        halves = [batch.activations[hook] for batch in harvest(gpt2, corpus, hook, batch_size=5)]
    torch.testing.assert_close(torch.cat(halves), whole)
    assert caplog.messages == ["memory ran out with 5 contexts at once; going on with 2"]
    limited(gpt2, "activations_at", 0, monkeypatch)
    with pytest.raises(ModelError, match=r"One context of 8 tokens.*a pass as far as blocks.1.hook_resid_post"):
        list(harvest(gpt2, corpus, hook, batch_size=5))


def limited(model: LanguageModel, name: str, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a method of the model fail for memory where it gets more than so many rows."""
    right = getattr(model, name)

    def method(tokens: Tensor, *more: object, **named: object) -> object:
        if len(tokens) > most:
            raise FULL
        return right(tokens, *more, **named)

    monkeypatch.setattr(model, name, method)


@pytest.mark.parametrize(
    ("length", "vocabulary", "n"),
    # Logits of one context, as the model gives them and as float32 with its softmax: 12 bytes each.
    [(128, 256_000, 2), (1024, 256_000, 1), (128, 50_257, 13), (8, 40, 16)],
)
def test_contexts_go_by_tokens_times_vocabulary(
    gpt2: LanguageModel, monkeypatch: pytest.MonkeyPatch, length: int, vocabulary: int, n: int
) -> None:
    monkeypatch.setattr(gpt2, "vocabulary_size", vocabulary)
    monkeypatch.setattr(memory, "free_memory", lambda device: 1 << 30)
    assert contexts_at_once(gpt2, length, 16) == n
