"""Progress of a job: an append-only file of records, and the rate and remaining time they imply."""

import contextlib
import json
import os
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO

from saetui.jobs.exceptions import JobError
from saetui.plain_data import parse_object
from store.plain import open_plain

# A record every 0.2 s at first, every 2 s once a job runs for long: a ten-hour job leaves 2 MB.
_SHORTEST, _LONGEST, _SHARE = 0.2, 2.0, 0.01
# The rate decays with this time constant, so that it follows a change without jitter.
_MEMORY_S = 20.0
# A silence this many times longer than usual is a pause (a suspended laptop, a stopped process) and not slow work.
_PAUSE_FACTOR, _PAUSE_FLOOR = 10.0, 2.0
# What is read may be damaged or a stranger's: so much at once, and no number or text that cannot be shown.
_READ_BYTES = 4 << 20
_LARGEST = 1e18
_LONGEST_ETA_S = 1e9
_TEXT, _METRICS, _PHASES = 100, 100, 200


@dataclass(frozen=True)
class Progress:
    """How far a job is."""

    phase: str
    done: float
    total: float | None  # None where the end is not known
    unit: str
    rate: float | None  # units per second of the running phase, None until it can be told
    eta_s: float | None  # seconds left of the phase
    metrics: Mapping[str, float | str]
    fraction: float | None  # of the whole job, 0 to 1; of the phase where the job gave no plan
    job_eta_s: float | None  # seconds left of the whole job; None where the job gave no plan


