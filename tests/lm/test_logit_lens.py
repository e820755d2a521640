"""The logit lens is the derivative of the model's own logits with everything but the straight way held fixed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from torch import Tensor

from saetui.lm import LanguageModel, NoLogitLensError, load_model, logit_lens

from .conftest import CONTEXT, FAMILIES, LAYERS, save_tiny_tokenizer

Folder = Callable[[str], Path]
DECODERS = [family for family in FAMILIES if family != "bert"]
STEP = 1e-2
POST_NORMED = ("gemma2", "olmo2")


@contextmanager
def sublayers_held(model: LanguageModel, tokens: Tensor, layer: int, part: str) -> Iterator[None]:
    """Whatever comes behind a hook point adds to the residual stream what it adds to it in a clean pass."""
    names = [f"blocks.{i}.hook_{kind}_out" for i in range(LAYERS) for kind in ("attn", "mlp")]
    order = {"resid_pre": 0, "attn.hook_z": 1, "attn_out": 1, "resid_mid": 1, "mlp_out": 2, "resid_post": 2}
    names = names[2 * layer + order[part] :]
    clean = model.activations_at(tokens, names)

    def hold(name: str) -> Callable[..., Tensor]:
        return lambda _, *, hook: clean[name]

    with model.bridge.hooks(fwd_hooks=[(model.bridge_name(name), hold(name)) for name in names]):
        yield


def centred(logits: Tensor) -> Tensor:
    return logits - logits.mean(-1, keepdim=True)


def length(x: Tensor, model: LanguageModel) -> Tensor:
    """What the final norm divides by."""
    if model.family in ("gpt2", "gpt_neox", "cohere", "olmo"):
        x = x - x.mean(-1, keepdim=True)
    norm = model.bridge.ln_final.original_component
    # The one without weights has no attribute for it either.
    epsilon = getattr(norm, "eps", getattr(norm, "variance_epsilon", 1e-5))
    return (x.square().mean() + epsilon).sqrt()


@pytest.mark.parametrize("family", DECODERS)
@pytest.mark.parametrize("layer", [1, LAYERS - 1])
def test_the_lens_is_the_derivative_of_the_logits(family: str, layer: int, tiny_folder: Folder, tokens: Tensor) -> None:
    model = load_model(tiny_folder(family), dtype="float64")
    with torch.no_grad():
        for parameter in model.bridge.original_model.parameters():
            if parameter.ndim > 1:  # So that no part of a derivative is lost in the rounding of norms.
                parameter.mul_(8)
    end = model.activations(tokens, f"blocks.{LAYERS - 1}.hook_resid_post")[0, -1]
    stream = logit_lens(model, f"blocks.{layer}.hook_resid_post")
    clean = model.logits(tokens)[0, -1]
    for part in ("resid_pre", "attn.hook_z", "attn_out", "resid_mid", "mlp_out", "resid_post"):
        name = f"blocks.{layer}.{part if '.' in part else 'hook_' + part}"
        if name not in model.hook_names():
            assert (part, family in ("pythia", "cohere")) == ("resid_mid", True)
            continue
        at = model.activations(tokens, name)[0, -1]
        direction = torch.randn(at.shape, generator=torch.Generator().manual_seed(5), dtype=at.dtype)
        direction = direction * at.square().mean().sqrt()

        def moved(by: float, *, name: str = name, direction: Tensor = direction) -> Tensor:
            def add(x: Tensor) -> Tensor:
                return torch.cat([x[:, :-1], x[:, -1:] + by * direction], dim=1)

            with torch.no_grad():
                return model.logits_with(tokens, name, add)[0, -1]

        with sublayers_held(model, tokens, layer, part):
            slope = (moved(STEP) - moved(-STEP)) / (2 * STEP)
        if family == "gemma2":
            slope = slope / (1 - (clean / 30).square())  # Its soft cap, which the lens leaves out.
        lens = logit_lens(model, name)
        # Norms on the way change with the direction too: that part points along what they normalise.
        columns = [lens(direction[None])[0], stream(end[None])[0]]
        if after_norm := part == "attn.hook_z" and family in POST_NORMED:
            columns.append(lens(at[None])[0])
        known = torch.stack([column / column.norm() for column in columns], dim=1)
        slope = centred(slope)[:, None]
        weights = torch.linalg.lstsq(known, slope).solution
        torch.testing.assert_close(known @ weights, slope, rtol=0, atol=5e-4 * float(slope.norm()))
        if not after_norm:
            scale = weights[0, 0] / columns[0].norm() * length(end, model)
            assert float(scale) == pytest.approx(1, rel=1e-3), name


@pytest.mark.parametrize("family", DECODERS)
def test_the_lens_of_the_last_residual_stream_is_the_models_own_head(
    family: str, tiny_folder: Folder, tokens: Tensor
) -> None:
    model = load_model(tiny_folder(family))
    name = f"blocks.{LAYERS - 1}.hook_resid_post"
    end = model.activations(tokens, name)[0, 3]
    logits = model.logits(tokens)[0, 3]
    if family == "gemma2":
        logits = 30 * torch.atanh(logits / 30)
    shift = torch.zeros(())
    bias = getattr(model.bridge.ln_final.original_component, "bias", None)
    if bias is not None:
        shift = bias @ model.bridge.unembed.original_component.weight.T
    expected = centred(logits - shift)
    torch.testing.assert_close(
        logit_lens(model, name)(end[None])[0] / length(end, model), expected, rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("family", ["gpt2", "gemma2", "granite"])
def test_the_lens_of_the_embedding_leads_through_all_blocks(family: str, tiny_folder: Folder) -> None:
    model = load_model(tiny_folder(family))
    embed, first = (logit_lens(model, name) for name in ("hook_embed", "blocks.0.hook_resid_pre"))
    assert embed.to_residual is None
    assert torch.equal(embed.to_logits, first.to_logits)


@pytest.mark.slow
def test_half_precision_gives_nearly_the_same_lens(tiny_folder: Folder) -> None:
    for family in ("gpt2", "gemma2", "granite"):
        whole, half = (load_model(tiny_folder(family), dtype=dtype) for dtype in ("float32", "bfloat16"))
        name = "blocks.1.attn.hook_z"
        directions = torch.eye(whole.site(name).width)
        exact, rough = (logit_lens(model, name)(directions) for model in (whole, half))
        assert rough.dtype == torch.float32
        assert float((exact - rough).norm() / exact.norm()) < 0.02


def test_an_encoder_has_no_lens_and_the_message_says_why(tiny_folder: Folder) -> None:
    model = load_model(tiny_folder("bert"))
    with pytest.raises(NoLogitLensError, match=r"no logit lens at blocks.0.hook_mlp_out of bert: its blocks do more"):
        logit_lens(model, "blocks.0.hook_mlp_out")
    with pytest.raises(NoLogitLensError, match="its head does more than a norm"):
        logit_lens(model, f"blocks.{LAYERS - 1}.hook_resid_post")


def test_an_embedding_that_is_normed_before_the_first_block_has_no_lens(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config: dict[str, Any] = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2}
    transformers.NanoChatForCausalLM(
        transformers.NanoChatConfig(
            **config, num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=CONTEXT, bos_token_id=0
        )
    ).save_pretrained(tmp_path)
    save_tiny_tokenizer(tmp_path, "nanochat")
    with pytest.raises(NoLogitLensError, match="the embedding is changed before"):
        logit_lens(load_model(tmp_path), "hook_embed")
