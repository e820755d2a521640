"""The state of the files that a spec names: an edit is seen, also one that keeps size and time."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from saetui.jobs import sources_state
from saetui.jobs.kinds.ablation.spec import AblationSpec
from saetui.jobs.kinds.latents.spec import LatentsSpec
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.jobs.kinds.train.spec import TrainSpec
from saetui.jobs.sources_state import fingerprint

HOOK = "blocks.0.hook_resid_post"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for sae_id, name in (("a1", "small"), ("b2", "large")):
        folder = tmp_path / "store" / "tensors" / "sae" / sae_id
        folder.mkdir(parents=True)
        (folder / "cfg.json").write_text("{}")
        (folder / "sae_weights.safetensors").write_bytes(b"weights")
        (folder / "workbench.json").write_text(json.dumps({"name": name}))
    return tmp_path / "store"


@pytest.fixture
def latents(tmp_path: Path) -> Callable[..., LatentsSpec]:
    model, corpus = tmp_path / "model", tmp_path / "texts"
    for folder, file in ((model, "config.json"), (corpus / "below", "a.TXT")):
        folder.mkdir(parents=True)
        (folder / file).write_text("{}")

    def make(**fields: object) -> LatentsSpec:
        settings = {"model": str(model), "corpus": str(corpus), "hook_name": HOOK, "saes": ("small",)}
        return LatentsSpec.model_validate(settings | fields)

    return make


def edit_in_place(path: Path) -> None:
    """Other content of the same length, with the time of the last write set back."""
    before = path.stat()
    path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("limit", [0, 16 << 20], ids=["large", "small"])
@pytest.mark.parametrize(
    "file",
    [
        "model/config.json",
        "texts/below/a.TXT",
        "store/tensors/sae/a1/cfg.json",
        "store/tensors/sae/a1/sae_weights.safetensors",
    ],
)
def test_an_edit_that_keeps_size_and_time_is_seen(
    tmp_path: Path,
    store: Path,
    latents: Callable[..., LatentsSpec],
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    limit: int,
) -> None:
    monkeypatch.setattr(sources_state, "CONTENT_BYTES", limit)
    before = fingerprint(latents(), store)
    assert before == fingerprint(latents(), store)
    edit_in_place(tmp_path / file)
    assert fingerprint(latents(), store) != before


def test_only_saes_that_are_named_count(store: Path, latents: Callable[..., LatentsSpec]) -> None:
    specs = {name: latents(saes=(name,)) for name in ("small", "a1", "sm", "large", "la", "*")}
    before = {name: fingerprint(spec, store) for name, spec in specs.items()}
    assert before["small"] == before["a1"] == before["sm"] != before["la"]
    edit_in_place(store / "tensors" / "sae" / "b2" / "cfg.json")
    changed = {name for name, spec in specs.items() if fingerprint(spec, store) != before[name]}
    assert changed == {"large", "la", "*"}


def test_the_sae_of_a_single_one_counts(store: Path) -> None:
    spec = AblationSpec(hook_name=HOOK, sae="small", word=" a")
    before = fingerprint(spec, store)
    edit_in_place(store / "tensors" / "sae" / "a1" / "cfg.json")
    assert "" != before != fingerprint(spec, store)


def test_names_and_metrics_do_not_count(store: Path, latents: Callable[..., LatentsSpec]) -> None:
    before = fingerprint(latents(), store)
    (store / "tensors" / "sae" / "a1" / "workbench.json").write_text(json.dumps({"name": "small", "row": {"fvu": 1}}))
    (store / "tensors" / "sae" / ".a1.x.part").mkdir()
    assert fingerprint(latents(), store) == before


def test_what_names_no_file_gives_nothing(tmp_path: Path) -> None:
    train = {"hook_name": HOOK, "tokens": 10, "recipes": [{"width": 2, "k": 1}]}
    for model in ("embedded", "gpt2", "owner/name", "~nobody-of-this-name/x"):
        assert fingerprint(TrainSpec.model_validate(train | {"model": model}), tmp_path) == ""
    assert fingerprint(LettersSpec(hook_name=HOOK, saes=("small",)), tmp_path / "no store") == ""


def test_a_link_in_the_store_and_a_pipe_are_not_read(
    tmp_path: Path, store: Path, latents: Callable[..., LatentsSpec]
) -> None:
    before = fingerprint(latents(saes=("*",)), store)
    (store / "tensors" / "sae" / "c3").symlink_to(tmp_path / "model")
    os.mkfifo(tmp_path / "texts" / "pipe.txt")
    os.mkfifo(tmp_path / "model" / "tokenizer.json")
    assert fingerprint(latents(saes=("*",)), store) == before
    (store / "tensors").rename(tmp_path / "elsewhere")
    (store / "tensors").symlink_to(tmp_path / "elsewhere")
    assert fingerprint(latents(saes=("*",)), store) == fingerprint(latents(), tmp_path)


@pytest.mark.parametrize("content", [b"", b"\0\0", b"null", b"[" * 100_000, b"\xff", b'{"name": 3}'])
def test_a_damaged_workbench_is_no_name(store: Path, latents: Callable[..., LatentsSpec], content: bytes) -> None:
    before = fingerprint(latents(), store)
    (store / "tensors" / "sae" / "b2" / "workbench.json").write_bytes(content)
    assert fingerprint(latents(), store) == before