class ProgressWriter:
    """Appends progress records; the only writer of its file."""

    def __init__(self, path: Path) -> None:
        self._file = os.fdopen(open_plain(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab", buffering=0)
        self._began = time.monotonic()
        self._next = 0.0
        self._phase: str | None = None
        self._pending: dict[str, Any] | None = None
        self._ended = False  # the phase's last record is written
        self._torn = False  # the last line was cut short

    def plan(self, weights: Mapping[str, float]) -> None:
        """Declares which phases will come and how long each takes, relative to the others."""
        if not weights or any(not weight > 0 for weight in weights.values()):
            raise JobError(f"a plan needs phases with positive weights, got {dict(weights)}")
        self._append({"plan": dict(weights)})

    def write(
        self, phase: str, done: float, total: float | None, unit: str, metrics: Mapping[str, float | str]
    ) -> None:
        """Keeps the record; puts it on disk when the last one is old enough, the phase changes or the phase ends."""
        now = time.monotonic()
        record = {"t": time.time(), "clock": now, "phase": phase, "done": done, "total": total, "unit": unit}
        kept = self._pending.get("metrics", {}) if self._pending is not None and phase == self._phase else {}
        if kept or metrics:
            record["metrics"] = {**kept, **metrics}
        if phase != self._phase:
            self.flush()  # The end of the phase before.
            self._phase = phase
        elif now < self._next and (done != total or self._ended):
            self._pending = record
            return
        self._append(record)
        self._ended = done == total
        self._pending = None
        self._next = now + min(_LONGEST, max(_SHORTEST, _SHARE * (now - self._began)))

    def flush(self) -> None:
        if self._pending is not None:
            self._append(self._pending)
            self._pending = None

    def close(self) -> None:
        self.flush()
        self._file.close()

    def _append(self, record: dict[str, Any]) -> None:
        # One write call per line: a killed writer leaves at most one torn line, at the end. A full disk costs the
        # record, not the hours of the job; what it has torn is ended by the next one.
        line = json.dumps(record, separators=(",", ":"), default=float).encode() + b"\n"
        line = b"\n" + line if self._torn else line
        with contextlib.suppress(OSError):
            self._torn = self._file.write(line) < len(line)


@dataclass
class _Phase:
    """What is remembered of one phase."""

    started: float  # active seconds of the job when it began
    done: float
    total: float | None
    unit: str
    clock: float
    metrics: Mapping[str, float | str] = field(default_factory=dict)
    gaps: deque[float] = field(default_factory=lambda: deque(maxlen=9))
    # Weighted sums of units and of seconds; their ratio is the rate.
    units: float = 0.0
    seconds: float = 0.0

    @property
    def rate(self) -> float | None:
        return self.units / self.seconds if self.seconds > 0 and self.units > 0 else None

    @property
    def fraction(self) -> float | None:
        return None if not self.total else min(1.0, max(0.0, self.done / self.total))

    @property
    def eta_s(self) -> float | None:
        if self.total is None or self.rate is None:
            return None
        left = max(0.0, self.total - self.done) / self.rate
        return left if left < _LONGEST_ETA_S else None


class ProgressReader:
    """Follows a progress file; a torn last line is the end of the file until it is complete. Safe for threads."""

    def __init__(self, path: Path, *, last_bytes: int | None = None) -> None:
        """``last_bytes``: begin so far from the end of the file; enough to see where an ended job came to."""
        self._path = path
        try:
            size = path.lstat().st_size
        except OSError:
            size = 0
        self._offset = 0 if last_bytes is None else max(0, size - last_bytes)
        self._lock = threading.Lock()
        self._plan: dict[str, float] = {}
        self._phases: dict[str, _Phase] = {}
        self._current: str | None = None
        self._active = 0.0  # seconds the job has worked, pauses left out

    def read(self) -> Progress | None:
        """Takes in what was appended since the last call; None before the first record.

        A file that cannot be read (any more) says nothing new.
        """
        with self._lock:
            with contextlib.suppress(OSError), os.fdopen(open_plain(self._path), "rb") as file:
                self._take_in(file)
            return self._snapshot()

    def _take_in(self, file: BinaryIO) -> None:
        size = os.fstat(file.fileno()).st_size
        if size <= self._offset:
            return
        self._offset = max(self._offset, size - _READ_BYTES)
        file.seek(self._offset)
        data = file.read(_READ_BYTES)
        end = data.rfind(b"\n") + 1
        self._offset += end
        for line in data[:end].splitlines():
            try:
                record = parse_object(line)
                if "plan" in record:
                    self._plan = _plan(record["plan"])
                else:
                    self._add(record)
            except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
                continue  # A line torn by a full disk, with another after it; or damaged.

    def _add(self, record: dict[str, Any]) -> None:
        name, done, clock = str(record["phase"])[:_TEXT], _number(record["done"]), _number(record["clock"])
        total = None if record["total"] is None else _number(record["total"])
        unit, metrics = str(record["unit"])[:_TEXT], _metrics(record.get("metrics", {}))
        phase = self._phases.get(name)
        if phase is None or name != self._current or done < phase.done:
            if self._current is not None:
                # What passed between two phases belongs to the one before.
                before = self._phases[self._current]
                self._active += self._counted(before, clock - before.clock)
            phase = _Phase(self._active, done, total, unit, clock)
            self._phases.pop(name, None)
            while len(self._phases) >= _PHASES:
                del self._phases[next(iter(self._phases))]
            self._phases[name] = phase
            self._current = name
        elif clock > phase.clock:
            gap = self._counted(phase, clock - phase.clock)
            phase.gaps.append(clock - phase.clock)
            self._active += gap
            keep = 0.5 ** (gap / _MEMORY_S)
            phase.units = phase.units * keep + (done - phase.done)
            phase.seconds = phase.seconds * keep + gap
        phase.done, phase.total, phase.clock = done, total, clock
        phase.metrics = dict(list({**phase.metrics, **metrics}.items())[-_METRICS:])

    @staticmethod
    def _counted(phase: _Phase, gap: float) -> float:
        usual = median(phase.gaps) if len(phase.gaps) >= 3 else None
        if usual is not None and gap > max(_PAUSE_FLOOR, _PAUSE_FACTOR * usual):
            return usual
        return max(0.0, gap)

    def _snapshot(self) -> Progress | None:
        if self._current is None:
            return None
        phase = self._phases[self._current]
        fraction, job_eta_s = self._whole(phase) if self._current in self._plan else (phase.fraction, None)
        return Progress(
            self._current,
            phase.done,
            phase.total,
            phase.unit,
            phase.rate,
            phase.eta_s,
            phase.metrics,
            fraction,
            job_eta_s,
        )

    def _whole(self, phase: _Phase) -> tuple[float | None, float | None]:
        """Fraction done and seconds left of the whole job, from the plan's weights and the pace so far."""
        assert self._current is not None
        names = list(self._plan)
        position = names.index(self._current)
        ahead = sum(self._plan[name] for name in names[position + 1 :])
        behind = sum(self._plan[name] for name in names[:position])
        weight = self._plan[self._current]
        part = phase.fraction or 0.0
        fraction = (behind + weight * part) / (behind + weight + ahead)
        done_weight = behind + weight * part
        if done_weight <= 0:
            return fraction, None
        pace = self._active / done_weight  # seconds for a unit of weight, over all the job did so far
        here = phase.eta_s if phase.eta_s is not None else pace * weight * (1 - part)
        left = here + pace * ahead
        return fraction, left if left < _LONGEST_ETA_S else None


def _number(value: Any) -> float:
    """A finite number; ValueError where it is not one."""
    number = float(value)
    if not -_LARGEST <= number <= _LARGEST:
        raise ValueError(f"{value!r} is not a count of anything")
    return number


def _plan(weights: Any) -> dict[str, float]:
    plan = {str(name)[:_TEXT]: _number(weight) for name, weight in list(weights.items())[:_PHASES]}
    if not all(weight > 0 for weight in plan.values()):
        raise ValueError("a plan has positive weights")
    return plan


def _metrics(values: Any) -> dict[str, float | str]:
    """Named numbers (NaN included, which a job may have to show) and texts; everything else is left out."""
    return {
        str(name)[:_TEXT]: value[:_TEXT] if isinstance(value, str) else float(value)
        for name, value in list(values.items())[:_METRICS]
        if isinstance(value, str | int | float)
    }
