"""Passes that go on from an edited activation give what whole passes give."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn
from weakref import WeakKeyDictionary

import pytest
import torch
import transformers
from torch import Tensor

from saetui.lm import HookPointError, LanguageModel, load_model
from saetui.lm.resume import shared_prefix
from saetui.lm.resume import tail as tail_module
from saetui.lm.resume.full_passes import FullPasses
from saetui.lm.resume.resumed_passes import ResumedPasses
from saetui.lm.resume.row_groups import row_groups
from saetui.lm.resume.tail import Tail, read_tail
from tests.lm.conftest import FAMILIES, LAYERS, save_tiny_tokenizer

Loader = Callable[[str], LanguageModel]
DECODERS = [family for family in FAMILIES if family != "bert"]
ANSWERS = torch.tensor([5, 9, 30, 11])


def outcome(tail: Tail, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Logits with the activations of some rows moved, and the gradient of one of the logits."""
    generator = torch.Generator().manual_seed(1)
    moved = tail.activations[rows] + torch.randn(len(rows), tail.activations.shape[1], generator=generator)
    logits = tail.logits(rows, moved.requires_grad_())
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), moved)
    return logits.detach(), gradient


@pytest.mark.parametrize("family", DECODERS)
@pytest.mark.parametrize("position", [-4, 0, -1])
def test_every_hook_point_of_every_family_can_be_resumed(
    family: str, position: int, tiny_model: Loader, tokens: Tensor
) -> None:
    model = tiny_model(family)
    rows = torch.tensor([1, 0, 0, 1, 1])
    # Without a prefix, and with nothing but the edited position behind it, one hook point of each kind will do.
    for name in model.hook_names() if position == -4 else model.hook_names()[:7]:
        tail = read_tail(model, name, tokens, position, ANSWERS)
        whole = FullPasses(model, name, tokens, position % 9, ANSWERS)
        last, beside = name == f"blocks.{LAYERS - 1}.hook_resid_post", name.endswith("hook_resid_mid")
        # What Granite adds to the residual stream is no output of a module: a factor comes after it.
        if last or beside or (family == "granite" and name.endswith(("embed", "attn_out", "mlp_out"))):
            assert isinstance(tail, FullPasses)
        else:
            assert isinstance(tail, ResumedPasses), name
            assert tail.model.shares_prefix
        torch.testing.assert_close(tail.activations, whole.activations, rtol=1e-5, atol=1e-5)
        for found, expected in zip(outcome(tail, rows), outcome(whole, rows), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of any model."""
    monkeypatch.setattr(tail_module, "_RESUMABLE", WeakKeyDictionary())


def test_where_resumed_passes_differ_whole_ones_run_and_the_log_says_so_once(
    gpt2: LanguageModel,
    tokens: Tensor,
    forgotten: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    right = ResumedPasses.logits
    monkeypatch.setattr(ResumedPasses, "logits", lambda *call: 1.01 * right(*call))
    name = "blocks.0.hook_resid_post"
    with caplog.at_level(logging.WARNING):
        tails = [read_tail(gpt2, name, tokens, -3, ANSWERS) for _ in range(2)]
    assert [type(tail) for tail in tails] == [FullPasses, FullPasses]
    (message,) = caplog.messages
    assert name in message
    assert "differs by" in message


def test_an_attention_that_does_not_know_of_prefixes_is_given_copies(
    tiny_model: Loader, tokens: Tensor, forgotten: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of families that do not go through transformers' attention functions."""

    def broken(*_: object) -> NoReturn:
        raise TypeError("not this way")

    monkeypatch.setattr(shared_prefix, "_attend", broken)
    rows = torch.tensor([1, 0, 0])
    for family in ("gpt2", "qwen2", "gemma2"):
        model = tiny_model(family)
        tail = read_tail(model, "blocks.1.hook_resid_pre", tokens, -4, ANSWERS)
        assert isinstance(tail, ResumedPasses)
        assert not tail.model.shares_prefix
        whole = FullPasses(model, "blocks.1.hook_resid_pre", tokens, 5, ANSWERS)
        for found, expected in zip(outcome(tail, rows), outcome(whole, rows), strict=True):
            torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_encoders_run_whole_passes(tiny_model: Loader, tokens: Tensor) -> None:
    """A later position changes what stands before it."""
    assert isinstance(read_tail(tiny_model("bert"), "blocks.1.hook_resid_pre", tokens, -4, ANSWERS), FullPasses)


def test_the_bridge_keeps_its_own_modules_and_head(tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model("llama")
    before = model.logits(tokens)
    tail = read_tail(model, "blocks.0.hook_mlp_out", tokens, -4, ANSWERS)
    tail.logits(torch.tensor([0]), tail.activations[:1])
    assert torch.equal(model.logits(tokens), before)


def test_contexts_without_that_position_are_refused(gpt2: LanguageModel, tokens: Tensor) -> None:
    with pytest.raises(ValueError, match=r"shape \(2, 9\) have no position 9"):
        read_tail(gpt2, "hook_embed", tokens, 9, ANSWERS)
    with pytest.raises(HookPointError, match="no hook point"):
        read_tail(gpt2, "hook_embd", tokens, 0, ANSWERS)


def test_rows_are_grouped_by_neighbouring_contexts() -> None:
    full = row_groups(torch.tensor([0, 0, 1, 1, 2, 2]), 3)
    assert (full.size, full.places, full.all_contexts) == (2, None, True)
    ragged = row_groups(torch.tensor([2, 0, 0, 0, 2]), 3)
    assert ragged.contexts.tolist() == [2, 0, 2]
    rows = torch.arange(10.0).view(5, 2)
    groups = ragged.split(rows)
    assert groups.shape == (3, 3, 2)
    assert groups[0, 1:].eq(0).all()
    assert torch.equal(groups[1], rows[1:4])
    assert torch.equal(ragged.join(groups), rows)
    assert ragged.of_contexts(torch.tensor([5, 6, 7])).tolist() == [7, 5, 7]


DEEP: dict[str, Callable[[int], transformers.PreTrainedModel]] = {
    "gpt2": lambda layers: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=40, n_embd=64, n_layer=layers, n_head=4, n_positions=32, initializer_range=0.08
        )
    ),
    "llama": lambda layers: transformers.LlamaForCausalLM(
        transformers.LlamaConfig(
            vocab_size=40,
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=32,
            initializer_range=0.08,
        )
    ),
}


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("layers", [4, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("family", DEEP)
def test_in_two_bytes_rounding_is_not_taken_for_a_fault(
    family: str, layers: int, dtype: str, tmp_path: Path, forgotten: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(layers)
    DEEP[family](layers).eval().save_pretrained(tmp_path)
    save_tiny_tokenizer(tmp_path, family)
    model = load_model(tmp_path, dtype=dtype)
    tokens = torch.randint(4, 30, (3, 12), generator=torch.Generator().manual_seed(layers))
    names = ["blocks.0.hook_mlp_out", f"blocks.{layers // 2}.hook_resid_post"]
    for name in names:
        for position in (0, 8):
            assert isinstance(read_tail(model, name, tokens, position, ANSWERS), ResumedPasses), (name, position)
    # What is wrong by a fifth is no rounding.
    monkeypatch.setattr(tail_module, "_RESUMABLE", WeakKeyDictionary())
    right = ResumedPasses.logits
    monkeypatch.setattr(ResumedPasses, "logits", lambda *call: 1.2 * right(*call))
    for name in names:
        assert isinstance(read_tail(model, name, tokens, 8, ANSWERS), FullPasses), name


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        torch.AcceleratorError("CUDA error: an illegal memory access was encountered"),
        RuntimeError("Expected all tensors to be on the same device, but found cuda:0 and cpu"),
    ],
)
def test_what_the_device_fails_is_not_taken_for_a_model_that_cannot_be_resumed(
    error: Exception, gpt2: LanguageModel, tokens: Tensor, forgotten: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(ResumedPasses, "logits", fail)
    with pytest.raises(type(error), match=str(error)[:20]):
        read_tail(gpt2, "blocks.0.hook_resid_post", tokens, -3, ANSWERS)
    monkeypatch.undo()
    monkeypatch.setattr(tail_module, "_RESUMABLE", WeakKeyDictionary())
    assert isinstance(read_tail(gpt2, "blocks.0.hook_resid_post", tokens, -3, ANSWERS), ResumedPasses)
