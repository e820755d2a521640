"""SAE folders that appear whole: permissions, what killed processes leave, and writers that live."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from saetui.sae import SAEError, load_sae, save_sae
from saetui.sae.formats.saelens import write_workbench
from saetui.sae.placing import placed, sweep
from tests.sae.conftest import make_sae

# Saves an SAE over another one, and is killed at one point of it.
KILLED = """
import os, signal, sys
from pathlib import Path
from saetui.sae import placing
point, folder = sys.argv[1], Path(sys.argv[2])
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
if point == "between the renames":
    rename = Path.rename
    Path.rename = lambda self, to: die() if self.name.endswith(".part") else rename(self, to)
if point == "after the renames":
    placing._remove = die
with placing.placed(folder) as part:
    (part / "cfg.json").write_text("new")
    if point == "while writing":
        die()
"""


def killed(point: str, folder: Path) -> None:
    result = subprocess.run([sys.executable, "-c", KILLED, point, str(folder)])
    assert result.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize(
    ("point", "left", "content"),
    [
        ("while writing", {".part"}, "old"),
        ("between the renames", {".part", ".old"}, "old"),
        ("after the renames", {".old"}, "new"),
    ],
)
def test_a_kill_leaves_one_whole_folder(tmp_path: Path, point: str, left: set[str], content: str) -> None:
    folder = tmp_path / "w64-k4.v2"
    folder.mkdir()
    (folder / "cfg.json").write_text("old")
    killed(point, folder)
    assert {path.suffix for path in tmp_path.iterdir() if path.name.startswith(".")} == left
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
    assert (folder / "cfg.json").read_text() == content


def test_saving_sweeps_what_was_left_of_the_same_sae_alone(tmp_path: Path) -> None:
    for name in (".sae.0123abcd.part", ".other.0123abcd.part"):
        (tmp_path / name).mkdir()
    save_sae(make_sae("topk"), tmp_path / "sae")
    assert {path.name for path in tmp_path.iterdir()} == {"sae", ".other.0123abcd.part"}


def test_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    with placed(tmp_path / "sae") as part:
        sweep(tmp_path)
        assert part.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["sae"]


def test_no_link_is_swept_and_none_is_followed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("")
    (tmp_path / "saes").mkdir()
    (tmp_path / "saes" / ".a.0123abcd.part").symlink_to(tmp_path / "kept")
    (tmp_path / "saes" / ".b.0123abcd.part").mkdir()
    (tmp_path / "saes" / ".b.0123abcd.part" / "link").symlink_to(tmp_path / "kept")
    sweep(tmp_path / "saes")
    assert (tmp_path / "kept" / "file").exists()
    assert [path.name for path in (tmp_path / "saes").iterdir()] == [".a.0123abcd.part"]


@pytest.mark.parametrize(("umask", "folder_mode", "file_mode"), [(0o022, 0o755, 0o644), (0o007, 0o770, 0o660)])
def test_permissions_follow_the_umask(tmp_path: Path, umask: int, folder_mode: int, file_mode: int) -> None:
    before = os.umask(umask)
    try:
        folder = save_sae(make_sae("topk"), tmp_path / "sae")
        write_workbench(folder, {"name": "again"})
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == folder_mode
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == dict.fromkeys(
        ("cfg.json", "sae_weights.safetensors", "workbench.json"), file_mode
    )


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path, value: float) -> None:
    sae = make_sae("topk", workbench={"name": "w40-k5"})
    sae.W_dec[3, 4] = value
    with pytest.raises(SAEError, match="W_dec of w40-k5 holds NaN or infinite"):
        save_sae(sae, tmp_path / "sae")
    assert list(tmp_path.iterdir()) == []


def test_metrics_that_are_not_finite_become_null(tmp_path: Path) -> None:
    folder = save_sae(make_sae("topk", workbench={"row": {"fvu": float("nan"), "l0": [1.0]}}), tmp_path / "sae")
    assert load_sae(folder).workbench == {"row": {"fvu": None, "l0": [1.0]}}


def test_a_workbench_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save_sae(make_sae("topk", workbench={"name": "a"}), tmp_path / "sae")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SAEError, match=r"workbench\.json: cannot be written: the disk is full"):
            write_workbench(folder, {"name": "b"})
    assert load_sae(folder).workbench == {"name": "a"}
    assert len(list(folder.iterdir())) == 3
    write_workbench(folder, {"name": "b"})
    assert load_sae(folder).workbench == {"name": "b"}
