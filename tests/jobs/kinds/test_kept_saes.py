"""What a training has finished is kept: through kills, a full disk, a diverged SAE; and bad SAEs leave the others."""

import errno
import os
import shutil
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.latents import rows as rows_of_latents
from saetui.jobs.kinds.latents import task as latents
from saetui.jobs.kinds.latents.spec import LatentsSpec
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.jobs.kinds.train import trained_saes, training
from saetui.jobs.kinds.train.spec import Recipe
from saetui.jobs.work import disk_room
from saetui.sae import SAEError, save_sae
from store import Store, StoreUnreadable
from tests.jobs.kinds.conftest import HOOK, RunTask
from tests.jobs.kinds.test_study import train_spec


class Killed(BaseException):
    """Stands in for the end of the process."""


def rows(root: Path) -> list[dict[str, object]]:
    with Store.open(root) as store:
        store.commit_spool()
        return list(store.query("select * exclude added from sae order by name").iter_rows(named=True))


def folders(root: Path) -> list[Path]:
    return sorted((root / "tensors" / "sae").iterdir())


def die(*_: object, **__: object) -> None:
    raise Killed


@pytest.mark.slow
def test_saes_are_kept_and_measured_later_when_the_job_is_killed_before(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, spec = tmp_path / "store", train_spec(model_folder, corpus_file)
    with monkeypatch.context() as patch:
        patch.setattr(trained_saes, "evaluate", die)
        with pytest.raises(Killed):
            run_task(spec)
    assert [(row["name"], row["l0"], row["n_evaluated"]) for row in rows(root)] == [
        ("w32-k3", None, None),
        ("w64-k3", None, None),
    ]
    with monkeypatch.context() as patch:
        patch.setattr(training, "train_saes", die)
        run_task(spec)
    caught_up = rows(root)
    assert all(row["n_evaluated"] and row["ce_recovered"] is not None for row in caught_up)
    # The same figures as in one go, after a damaged folder has made it train one again.
    (folders(root)[0] / "cfg.json").unlink()
    context = run_task(spec)
    assert "trained again, since its folder is damaged" in " ".join(context.notes)
    assert rows(root) == caught_up


def test_a_full_disk_for_a_moment_loses_no_training(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def full_at_first(*arguments: object, **settings: object) -> object:
        tries.append(1)
        if len(tries) <= 3:
            raise SAEError("cannot be written") from OSError(errno.ENOSPC, "No space left on device")
        return save_sae(*arguments, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(trained_saes, "save_sae", full_at_first)
    monkeypatch.setattr(disk_room, "_PAUSE_S", 0.0)
    context = run_task(train_spec(model_folder, corpus_file))
    assert len(rows(tmp_path / "store")) == 2
    log = (tmp_path / "store" / "jobs" / context.job_id / "log.txt").read_text()
    assert "the disk is full; w32-k3 waits for room" in log
    assert "there is room again" in log


def test_a_disk_that_stays_full_ends_the_wait(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise SAEError("w: cannot be written") from OSError(errno.EDQUOT, "Disk quota exceeded")

    monkeypatch.setattr(trained_saes, "save_sae", full)
    monkeypatch.setattr(disk_room, "PATIENCE_S", 0.1)
    monkeypatch.setattr(disk_room, "_PAUSE_S", 0.02)
    with pytest.raises(SAEError, match="cannot be written"):
        run_task(train_spec(model_folder, corpus_file))


@pytest.mark.slow
def test_a_bad_sae_is_left_out_of_all_and_fails_where_it_is_named(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    root = tmp_path / "store"
    recipes = (Recipe(width=32, k=3), Recipe(width=64, k=3, lr=1e39))
    with pytest.raises(SAEError, match="w64-k3: NaN in step 1 of 1"):
        run_task(train_spec(model_folder, corpus_file, recipes=recipes, tokens=100))
    assert [row["name"] for row in rows(root)] == ["w32-k3"]

    run_task(train_spec(model_folder, corpus_file, recipes=(Recipe(width=64, k=3),), tokens=100))
    bad = next(path for path in folders(root) if load_file(path / "sae_weights.safetensors")["b_enc"].shape == (64,))
    weights = load_file(bad / "sae_weights.safetensors")
    weights["W_dec"][3, 4] = torch.nan
    save_file(weights, bad / "sae_weights.safetensors")
    fields = {"model": str(model_folder), "corpus": str(corpus_file), "hook_name": HOOK, "context_length": 32}
    context = run_task(LatentsSpec.model_validate(fields | {"saes": ("*",)}))
    assert [f"w64-k3 is left out: {bad}" in note and "W_dec holds NaN" in note for note in context.notes] == [True]
    with Store.open(root) as store:
        assert store.query("select distinct name from latent join sae using (sae_id)")["name"].to_list() == ["w32-k3"]
    with pytest.raises(SAEError, match="W_dec holds NaN"):
        run_task(LatentsSpec.model_validate(fields | {"saes": ("*", "w64-k3")}))


@pytest.mark.slow
def test_the_latents_of_finished_saes_are_kept_whole(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "store"
    run_task(train_spec(model_folder, corpus_file))
    fields = {"model": str(model_folder), "corpus": str(corpus_file), "hook_name": HOOK, "context_length": 32}
    spec = LatentsSpec.model_validate(fields | {"saes": ("w32-k3", "w64-k3")})

    def counts() -> dict[str, list[int]]:
        tables = ("latent", "latent_activation", "token_error", "latent_neighbour")
        with Store.open(root) as store:
            store.commit_spool()
            sql = "select count(x.sae_id) as n from sae left join {} x using (sae_id) group by name order by name"
            return {table: store.query(sql.format(table))["n"].to_list() for table in tables}

    promoted, tries = rows_of_latents.promoted, []

    def killed_at_the_second(*arguments: object) -> object:
        tries.append(1)
        if len(tries) == 2:
            raise Killed
        return promoted(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(latents, "promoted", killed_at_the_second)
        with pytest.raises(Killed):
            run_task(spec)
    half = counts()
    assert half["latent"] == [32, 0]
    assert all(of_first > 0 and of_second == 0 for of_first, of_second in half.values())
    run_task(spec)
    whole = counts()
    assert {table: n[0] for table, n in whole.items()} == {table: n[0] for table, n in half.items()}
    assert whole["latent"] == [32, 64]


@pytest.mark.slow
def test_an_edited_corpus_model_or_sae_is_read_again_while_all_is_warm(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    """The edits keep size and time of the last write."""
    root, model, corpus = tmp_path / "store", tmp_path / "model", tmp_path / "corpus.txt"
    shutil.copytree(model_folder, model)
    shutil.copy(corpus_file, corpus)
    run_task(train_spec(model, corpus))
    fields = {"model": str(model), "corpus": str(corpus), "hook_name": HOOK, "context_length": 32}
    spec = LatentsSpec.model_validate(fields | {"saes": ("w32-k3",)})

    def errors() -> dict[str, float]:
        run_task(spec)
        with Store.open(root) as store:
            found = store.query("select corpus_id, avg(error_norm) as e from token_error group by all order by all")
        return dict(zip(found["corpus_id"], found["e"], strict=True))

    first = errors()
    edit(corpus, corpus.read_bytes().replace(b" axb", b" axc"))
    assert len(errors()) == len(first) + 1
    sae = next(path for path in folders(root) if load_file(path / "sae_weights.safetensors")["b_enc"].shape == (32,))
    before = errors()
    scale(sae / "sae_weights.safetensors", "W_dec")
    after = errors()
    assert after.keys() == before.keys()
    assert after != before
    scale(model / "model.safetensors", "transformer.h.0.mlp.c_fc.weight")
    with pytest.raises(JobError, match="trained on another language model"):
        run_task(spec)


def scale(path: Path, name: str) -> None:
    tensors = load_file(path)
    tensors[name] = tensors[name] * 2
    copy = path.with_name("copy")
    with safe_open(path, "pt") as file:
        save_file(tensors, copy, file.metadata())
    edit(path, copy.read_bytes())
    copy.unlink()


def edit(path: Path, content: bytes) -> None:
    before = path.stat()
    path.write_bytes(content)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.slow
def test_links_inside_the_store_are_not_followed(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    root, outside = tmp_path / "store", tmp_path / "outside"
    run_task(train_spec(model_folder, corpus_file))
    spec = LettersSpec(model=str(model_folder), hook_name=HOOK, saes=("w32-k3",), examples=3, leading_space=True)
    outside.mkdir()
    (root / "tensors" / "words").symlink_to(outside)
    with pytest.raises(StoreUnreadable, match="is a link"):
        run_task(spec)
    assert list(outside.iterdir()) == []
    (root / "tensors" / "words").unlink()
    run_task(spec)
    files = [path for path in (root / "tensors" / "words").rglob("*") if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o666 & ~current_umask()}
    assert all(path.suffix == ".safetensors" for path in files)


def current_umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
