"""Finding and checking a model before it is loaded, and what is said where it cannot be."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import LlamaConfig, LlamaModel, T5Config, T5ForConditionalGeneration

from saetui.lm import LanguageModel, ModelError, load_model, logit_lens

from .conftest import save_tiny_tokenizer
from .tokenizers_of_kinds import sentencepiece

Folder = Callable[[str], Path]


def message(source: str | Path, **settings: str) -> str:
    with pytest.raises(ModelError) as raised:
        load_model(source, **settings)
    return str(raised.value)


def test_importing_the_room_does_not_import_the_model_libraries() -> None:
    libraries = ("transformer_lens", "transformers", "datasets")
    code = f"import sys, saetui.lm; print([name for name in {libraries} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_loading_says_nothing(
    tiny_folder: Folder, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    folder = tiny_folder("gpt2")
    capfd.readouterr()  # Making the folder may have said something.
    load_model(folder)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


def test_what_is_known_of_a_model(gpt2: LanguageModel, tiny_folder: Folder) -> None:
    assert (gpt2.name, gpt2.family, gpt2.source) == ("gpt2", "gpt2", str(tiny_folder("gpt2")))
    assert (gpt2.n_layers, gpt2.d_model, gpt2.context_length, gpt2.vocabulary_size) == (3, 16, 32, 40)
    assert (gpt2.bos_token_id, gpt2.device, gpt2.dtype) == (0, torch.device("cpu"), torch.float32)
    assert "3 layers" in repr(gpt2)


def test_the_tokenizer_is_as_it_was_saved(gpt2: LanguageModel) -> None:
    assert len(gpt2.tokenizer) == 31
    assert gpt2.tokenizer.encode("ab c") == [4, 5, 30, 6]


def test_the_id_is_that_of_the_content(broken_copy: Path, gpt2: LanguageModel) -> None:
    assert load_model(broken_copy).model_id == gpt2.model_id
    weights = load_file(broken_copy / "model.safetensors")
    weights["transformer.ln_f.bias"][0] += 1
    save_file(weights, broken_copy / "model.safetensors", {"format": "pt"})
    assert load_model(broken_copy).model_id != gpt2.model_id


def test_sharded_weights_are_loaded(tiny_folder: Folder, tmp_path: Path, gpt2: LanguageModel) -> None:
    model = gpt2.bridge.original_model.__class__.from_pretrained(tiny_folder("gpt2"))
    model.save_pretrained(tmp_path, max_shard_size="10KB")
    save_tiny_tokenizer(tmp_path, "gpt2")
    shards = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(shards) > 1
    tokens = torch.tensor([[0, 5, 6]])
    assert torch.equal(load_model(tmp_path).logits(tokens), gpt2.logits(tokens))
    shards[1].unlink()
    assert f"{shards[1]} is missing, but model.safetensors.index.json names it" in message(tmp_path)


def test_weights_in_the_older_format_are_loaded(broken_copy: Path, gpt2: LanguageModel) -> None:
    torch.save(load_file(broken_copy / "model.safetensors"), broken_copy / "pytorch_model.bin")
    (broken_copy / "model.safetensors").unlink()
    tokens = torch.tensor([[0, 5, 6]])
    assert torch.equal(load_model(broken_copy).logits(tokens), gpt2.logits(tokens))


def test_a_model_without_a_head_gives_activations_but_no_logits(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2
    )
    LlamaModel(config).save_pretrained(tmp_path)
    save_tiny_tokenizer(tmp_path, "llama")
    model = load_model(tmp_path)
    tokens = torch.tensor([[0, 5, 6]])
    assert model.activations(tokens, "blocks.1.hook_resid_post").shape == (1, 3, 16)
    with pytest.raises(ModelError, match=r"no weights for lm_head.weight, so it gives no logits"):
        model.logits(tokens)
    with pytest.raises(ModelError, match="language-model head"):
        logit_lens(model, "hook_embed")


class TestRefusals:
    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        assert "There is no folder" in message(tmp_path / "nowhere")

    def test_a_file_in_place_of_a_folder_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "model.safetensors"
        path.write_bytes(b"")
        assert "is a file. Give the folder" in message(path)

    def test_a_missing_config_is_named(self, broken_copy: Path) -> None:
        (broken_copy / "config.json").unlink()
        assert f"{broken_copy / 'config.json'} is missing" in message(broken_copy)

    @pytest.mark.parametrize("content", ["{", "[]", "{}", '{"model_type": 3}', "\xff"])
    def test_a_config_that_is_not_one_is_named(self, content: str, broken_copy: Path) -> None:
        (broken_copy / "config.json").write_text(content, encoding="latin1")
        assert str(broken_copy / "config.json") in message(broken_copy)

    def test_an_unknown_architecture_is_named(self, broken_copy: Path, edit_config: Callable[..., None]) -> None:
        edit_config(model_type="perceptron", architectures=["PerceptronForCausalLM"])
        said = message(broken_copy)
        assert "config.json" in said
        assert "model_type 'perceptron'" in said

    def test_an_architecture_without_a_bridge_is_named(
        self, broken_copy: Path, edit_config: Callable[..., None]
    ) -> None:
        edit_config(model_type="clip", architectures=["CLIPModel"])
        assert "no bridge for this architecture (model_type 'clip'" in message(broken_copy)

    def test_an_encoder_with_a_decoder_is_refused(self, tmp_path: Path) -> None:
        config = T5Config(vocab_size=40, d_model=16, d_kv=8, d_ff=24, num_layers=1, num_heads=2)
        config.decoder_start_token_id = 0
        T5ForConditionalGeneration(config).save_pretrained(tmp_path)
        save_tiny_tokenizer(tmp_path, "gpt2")
        assert "no single stack of blocks" in message(tmp_path)

    def test_a_missing_tokenizer_is_named(self, broken_copy: Path) -> None:
        (broken_copy / "tokenizer.json").unlink()
        said = message(broken_copy)
        assert f"{broken_copy} has no tokenizer" in said
        assert "tokenizer.json" in said

    def test_a_damaged_tokenizer_is_named(self, broken_copy: Path) -> None:
        (broken_copy / "tokenizer.json").write_text('{"version": "1.0"}')
        assert f"The tokenizer in {broken_copy} cannot be loaded" in message(broken_copy)

    def test_missing_weights_are_named(self, broken_copy: Path) -> None:
        (broken_copy / "model.safetensors").unlink()
        assert f"{broken_copy} has no weights" in message(broken_copy)

    @pytest.mark.parametrize(
        ("kept", "said"), [(-100, "is truncated"), (500, "end inside the header"), (0, "truncated")]
    )
    def test_truncated_weights_are_named(self, kept: int, said: str, broken_copy: Path) -> None:
        path = broken_copy / "model.safetensors"
        path.write_bytes(path.read_bytes()[:kept])
        assert str(path) in message(broken_copy)
        assert said in message(broken_copy)

    def test_weights_that_are_something_else_are_named(self, broken_copy: Path) -> None:
        path = broken_copy / "model.safetensors"
        path.write_bytes((20).to_bytes(8, "little") + b"<html>not found</html>")
        assert f"{path} is no safetensors file" in message(broken_copy)

    def test_weights_longer_than_their_header_says_are_named(self, broken_copy: Path) -> None:
        path = broken_copy / "model.safetensors"
        path.write_bytes(path.read_bytes() + b"more")
        assert "is damaged" in message(broken_copy)

    def test_a_missing_tensor_is_named(self, broken_copy: Path) -> None:
        path = broken_copy / "model.safetensors"
        weights = load_file(path)
        del weights["transformer.h.1.mlp.c_fc.weight"]
        save_file(weights, path, {"format": "pt"})
        assert "lack 1 tensors that config.json asks for, the first being transformer.h.1.mlp.c_fc.weight" in message(
            broken_copy
        )

    def test_weights_of_another_size_are_named(self, broken_copy: Path, edit_config: Callable[..., None]) -> None:
        edit_config(n_embd=20)
        assert "do not fit its config.json" in message(broken_copy)

    def test_an_index_without_its_map_is_named(self, broken_copy: Path) -> None:
        (broken_copy / "model.safetensors").unlink()
        (broken_copy / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}}))
        assert "field weight_map" in message(broken_copy)

    @pytest.mark.parametrize("device", ["gpu", "cuda:99"])
    def test_a_device_that_is_not_there_is_named(self, device: str, tiny_folder: Folder) -> None:
        assert f"The device {device!r} cannot be used" in message(tiny_folder("gpt2"), device=device)

    @pytest.mark.parametrize("dtype", ["int8", "float33", "nn"])
    def test_an_unknown_dtype_is_named(self, dtype: str, tiny_folder: Folder) -> None:
        assert f"The dtype {dtype!r} cannot be used" in message(tiny_folder("gpt2"), dtype=dtype)


class TestStrangersFolders:
    """What is in a folder decides nothing but the model: it asks nothing, runs nothing, and waits for nothing."""

    @pytest.fixture(autouse=True)
    def _nobody_to_ask(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def asked(*_: object) -> str:
            raise AssertionError("standard input was read")

        monkeypatch.setattr("builtins.input", asked)

    @pytest.mark.parametrize("part", ["AutoConfig", "AutoModelForCausalLM"])
    def test_a_model_that_needs_its_own_code_is_refused(
        self, broken_copy: Path, edit_config: Callable[..., None], part: str
    ) -> None:
        edit_config(model_type="perceptron", auto_map={part: "code.Code"}, architectures=["Perceptron"])
        (broken_copy / "code.py").write_text("raise SystemExit('it ran')")
        said = message(broken_copy)
        assert f"{broken_copy / 'config.json'}: the model needs code of its own (field auto_map)" in said
        assert "remove auto_map and set model_type" in said

    def test_code_is_not_run_where_the_family_is_known(
        self, broken_copy: Path, edit_config: Callable[..., None], gpt2: LanguageModel
    ) -> None:
        edit_config(auto_map={"AutoConfig": "code.Code", "AutoModelForCausalLM": "code.Code"})
        (broken_copy / "code.py").write_text("raise SystemExit('it ran')")
        tokens = torch.tensor([[0, 5, 6]])
        assert torch.equal(load_model(broken_copy).logits(tokens), gpt2.logits(tokens))

    def test_a_tokenizer_that_needs_its_own_code_is_refused(self, broken_copy: Path) -> None:
        path = broken_copy / "tokenizer_config.json"
        own = {"tokenizer_class": "OwnTokenizer", "auto_map": {"AutoTokenizer": ["code.Own", None]}}
        path.write_text(json.dumps(own))
        (broken_copy / "tokenizer.json").rename(broken_copy / "tokenizer.model")
        assert f"{path}: the tokenizer needs code of its own (field auto_map)" in message(broken_copy)

    @pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json", "vocab.json"])
    def test_a_pipe_or_a_device_is_named_and_not_read(self, broken_copy: Path, name: str) -> None:
        (broken_copy / name).unlink(missing_ok=True)
        os.mkfifo(broken_copy / name)
        assert f"{broken_copy / name} is a pipe or a device" in message(broken_copy)
        (broken_copy / name).unlink()
        (broken_copy / name).symlink_to("/dev/zero")
        assert f"{broken_copy / name} is a pipe or a device" in message(broken_copy)

    @pytest.mark.parametrize("shard", ["../model.safetensors", "/etc/hostname", 3, ["a"]])
    def test_an_index_that_leads_out_of_the_folder_is_refused(self, broken_copy: Path, shard: object) -> None:
        (broken_copy / "model.safetensors").rename(broken_copy.parent / "model.safetensors")
        (broken_copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": shard}}))
        assert "field weight_map" in message(broken_copy)

    @pytest.mark.parametrize("source", ["~no-user-of-this-name/model", "a" * 5000, "a/b\0c/d"])
    def test_texts_that_are_not_paths_are_refused(self, source: str) -> None:
        assert "folder" in message(source)


class TestDamagedConfigs:
    @pytest.mark.parametrize(
        ("fields", "said"),
        [
            ({"n_layer": 2}, "tensors of layers that config.json does not know, the first being transformer.h.2."),
            ({"n_layer": 4}, "lack 12 tensors that config.json asks for"),
            ({"n_head": 0}, "config.json"),
            ({"n_head": 5}, "config.json"),
            ({"n_embd": "wide"}, "config.json"),
            ({"vocab_size": -3}, "config.json"),
            ({"n_positions": 10**30}, "config.json"),
            ({"activation_function": "gelato"}, "config.json"),
        ],
    )
    def test_a_field_is_not_blamed_on_the_tokenizer(
        self, broken_copy: Path, edit_config: Callable[..., None], fields: dict[str, object], said: str
    ) -> None:
        edit_config(**fields)
        found = message(broken_copy)
        assert said in found
        assert "okenizer" not in found

    @pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"[" * 100_000, "nested"),
            ("{}".encode("utf-16"), "iconv"),
            (b"\xef\xbb\xbf{}", "byte order mark"),
            (b"\0\0", "not JSON"),
            (b"[]", ""),
        ],
    )
    def test_files_that_are_not_json_are_named(self, broken_copy: Path, name: str, content: bytes, said: str) -> None:
        (broken_copy / name).write_bytes(content)
        found = message(broken_copy)
        assert str(broken_copy / name) in found
        assert said in found

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
    def test_weights_that_are_not_finite_are_named(self, broken_copy: Path, value: float) -> None:
        path = broken_copy / "model.safetensors"
        weights = load_file(path)
        weights["transformer.h.1.mlp.c_fc.weight"][2, 3] = value
        save_file(weights, path, {"format": "pt"})
        assert f"transformer.h.1.mlp.c_fc.weight in the weights in {broken_copy} holds NaN" in message(broken_copy)

    def test_weights_that_overflow_the_number_format_are_named(self, broken_copy: Path) -> None:
        path = broken_copy / "model.safetensors"
        weights = load_file(path)
        weights["transformer.h.1.mlp.c_fc.weight"][2, 3] = 1e6
        save_file(weights, path, {"format": "pt"})
        assert load_model(broken_copy).n_layers == 3
        assert "infinite values as torch.float16" in message(broken_copy, dtype="float16")


def test_text_is_cut_by_the_folders_own_rules(tiny_folder: Folder) -> None:
    """A general tokenizer in a Qwen2 folder must not be rebuilt with Qwen2's own rules, which cut digits one by one."""
    folder = tiny_folder("qwen2")
    own = Tokenizer.from_file(str(folder / "tokenizer.json"))
    loaded = load_model(str(folder)).tokenizer
    assert loaded.backend_tokenizer.pre_tokenizer.__getstate__() == own.pre_tokenizer.__getstate__()
    assert loaded("it's a b", add_special_tokens=False)["input_ids"] == own.encode("it's a b").ids


@pytest.mark.parametrize("named", ["GPT2TokenizerFast", "LlamaTokenizerFast", None])
@pytest.mark.parametrize("kind", ["prepend", "metaspace"])
def test_no_class_puts_its_own_rules_and_tokens_in_place_of_the_files(
    kind: str, named: str | None, broken_copy: Path
) -> None:
    saved = sentencepiece(kind, ("cat", "dog"))
    saved.save_pretrained(broken_copy)
    path = broken_copy / "tokenizer_config.json"
    settings = json.loads(path.read_text()) | {"tokenizer_class": named}
    path.write_text(json.dumps({key: value for key, value in settings.items() if value is not None}))
    loaded = load_model(broken_copy).tokenizer
    texts = ["cat dog", "a  cat\n dog", " the first"]
    assert loaded(texts, add_special_tokens=False)["input_ids"] == saved(texts, add_special_tokens=False)["input_ids"]
    assert len(loaded) == len(saved)
    assert (loaded.bos_token, loaded.unk_token) == ("<s>", "<unk>")
