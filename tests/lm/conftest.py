"""Tiny models of each family with random weights, made in the test run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from saetui.lm import LanguageModel, load_model

LAYERS, CONTEXT = 3, 32
_COMMON: dict[str, Any] = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "max_position_embeddings": CONTEXT,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
_GROUPED: dict[str, Any] = {**_COMMON, "num_key_value_heads": 1}
_PADDED: dict[str, Any] = {**_GROUPED, "pad_token_id": 2}
_SLIDING: dict[str, Any] = {"use_sliding_window": True, "sliding_window": 1}
FAMILIES: dict[str, Callable[[], PreTrainedModel]] = {
    "gpt2": lambda: transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=40, n_embd=16, n_layer=LAYERS, n_head=2, n_positions=CONTEXT, bos_token_id=0, eos_token_id=1
        )
    ),
    "llama": lambda: transformers.LlamaForCausalLM(transformers.LlamaConfig(**_GROUPED)),
    "gemma2": lambda: transformers.Gemma2ForCausalLM(
        transformers.Gemma2Config(**_GROUPED, head_dim=12, query_pre_attn_scalar=12)
    ),
    "pythia": lambda: transformers.GPTNeoXForCausalLM(transformers.GPTNeoXConfig(**_COMMON)),
    "qwen2": lambda: transformers.Qwen2ForCausalLM(
        transformers.Qwen2Config(
            **_GROUPED, **_SLIDING, layer_types=["sliding_attention", "sliding_attention", "full_attention"]
        )
    ),
    # Heads that are wider together than the residual stream, and norms of each head.
    "qwen3": lambda: transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**_PADDED, head_dim=12)),
    # Factors on the embedding, on what sublayers add, and on the logits.
    "granite": lambda: transformers.GraniteForCausalLM(
        transformers.GraniteConfig(**_GROUPED, embedding_multiplier=5.0, residual_multiplier=0.3, logits_scaling=7.0)
    ),
    "cohere": lambda: transformers.CohereForCausalLM(transformers.CohereConfig(**_PADDED, logit_scale=0.25)),
    # Norms without weights, and norms after sublayers.
    "olmo": lambda: transformers.OlmoForCausalLM(transformers.OlmoConfig(**_PADDED)),
    "olmo2": lambda: transformers.Olmo2ForCausalLM(transformers.Olmo2Config(**_PADDED)),
    "bert": lambda: transformers.BertForMaskedLM(transformers.BertConfig(**_COMMON)),
}
# Decoders whose sublayers are added before a norm; in the second, tokens are embedded in fewer dimensions.
POST_NORM_DECODERS: dict[str, Callable[[], PreTrainedModel]] = {
    "openai-gpt": lambda: transformers.OpenAIGPTLMHeadModel(
        transformers.OpenAIGPTConfig(vocab_size=40, n_embd=16, n_layer=LAYERS, n_head=2, n_positions=CONTEXT)
    ),
    "opt": lambda: transformers.OPTForCausalLM(
        transformers.OPTConfig(
            vocab_size=40,
            hidden_size=16,
            word_embed_proj_dim=8,
            ffn_dim=32,
            num_hidden_layers=LAYERS,
            num_attention_heads=2,
            max_position_embeddings=CONTEXT,
            do_layer_norm_before=False,
        )
    ),
}


def save_tiny_tokenizer(folder: Path, family: str) -> None:
    """One token a letter or space, after four special ones."""
    pieces = ["<s>", "</s>", "<pad>", "<unk>", *"abcdefghijklmnopqrstuvwxyz", "Ġ"]
    backend = Tokenizer(models.BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=[], unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    special = (
        {"cls_token": "<s>", "sep_token": "</s>"} if family == "bert" else {"bos_token": "<s>", "eos_token": "</s>"}
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>", model_max_length=CONTEXT, **special
    )
    tokenizer.save_pretrained(folder)


def make_tiny_model(folder: Path, family: str) -> PreTrainedModel:
    """A model with every weight random, so that no norm or bias can be left out unseen; saved with a tokenizer."""
    torch.manual_seed(7)
    model = (FAMILIES | POST_NORM_DECODERS)[family]().eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter, mean=0.5, std=0.3)
    model.save_pretrained(folder)
    save_tiny_tokenizer(folder, family)
    return model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model of a family."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp("models") / family
            make_tiny_model(made[family], family)
        return made[family]

    return folder


@pytest.fixture(scope="session")
def tiny_model(tiny_folder: Callable[[str], Path]) -> Callable[[str], LanguageModel]:
    """A loaded tiny model of a family."""
    made: dict[str, LanguageModel] = {}

    def model(family: str) -> LanguageModel:
        if family not in made:
            made[family] = load_model(tiny_folder(family))
        return made[family]

    return model


@pytest.fixture
def gpt2(tiny_model: Callable[[str], LanguageModel]) -> LanguageModel:
    return tiny_model("gpt2")


@pytest.fixture
def tokens() -> Tensor:
    """(2, 9) ordinary tokens."""
    return torch.randint(4, 30, (2, 9), generator=torch.Generator().manual_seed(3))


@pytest.fixture
def broken_copy(tiny_folder: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the tiny GPT-2 for a test to break."""
    folder = tmp_path / "broken"
    folder.mkdir()
    for path in tiny_folder("gpt2").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def edit_config(broken_copy: Path) -> Callable[..., None]:
    """Change fields of the broken copy's config.json; None removes one."""

    def edit(**fields: object) -> None:
        path = broken_copy / "config.json"
        config = {**json.loads(path.read_text()), **fields}
        path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))

    return edit
