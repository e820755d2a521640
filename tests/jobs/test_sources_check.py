"""What a spec names and is not there is found when it is submitted, with the message that the worker would give."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from saetui.jobs import JobClient, JobError, parse_spec
from saetui.jobs.sources_check import check_sources
from saetui.lm.checkpoint import find_checkpoint

_ALL: dict[str, dict[str, Any]] = {
    "train": {"recipes": [{"width": 64, "k": 4}], "tokens": 1000},
    "letters": {"saes": ["small"]},
    "absorption": {"saes": ["small"]},
    "errors": {"saes": ["small"]},
    "latents": {"saes": ["small"]},
    "pursuit": {"sae": "small", "random_tokens": 3},
    "ablation": {"sae": "small", "word": " short"},
}
_HOOK = "blocks.1.hook_resid_post"


@pytest.fixture
def store_root(tmp_path: Path) -> Path:
    """A store's folder with one SAE that is called "small"."""
    folder = tmp_path / "store" / "tensors" / "sae" / "s1"
    folder.mkdir(parents=True)
    (folder / "workbench.json").write_text(json.dumps({"name": "small"}))
    return tmp_path / "store"


def _spec(kind: str, **given: Any) -> Any:
    hook = {} if kind == "absorption" else {"hook_name": _HOOK}
    return parse_spec({"kind": kind, **hook, **_ALL[kind], **given})


def _refusal(spec: Any, store_root: Path) -> str:
    with pytest.raises(JobError) as error:
        check_sources(spec, store_root)
    return str(error.value)


@pytest.mark.parametrize("kind", _ALL)
def test_what_is_there_is_taken(kind: str, store_root: Path) -> None:
    check_sources(_spec(kind), store_root)


@pytest.mark.parametrize("kind", _ALL)
def test_every_kind_says_which_field_names_what_is_not_there(kind: str, store_root: Path, tmp_path: Path) -> None:
    missing = str(tmp_path / "nosuch")
    assert _refusal(_spec(kind, model=missing), store_root).startswith(f"model: There is no folder {missing!r}.")
    hook = "hook_names" if kind == "absorption" else "hook_name"
    wrong: Any = ["blocks.9.hook_resid_post"] if kind == "absorption" else "blocks.9.hook_resid_post"
    said = _refusal(_spec(kind, **{hook: wrong}), store_root)
    assert said.startswith(f"{hook}: speller has no hook point 'blocks.9.hook_resid_post': it has")
    assert "Nearest: blocks." in said
    if "corpus" in type(_spec(kind)).model_fields:
        said = _refusal(_spec(kind, corpus=missing), store_root)
        assert said.startswith(f"corpus: There is no file or folder {missing!r}.")
    if kind != "train":
        field, name = ("sae", "smell") if "sae" in _ALL[kind] else ("saes", ["smell"])
        assert _refusal(_spec(kind, **{field: name}), store_root) == (
            f"{field}: the store {store_root} has no SAE 'smell' (it has: small); did you mean 'small'?"
        )


def test_a_damaged_checkpoint_is_refused_without_loading_it(store_root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(find_checkpoint("embedded"), copy)
    check_sources(_spec("train", model=str(copy)), store_root)
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    assert f"model: {weights} is truncated" in _refusal(_spec("train", model=str(copy)), store_root)


def test_an_embedding_of_fewer_dimensions_than_the_model_is_refused(store_root: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(find_checkpoint("embedded"), copy)
    check_sources(_spec("train", model=str(copy), hook_name="hook_embed"), store_root)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"word_embed_proj_dim": config["hidden_size"] // 2}))
    said = _refusal(_spec("train", model=str(copy), hook_name="hook_embed"), store_root)
    assert said.startswith("hook_name: copy has no hook point 'hook_embed'. Nearest: blocks.")
    check_sources(_spec("train", model=str(copy)), store_root)


def test_a_name_on_the_hub_is_looked_for_by_the_worker(store_root: Path) -> None:
    check_sources(_spec("train", model="someone/model", corpus="hf:someone/texts"), store_root)
    assert _refusal(_spec("train", model="someone/model", hook_name="blocks.3.hook_resid_pst"), store_root) == (
        "hook_name: no model has a hook point 'blocks.3.hook_resid_pst'. Nearest: blocks.N.hook_resid_post, where N is "
        "a layer's number"
    )


def test_saes_that_a_job_before_it_is_to_make_are_taken(store_root: Path) -> None:
    train = _spec("train")
    assert train.made_saes == ("w64-k4",)
    with pytest.raises(JobError, match="has no SAE 'w64-k4'"):
        check_sources(_spec("latents", saes=["w64-k4"]), store_root)
    check_sources(_spec("latents", saes=["w64-k4"]), store_root, train.made_saes)


def test_all_saes_of_an_empty_store_are_refused(tmp_path: Path) -> None:
    assert "has no SAE yet; train one first" in _refusal(_spec("errors", saes=["*"]), tmp_path)


def test_a_spec_that_cannot_work_leaves_no_job(store_root: Path) -> None:
    client = JobClient(store_root)
    with pytest.raises(JobError, match=r"^corpus: There is no file"):
        client.submit(_spec("train", corpus="/nosuch.txt"))
    assert client.jobs() == []


def test_it_brings_no_science() -> None:
    code = (
        "import sys, pathlib; from saetui.jobs import parse_spec; from saetui.jobs.sources_check import check_sources; "
        f"check_sources(parse_spec({_spec('train').document()!r}), pathlib.Path('.')); "
        "print([name for name in ('torch', 'transformers', 'transformer_lens', 'polars') if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["[]"]
