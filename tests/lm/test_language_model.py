"""Reading and replacing activations."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from saetui.lm import HookPointError, LanguageModel, ModelError, Site, load_model
from tests.pretended_cuda import gpu_on

from .conftest import LAYERS

Loader = Callable[[str], LanguageModel]
Folder = Callable[[str], Path]
HOOK = "blocks.1.hook_resid_post"


def count_calls(model: LanguageModel) -> list[str]:
    """Names of the parts that run, noted as they do; the hooks stay, so the model must not be used further."""
    called: list[str] = []
    parts = {f"block {i}": block for i, block in enumerate(model.bridge.blocks)}
    parts |= {"mlp 1": model.bridge.blocks[1].mlp, "unembed": model.bridge.unembed}
    for name, part in parts.items():
        part.register_forward_pre_hook(lambda *_, name=name: called.append(name))
    return called


@pytest.mark.parametrize("family", ["gpt2", "llama", "bert"])
def test_the_forward_pass_stops_after_the_hooked_layer(family: str, tiny_folder: Folder, tokens: Tensor) -> None:
    model = load_model(tiny_folder(family))
    called = count_calls(model)
    model.activations(tokens, HOOK)
    assert [name for name in called if name.startswith("block")] == ["block 0", "block 1"]
    assert "unembed" not in called
    called.clear()
    model.activations(tokens, "hook_embed")
    assert called == []
    model.activations(tokens, "blocks.1.attn.hook_z")
    assert called == ["block 0", "block 1"]
    called.clear()
    model.activations_at(tokens, [f"blocks.{LAYERS - 1}.hook_resid_post", "blocks.0.hook_resid_pre"])
    assert "unembed" not in called
    assert f"block {LAYERS - 1}" in called


def test_stopping_early_leaves_no_trace(gpt2: LanguageModel, tokens: Tensor) -> None:
    before = gpt2.logits(tokens)
    gpt2.activations(tokens, HOOK)
    assert torch.equal(gpt2.logits(tokens), before)
    assert not any(point.has_hooks() for point in gpt2.bridge.hook_dict.values())
    with pytest.raises(ZeroDivisionError):
        gpt2.logits_with(tokens, HOOK, lambda x: x / (1 // 0))
    assert torch.equal(gpt2.logits(tokens), before)


def test_a_site_has_layer_kind_and_width(gpt2: LanguageModel) -> None:
    assert gpt2.site("blocks.2.hook_mlp_out") == Site("blocks.2.hook_mlp_out", 2, "mlp_out", 16)
    assert gpt2.site("hook_embed") == Site("hook_embed", None, "embed", 16)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("blocks.1.hook_resid_pots", "Nearest: blocks.1.hook_resid_post"),
        ("blocks.7.hook_mlp_out", "it has 3 layers, blocks.0 to blocks.2. Nearest: blocks.2.hook_mlp_out"),
        ("blocks.1.hook_z", "blocks.1.attn.hook_z"),
        ("embed", "hook_embed"),
        ("", "Nearest: hook_embed"),
    ],
)
def test_an_unknown_hook_point_is_told_with_the_nearest_names(name: str, said: str, gpt2: LanguageModel) -> None:
    with pytest.raises(HookPointError) as raised:
        gpt2.activations(torch.zeros(1, 2, dtype=torch.long), name)
    assert said in str(raised.value)
    assert f"gpt2 has no hook point {name!r}" in str(raised.value)


def test_parallel_blocks_have_no_middle_of_the_residual_stream(tiny_model: Loader) -> None:
    with pytest.raises(HookPointError, match="read the same residual stream"):
        tiny_model("pythia").site("blocks.1.hook_resid_mid")


def test_an_sae_of_another_width_is_refused(tiny_model: Loader) -> None:
    model = tiny_model("gemma2")
    model.check_width(HOOK, 16)
    model.check_width("blocks.0.attn.hook_z", 24)
    with pytest.raises(HookPointError, match=r"width 24, but blocks.1.hook_resid_post of gemma2 is 16 wide.*hook_z"):
        model.check_width(HOOK, 24)
    with pytest.raises(HookPointError, match="No hook point has that width"):
        model.check_width(HOOK, 768)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "pythia", "bert"])
def test_putting_back_what_was_read_changes_nothing(family: str, tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model(family)
    clean = model.logits(tokens)
    for name in model.hook_names():
        with torch.no_grad():
            same = model.logits_with(tokens, name, lambda x: x.clone())
            other = model.logits_with(tokens, name, lambda x: 2 * x.roll(1, -1))
        torch.testing.assert_close(same, clean)
        assert not torch.allclose(other, clean), name


def test_an_edit_at_the_last_layer_goes_straight_to_the_logits(gpt2: LanguageModel, tokens: Tensor) -> None:
    end = f"blocks.{LAYERS - 1}.hook_resid_post"
    with torch.no_grad():
        logits = gpt2.logits_with(tokens, end, torch.zeros_like)
    bias = gpt2.bridge.ln_final.original_component.bias
    expected = bias @ gpt2.bridge.unembed.original_component.weight.T
    torch.testing.assert_close(logits, expected.expand(2, 9, -1))


def test_gradients_flow_into_what_an_edit_brings_in(gpt2: LanguageModel, tokens: Tensor) -> None:
    step = torch.zeros(16, requires_grad=True)
    logits = gpt2.logits_with(tokens, HOOK, lambda x: x + step, last=1)
    (gradient,) = torch.autograd.grad(logits[0, 0, 5], step)
    with torch.no_grad():
        nudge = 1e-2 * torch.eye(16)[3]
        nudged = [gpt2.logits_with(tokens, HOOK, edit) for edit in (lambda x: x + nudge, lambda x: x - nudge)]
    torch.testing.assert_close(gradient[3], (nudged[0] - nudged[1])[0, -1, 5] / 2e-2, rtol=1e-2, atol=1e-4)
    assert not gpt2.logits(tokens).requires_grad
    assert not gpt2.activations(tokens, HOOK).requires_grad


def test_an_edit_of_the_wrong_shape_is_refused(gpt2: LanguageModel, tokens: Tensor) -> None:
    with pytest.raises(ValueError, match=r"gave the shape \(2, 16\), not \(2, 9, 16\)"):
        gpt2.logits_with(tokens, HOOK, lambda x: x[:, 0])


@pytest.mark.parametrize("family", ["gpt2", "gemma2", "bert"])
def test_logits_of_the_last_positions_only(family: str, tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model(family)
    torch.testing.assert_close(model.logits(tokens, last=2), model.logits(tokens)[:, -2:])


@pytest.mark.parametrize("family", ["gpt2", "qwen2", "bert"])
def test_padding_on_the_right_does_not_reach_the_text(family: str, tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model(family)
    padded = torch.cat([tokens, torch.full((2, 4), 2)], dim=1)
    mask = torch.arange(13) < 9
    read = model.activations(padded, HOOK, mask.expand(2, -1))
    torch.testing.assert_close(read[:, :9], model.activations(tokens, HOOK))


def test_half_precision_is_read_in_full_precision(tiny_folder: Folder, tiny_model: Loader, tokens: Tensor) -> None:
    model = load_model(tiny_folder("llama"), dtype="bfloat16")
    assert model.dtype == torch.bfloat16
    read = model.activations(tokens, HOOK)
    assert read.dtype == model.logits(tokens).dtype == torch.float32
    torch.testing.assert_close(read, tiny_model("llama").activations(tokens, HOOK), rtol=0.1, atol=0.1)
    assert torch.equal(model.logits_with(tokens, HOOK, lambda x: x), model.logits(tokens))


def test_texts_that_do_not_fit_the_model_are_refused(gpt2: LanguageModel) -> None:
    with pytest.raises(ModelError, match="at most 32 tokens at once, not 33"):
        gpt2.logits(torch.zeros(1, 33, dtype=torch.long))
    with pytest.raises(ModelError, match="Token 40 is outside the vocabulary"):
        gpt2.logits(torch.full((1, 3), 40))
    with pytest.raises(ModelError, match="Token -1 is outside the vocabulary"):
        gpt2.logits(torch.full((1, 3), -1))
    # There a wrong id would be an assertion that ends the process.
    with gpu_on(), pytest.raises(ModelError, match="Token 40 is outside the vocabulary"):
        gpt2.logits(torch.full((1, 3), 40).to("cuda:0"))
    with pytest.raises(ValueError, match="whole numbers"):
        gpt2.logits(torch.zeros(1, 3))
