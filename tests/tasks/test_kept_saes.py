"""What a training has finished is kept: through kills, a full disk, a diverged SAE; and bad SAEs leave the others."""

import errno
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from saetui.jobs.specs import LatentsSpec, Recipe
from saetui.jobs.tasks import disk_room, train, trained_saes
from saetui.sae import SAEError
from store import Store
from tests.tasks.conftest import HOOK, RunTask
from tests.tasks.test_study import train_spec


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
        patch.setattr(train, "train_saes", die)
        run_task(spec)
    caught_up = rows(root)
    assert all(row["n_evaluated"] and row["ce_recovered"] is not None for row in caught_up)
    # The same figures as in one go, after a damaged folder has made it train one anew.
    (folders(root)[0] / "cfg.json").unlink()
    context = run_task(spec)
    assert "trained again, since its folder is damaged" in " ".join(context.notes)
    assert rows(root) == caught_up


def test_a_full_disk_for_a_moment_loses_no_training(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save, tries = trained_saes.save_sae, []

    def full_at_first(*arguments: object, **settings: object) -> object:
        tries.append(1)
        if len(tries) <= 3:
            raise SAEError("cannot be written") from OSError(errno.ENOSPC, "No space left on device")
        return save(*arguments, **settings)  # type: ignore[arg-type]

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
