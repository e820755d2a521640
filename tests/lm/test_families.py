"""Models of every family load, compute what plain transformers computes, and name their hook points rightly."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM

from saetui.lm import LanguageModel, load_model

from .conftest import FAMILIES, LAYERS

Loader = Callable[[str], LanguageModel]
DECODERS = [family for family in FAMILIES if family != "bert"]
# Attention and MLP read the same residual stream, so that there is none between them.
PARALLEL = ("pythia", "cohere")
# Where TransformerBridge's own names mean something else: see the test of post-norm encoders below.
_MOVED = ("hook_attn_out", "hook_resid_mid")


def plain_logits(folder: Path, tokens: Tensor, *, masked: bool = False) -> Tensor:
    auto = AutoModelForMaskedLM if masked else AutoModelForCausalLM
    with torch.no_grad():
        return auto.from_pretrained(folder).eval()(input_ids=tokens).logits


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_plain_transformers(
    family: str, tiny_model: Loader, tiny_folder: Callable[[str], Path], tokens: Tensor
) -> None:
    expected = plain_logits(tiny_folder(family), tokens, masked=family == "bert")
    torch.testing.assert_close(tiny_model(family).logits(tokens), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("family", FAMILIES)
def test_in_two_bytes_every_hook_point_can_be_read(
    family: str, dtype: str, tiny_model: Loader, tiny_folder: Callable[[str], Path], tokens: Tensor
) -> None:
    model = load_model(tiny_folder(family), dtype=dtype)
    exact = tiny_model(family)
    torch.testing.assert_close(model.logits(tokens), exact.logits(tokens), rtol=0.1, atol=0.1)
    assert set(model.activations_at(tokens, model.hook_names())) == set(exact.hook_names())


@pytest.mark.parametrize("family", FAMILIES)
def test_every_hook_point_gives_what_a_full_run_with_cache_gives(
    family: str, tiny_model: Loader, tokens: Tensor
) -> None:
    model = tiny_model(family)
    _, cache = model.bridge.run_with_cache(tokens)
    names = model.hook_names()
    assert len(names) == 1 + LAYERS * (5 if family in PARALLEL else 6)
    for name in names:
        if family != "bert" or not name.endswith(_MOVED):
            width = model.site(name).width
            assert torch.equal(model.activations(tokens, name), cache[name].reshape(2, 9, width)), name


@pytest.mark.parametrize("family", DECODERS)
def test_sublayers_add_up_along_the_residual_stream(family: str, tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model(family)
    at = model.activations_at(tokens, model.hook_names())
    for layer in range(LAYERS):
        block = f"blocks.{layer}."
        added = at[block + "hook_resid_pre"] + at[block + "hook_attn_out"]
        if family not in PARALLEL:
            torch.testing.assert_close(added, at[block + "hook_resid_mid"])
        torch.testing.assert_close(added + at[block + "hook_mlp_out"], at[block + "hook_resid_post"])
        if layer:
            assert torch.equal(at[block + "hook_resid_pre"], at[f"blocks.{layer - 1}.hook_resid_post"])


@pytest.mark.parametrize("family", DECODERS)
def test_an_edit_of_the_residual_stream_stays_in_it(family: str, tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model(family)
    change = torch.linspace(-1, 1, 16)
    parts = {"hook_resid_pre": ("hook_attn_out", "hook_mlp_out"), "hook_resid_mid": ("hook_mlp_out",)}
    for part, added in parts.items():
        name = f"blocks.1.{part}"
        if name not in model.hook_names():
            assert (part, family in PARALLEL) == ("hook_resid_mid", True)
            continue
        read: dict[str, Tensor] = {}
        places = [f"blocks.1.{place}" for place in (*added, "hook_resid_post")]
        hooks = [(model.bridge_name(place), partial(keep, read, place)) for place in places]
        with model.bridge.hooks(fwd_hooks=hooks):
            model.logits_with(tokens, name, lambda x: x + change)
        end = read.pop("blocks.1.hook_resid_post")
        torch.testing.assert_close(end, model.activations(tokens, name) + change + sum(read.values()))


def keep(read: dict[str, Tensor], place: str, value: Tensor, *, hook: object) -> None:
    read[place] = value.detach()


def test_gemma_mlp_out_is_what_the_post_norm_makes_of_it(tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model("gemma2")
    block = model.bridge.blocks[1]
    _, cache = model.bridge.run_with_cache(tokens)
    raw = cache["blocks.1.mlp.hook_out"]
    normed = raw / (raw.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt() * (1 + block.ln2_post.original_component.weight)
    torch.testing.assert_close(model.activations(tokens, "blocks.1.hook_mlp_out"), normed)


def test_post_norm_encoder_sums_come_before_their_norm(tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model("bert")
    at = model.activations_at(tokens, model.hook_names())
    layer = model.bridge.original_model.bert.encoder.layer[1]
    middle = at["blocks.1.hook_resid_pre"] + at["blocks.1.hook_attn_out"]
    torch.testing.assert_close(at["blocks.1.hook_resid_mid"], middle)
    normed = torch.nn.functional.layer_norm(
        middle, (16,), layer.attention.output.LayerNorm.weight, layer.attention.output.LayerNorm.bias, 1e-12
    )
    after = normed + at["blocks.1.hook_mlp_out"]
    end = layer.output.LayerNorm
    torch.testing.assert_close(
        at["blocks.1.hook_resid_post"], torch.nn.functional.layer_norm(after, (16,), end.weight, end.bias, 1e-12)
    )


@pytest.mark.parametrize(("family", "width"), [("gpt2", 16), ("llama", 16), ("gemma2", 24)])
def test_z_is_all_heads_side_by_side(family: str, width: int, tiny_model: Loader, tokens: Tensor) -> None:
    model = tiny_model(family)
    z = model.activations(tokens, "blocks.1.attn.hook_z")
    assert z.shape == (2, 9, width)
    assert model.site("blocks.1.attn.hook_z").width == width
    if family == "llama":
        output = model.bridge.original_model.model.layers[1].self_attn.o_proj.original_component
        torch.testing.assert_close(z @ output.weight.T, model.activations(tokens, "blocks.1.hook_attn_out"))


def test_a_real_gpt2_gives_what_plain_transformers_gives(shared: Path) -> None:
    folder = shared / "models" / "craftgpt"
    model = load_model(folder)
    described = (model.name, model.family, model.n_layers, model.d_model, model.context_length, model.bos_token_id)
    config = json.loads((folder / "config.json").read_text())
    sizes = tuple(config[name] for name in ("n_layer", "n_embd", "n_positions", "bos_token_id"))
    assert described == ("craftgpt", "gpt2", *sizes)
    tokens = torch.tensor(
        [[model.bos_token_id, *model.tokenizer.encode("the sun is warm and the sky is blue", add_special_tokens=False)]]
    )
    torch.testing.assert_close(model.logits(tokens), plain_logits(folder, tokens), rtol=0, atol=1e-4)
    last = f"blocks.{model.n_layers - 1}.hook_resid_post"
    assert model.activations(tokens, last).shape == (1, tokens.shape[1], model.d_model)


def test_layers_that_see_only_their_own_token_are_computed_exactly(shared: Path) -> None:
    folder = shared / "reference" / "absorption" / "model"
    model = load_model(folder)
    tokens = torch.randint(
        1, model.vocabulary_size, (3, model.context_length), generator=torch.Generator().manual_seed(0)
    )
    torch.testing.assert_close(model.logits(tokens), plain_logits(folder, tokens), rtol=0, atol=1e-4)
    other = tokens.clone()
    other[:, 0] = 0
    config = json.loads((folder / "config.json").read_text())
    assert config["sliding_window"] == 1
    n_own = config["layer_types"].index("full_attention")
    early, late = f"blocks.{n_own - 1}.hook_resid_post", f"blocks.{n_own}.hook_resid_post"
    assert torch.equal(model.activations(tokens, early)[:, 1:], model.activations(other, early)[:, 1:])
    assert not torch.equal(model.activations(tokens, late)[:, 1:], model.activations(other, late)[:, 1:])


def test_the_embedded_model_gives_what_plain_transformers_gives(tokens: Tensor) -> None:
    import saetui.lm.checkpoint as checkpoint

    folder = checkpoint.find_checkpoint("embedded")
    if not (folder / "config.json").is_file():
        pytest.skip("the embedded model has not been made yet")
    model = load_model("embedded")
    assert model.bos_token_id is not None
    torch.testing.assert_close(model.logits(tokens), plain_logits(folder, tokens), rtol=0, atol=1e-4)
