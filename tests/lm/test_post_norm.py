"""Decoders that normalise after adding: every hook point is read and edited where its name says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

from saetui.lm import LanguageModel
from saetui.lm.exceptions import NoLogitLensError
from saetui.lm.lens import logit_lens

from .conftest import LAYERS, POST_NORM_DECODERS

Loader = Callable[[str], LanguageModel]


def norms(plain: Any, family: str, layer: int) -> tuple[nn.Module, nn.Module]:
    """The norms after attention and after the MLP."""
    block = plain.transformer.h[layer] if family == "openai-gpt" else plain.model.decoder.layers[layer]
    return (block.ln_1, block.ln_2) if family == "openai-gpt" else (block.self_attn_layer_norm, block.final_layer_norm)


@pytest.mark.parametrize("family", POST_NORM_DECODERS)
@torch.no_grad()
def test_every_hook_point_is_read_where_plain_transformers_has_it(
    family: str, tiny_model: Loader, tiny_folder: Callable[[str], Path], tokens: Tensor
) -> None:
    model = tiny_model(family)
    plain = AutoModelForCausalLM.from_pretrained(tiny_folder(family)).eval()
    out = plain(input_ids=tokens, output_hidden_states=True)
    torch.testing.assert_close(model.logits(tokens), out.logits, rtol=0, atol=1e-5)
    at = model.activations_at(tokens, model.hook_names())
    assert len(at) == 6 * LAYERS + (family == "openai-gpt")
    for layer in range(LAYERS):
        block = f"blocks.{layer}."
        after_attention, after_mlp = norms(plain, family, layer)
        middle = at[block + "hook_resid_pre"] + at[block + "hook_attn_out"]
        end = after_mlp(after_attention(middle) + at[block + "hook_mlp_out"])
        torch.testing.assert_close(at[block + "hook_resid_pre"], out.hidden_states[layer])
        torch.testing.assert_close(at[block + "hook_resid_mid"], middle)
        torch.testing.assert_close(at[block + "hook_resid_post"], end)
        if layer + 1 < LAYERS:
            torch.testing.assert_close(end, out.hidden_states[layer + 1])


@pytest.mark.parametrize("part", ["hook_resid_pre", "hook_resid_mid", "hook_resid_post", "hook_mlp_out"])
@pytest.mark.parametrize("family", POST_NORM_DECODERS)
@torch.no_grad()
def test_an_edit_changes_what_follows(family: str, part: str, tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model(family)
    name = f"blocks.1.{part}"
    usual = model.logits(tokens)
    torch.testing.assert_close(model.logits_with(tokens, name, lambda x: x), usual)
    changed = model.logits_with(tokens, name, lambda x: x + torch.linspace(-1, 1, 16))
    assert not torch.allclose(changed, usual, atol=1e-3)


@torch.no_grad()
def test_replacing_the_end_of_a_block_is_replacing_the_beginning_of_the_next(
    tiny_model: Loader, tokens: Tensor
) -> None:
    for family in POST_NORM_DECODERS:
        model = tiny_model(family)
        end, beginning = (
            model.logits_with(tokens, name, lambda x: x.flip(-1))
            for name in ("blocks.0.hook_resid_post", "blocks.1.hook_resid_pre")
        )
        torch.testing.assert_close(end, beginning)


def test_a_head_behind_another_map_has_no_logit_lens(tiny_model: Loader) -> None:
    model = tiny_model("opt")
    for name in model.hook_names():
        with pytest.raises(NoLogitLensError):
            logit_lens(model, name)
