"""``saetui doctor`` on machines of all kinds: NVML and torch are made up, the command is the real one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ONE_GPU = Path(__file__).parents[1] / "jobs" / "one_gpu"
CPU_BUILD = '__version__ = "2.13.0+cpu"\nclass version: cuda, hip = None, None\n'


@pytest.fixture
def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command, on a machine with two GPUs and a torch for CPUs."""
    (tmp_path / "torch.py").write_text(CPU_BUILD)
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ONE_GPU), before]))
    monkeypatch.setenv("MADE_UP_GPUS", "2")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("SAETUI_LEASES", str(tmp_path / "leases"))
    return [sys.executable, "-m", "saetui", "doctor"]


def run(command: list[str], *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *more], capture_output=True, text=True, check=False)


def test_it_says_what_is_there_and_what_to_install(doctor: list[str]) -> None:
    done = run(doctor)
    assert done.returncode == 1
    assert "driver  580.65" in done.stdout
    for shown in ("cuda:0", "cuda:1", "GPU-second", "Made-up GPU", "cpu"):
        assert shown in done.stdout
    assert "TF32    off" in done.stdout
    assert "is a build for CPUs; install one for CUDA" in done.stderr


def test_it_gives_json_for_other_programs(doctor: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "1")
    found = json.loads(run(doctor, "--json").stdout)
    assert [(device["name"], device["uuid"]) for device in found["devices"]] == [
        ("cuda:0", "GPU-second"),
        ("cpu", None),
    ]
    assert found["CUDA_VISIBLE_DEVICES"] == "1"
    assert found["tf32"]
    assert len(found["troubles"]) == 1


def test_a_machine_without_gpus_has_nothing_wrong(doctor: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADE_UP_GPUS", "0")
    done = run(doctor)
    assert (done.returncode, "nothing is wrong" in done.stderr) == (0, True)
    assert "cuda:0" not in done.stdout
