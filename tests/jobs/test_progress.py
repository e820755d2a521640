"""Progress: rates and remaining times of made-up histories with known answers."""

import json
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from saetui.jobs import JobError
from saetui.jobs.progress import Progress, ProgressReader, ProgressWriter
from tests.at_once import at_once


def history(path: Path, records: Iterable[tuple[float, str, float, float | None]], **plan: float) -> Progress:
    """What a reader makes of (clock, phase, done, total) records."""
    with path.open("w") as file:
        if plan:
            file.write(json.dumps({"plan": plan}) + "\n")
        for clock, phase, done, total in records:
            record = {"t": clock, "clock": clock, "phase": phase, "done": done, "total": total, "unit": "steps"}
            file.write(json.dumps(record) + "\n")
    progress = ProgressReader(path).read()
    assert progress is not None
    return progress


def test_a_steady_rate_gives_rate_and_time_left(tmp_path: Path) -> None:
    progress = history(tmp_path / "p", [(t, "train", 50 * t, 1000) for t in range(11)])
    assert progress.rate == pytest.approx(50)
    assert progress.eta_s == pytest.approx(10)
    assert progress.fraction == pytest.approx(0.5)
    assert progress.job_eta_s is None


def test_a_pause_does_not_count(tmp_path: Path) -> None:
    before = [(t, "train", 50 * t, 1000.0) for t in range(11)]
    asleep_for_an_hour = [(t + 3600, "train", 50 * t, 1000.0) for t in range(11, 16)]
    progress = history(tmp_path / "p", [*before, *asleep_for_an_hour])
    assert progress.rate == pytest.approx(50, rel=0.05)
    assert progress.eta_s == pytest.approx(5, rel=0.05)


def test_work_that_becomes_slow_for_good_is_no_pause(tmp_path: Path) -> None:
    fast = [(0.2 * i, "train", float(i), 1000.0) for i in range(11)]
    slow = [(2.0 + 30 * i, "train", 10.0 + i, 1000.0) for i in range(1, 15)]
    progress = history(tmp_path / "p", [*fast, *slow])
    assert progress.rate == pytest.approx(1 / 30, rel=0.3)


def test_the_rate_follows_a_change(tmp_path: Path) -> None:
    slow = [(float(t), "train", float(t), 10_000.0) for t in range(100)]
    fast = [(99.0 + t, "train", 99.0 + 10 * t, 10_000.0) for t in range(1, 100)]
    progress = history(tmp_path / "p", [*slow, *fast])
    assert progress.rate == pytest.approx(10, rel=0.05)


def test_an_unknown_end_has_no_remaining_time(tmp_path: Path) -> None:
    progress = history(tmp_path / "p", [(t, "harvest", 10 * t, None) for t in range(4)])
    assert progress.rate == pytest.approx(10)
    assert progress.eta_s is None
    assert progress.fraction is None


def test_a_plan_gives_the_time_left_of_the_whole_job(tmp_path: Path) -> None:
    # 10 s for a quarter of the weight; the second phase runs at its own pace: 30 of 60 done in 30 s.
    first = [(float(t), "load", t, 10.0) for t in range(11)]
    second = [(10.0 + t, "train", t, 60.0) for t in range(31)]
    progress = history(tmp_path / "p", [*first, *second], load=10, train=60, save=10)
    assert progress.eta_s == pytest.approx(30)
    assert progress.fraction == pytest.approx(40 / 80)
    assert progress.job_eta_s == pytest.approx(30 + 10)


def test_a_phase_outside_the_plan_has_its_own_fraction(tmp_path: Path) -> None:
    progress = history(tmp_path / "p", [(0.0, "other", 0, 4), (1.0, "other", 1, 4)], train=1)
    assert progress.fraction == pytest.approx(0.25)
    assert progress.job_eta_s is None


def test_a_phase_that_starts_again_forgets(tmp_path: Path) -> None:
    progress = history(tmp_path / "p", [(0, "a", 0, 10), (1, "a", 9, 10), (2, "a", 0, 10), (3, "a", 1, 10)])
    assert progress.rate == pytest.approx(1)


def test_a_torn_last_line_waits_until_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "p"
    reader = ProgressReader(path)
    assert reader.read() is None
    line = json.dumps({"t": 0, "clock": 1, "phase": "a", "done": 3, "total": 9, "unit": "x"}).encode() + b"\n"
    path.write_bytes(line[:20])
    assert reader.read() is None
    path.write_bytes(line)
    progress = reader.read()
    assert progress is not None
    assert progress.done == 3


def test_a_torn_line_in_the_middle_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "p"
    line = b'{"t":0,"clock":1,"phase":"a","done":3,"total":9,"unit":"x"}\n'
    path.write_bytes(line[:20] + b"\n" + line)
    progress = ProgressReader(path).read()
    assert progress is not None
    assert progress.done == 3


