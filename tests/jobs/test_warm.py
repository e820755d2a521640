"""What a worker keeps between jobs: counted by its tensors, once where they are shared, and dropped by age and size."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from saetui.jobs import JobError
from saetui.jobs.launch import WorkerFiles, warm_seconds
from saetui.jobs.warm import Warm, held_bytes, held_on_gpu
from saetui.lm import load_model
from tests.pretended_cuda import Machine, counts_waits


@dataclass
class Held:
    weights: Tensor
    more: dict[str, list[Tensor]]


def kilobytes(n: int) -> Tensor:
    return torch.zeros(n * 256)


def test_all_tensors_of_a_thing_are_counted_and_shared_ones_once() -> None:
    weights = kilobytes(4)
    held = Held(weights, {"a": [kilobytes(1), weights[:10], weights.T]})
    assert held_bytes(held) == {"cpu": 5 * 1024}
    assert held_bytes((held, held, nn.Linear(16, 16, bias=False))) == {"cpu": 6 * 1024}
    assert held_bytes("no tensor") == {}


def test_a_model_is_as_large_as_its_weights() -> None:
    model = load_model("embedded")
    weights = {p.data_ptr(): p.untyped_storage().nbytes() for p in model.bridge.parameters()}
    assert held_bytes(model)["cpu"] >= sum(weights.values()) > 10_000_000


def test_the_least_recently_used_go_first_and_what_is_too_large_always() -> None:
    warm = Warm()
    for name, size in (("old", 3), ("huge", 20), ("middle", 3), ("new", 3)):
        warm.get(name, partial(kilobytes, size))
    warm.get("old", lambda: kilobytes(0))
    assert warm.trim({"cpu": 7 * 1024}) == ["middle", "huge"]
    made: list[str] = []
    for name in ("old", "new"):
        warm.get(name, partial(made.append, name))
    assert made == []


def test_what_grew_since_it_was_made_is_measured_as_it_is_now() -> None:
    warm = Warm()
    grown = warm.get("words", lambda: Held(kilobytes(1), {}))
    warm.get("sae", lambda: kilobytes(1))
    assert warm.trim({"cpu": 8 * 1024}) == []
    grown.more["read"] = [kilobytes(8)]
    assert warm.trim({"cpu": 8 * 1024}) == ["words"]
    assert len(warm) == 1


def test_what_another_thing_holds_as_well_takes_no_more_room() -> None:
    warm, weights = Warm(), kilobytes(6)
    warm.get("sae", lambda: weights)
    warm.get("encoders", lambda: Held(weights, {"gram": [kilobytes(1)]}))
    assert warm.trim({"cpu": 7 * 1024}) == []


def test_a_gpu_is_given_back_sooner_than_a_cpu_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAETUI_KEEP_WARM", raising=False)
    assert (warm_seconds("cpu"), warm_seconds("GPU-1")) == (900, 120)
    monkeypatch.setenv("SAETUI_KEEP_WARM", "3600")
    assert (warm_seconds("cpu"), warm_seconds("GPU-1")) == (3600, 3600)
    for wrong in ("soon", "-1", "inf", "nan", ""):
        monkeypatch.setenv("SAETUI_KEEP_WARM", wrong)
        with pytest.raises(JobError, match="give the seconds that a worker stays warm"):
            warm_seconds("cpu")


@counts_waits
def test_what_a_process_holds_of_a_gpu_is_what_torch_has_taken_there() -> None:
    gpu = Machine()
    assert held_on_gpu() == 0
    with gpu.on():
        kept = torch.zeros(1000, device="cuda:0")
        assert held_on_gpu() == kept.numel() * 4


def test_a_worker_says_what_its_process_holds(tmp_path: Path) -> None:
    files = WorkerFiles(tmp_path / "jobs", "GPU-1")
    files.make()
    assert files.lease.acquire({})
    files.say_held(123)
    assert files.read_held() == 123
    files.say_held(0)
    assert files.read_held() == 0
    files.held.write_text("much")
    assert files.read_held() == 0
    files.lease.release()