def test_the_writer_spares_the_disk_and_keeps_the_ends(tmp_path: Path) -> None:
    path = tmp_path / "p"
    writer = ProgressWriter(path)
    for step in range(10_001):
        writer.write("train", step, 10_000, "steps", {"loss": 1.0 / (step + 1)})
    for _ in range(100):
        writer.write("train", 10_000, 10_000, "steps", {})
    writer.write("save", 0, None, "files", {})
    writer.flush()
    writer.close()
    lines = path.read_text().splitlines()
    assert len(lines) < 30
    records = [json.loads(line) for line in lines]
    assert [r["done"] for r in records if r["phase"] == "train"][-1] == 10_000
    assert records[-1]["phase"] == "save"
    progress = ProgressReader(path).read()
    assert progress is not None
    assert progress.phase == "save"


def test_metrics_stay_until_they_change(tmp_path: Path) -> None:
    writer = ProgressWriter(tmp_path / "p")
    writer.write("train", 0, 2, "steps", {"loss": 3.0, "l0": 4.0})
    writer.write("train", 2, 2, "steps", {"loss": 2.0})
    writer.close()
    progress = ProgressReader(tmp_path / "p").read()
    assert progress is not None
    assert progress.metrics == {"loss": 2.0, "l0": 4.0}


def test_a_plan_needs_weights(tmp_path: Path) -> None:
    writer = ProgressWriter(tmp_path / "p")
    with pytest.raises(JobError, match="positive weights"):
        writer.plan({"a": 0})
    writer.close()


HOSTILE = [
    "[]",
    "3",
    '{"plan": {"a": 0}}',
    '{"plan": {"a": -1, "b": 1}}',
    '{"plan": {"a": NaN}}',
    '{"plan": []}',
    '{"phase": "a", "done": NaN, "total": 1, "clock": 1, "unit": "x"}',
    '{"phase": "a", "done": 1, "total": 1e300, "clock": 1, "unit": "x"}',
    '{"phase": "a", "done": 1, "total": 1, "clock": Infinity, "unit": "x"}',
    '{"phase": "a", "done": 1%s, "total": 1, "clock": 1, "unit": "x"}' % ("0" * 4000),
    '{"phase": [], "done": {}, "total": 1, "clock": 1, "unit": "x"}',
    '{"phase": "a", "done": 1, "total": 1, "clock": 1, "unit": "x", "metrics": [1]}',
    "[" * 100_000,
    '{"phase": "a"',
]


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: line[:40])
def test_a_line_that_makes_no_sense_is_left_out(tmp_path: Path, line: str) -> None:
    path = tmp_path / "progress.jsonl"
    good = '{"phase": "good", "done": 1, "total": 4, "clock": 5, "unit": "steps", "metrics": {"fvu": NaN, "x": [1]}}'
    path.write_text(f"{good}\n{line}\n")
    progress = ProgressReader(path).read()
    assert progress is not None
    assert (progress.phase, progress.done, progress.total) == ("good", 1, 4)
    assert list(progress.metrics) == ["fvu"]


def test_time_left_that_nobody_can_wait_for_is_none(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    line = '{{"phase": "a", "done": {}, "total": 1e18, "clock": {}, "unit": "x"}}\n'
    path.write_text('{"plan": {"a": 1e-9, "b": 1e17}}\n' + line.format(1, 1) + line.format(1.001, 1e9))
    progress = ProgressReader(path).read()
    assert progress is not None
    assert (progress.eta_s, progress.job_eta_s) == (None, None)


def test_only_the_end_of_a_huge_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "progress.jsonl"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # No disk holds it; a reader that takes all of it would not come back.
        file.seek(0, os.SEEK_END)
        file.write(b'\n{"phase": "a", "done": 1, "total": 4, "clock": 5, "unit": "steps"}\n')
    with at_once():
        progress = ProgressReader(path).read()
    assert progress is not None
    assert progress.done == 1


def test_a_progress_file_that_is_a_link_or_a_pipe_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text('{"phase": "a", "done": 1, "total": 4, "clock": 5, "unit": "steps"}\n')
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(tmp_path / "pipe")
    assert ProgressReader(tmp_path / "link").read() is None
    assert ProgressReader(tmp_path / "pipe").read() is None


def test_a_full_disk_costs_records_and_not_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "progress.jsonl"
    writer = ProgressWriter(path)
    writer.write("train", 1, 10, "tokens", {})
    whole = writer._file

    class Full:
        def __init__(self, room: int) -> None:
            self.room = room

        def write(self, line: bytes) -> int:
            if not self.room:
                raise OSError(28, "No space left on device")
            return whole.write(line[: self.room])

    for room in (0, 20):
        monkeypatch.setattr(writer, "_file", Full(room))
        writer.write(f"full {room}", 2, 10, "tokens", {})
    monkeypatch.setattr(writer, "_file", whole)
    writer.write("evaluate", 3, 10, "tokens", {})
    writer.close()
    progress = ProgressReader(path).read()
    assert progress is not None
    assert (progress.phase, progress.done) == ("evaluate", 3)
