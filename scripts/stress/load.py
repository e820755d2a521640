"""Works for minutes on a large store, and looks whether memory stays what it was.

The store has millions of latent activations, hundreds of jobs and thousands of notes. Two processes work on it at the
same time: a workbench that polls, takes in results as they come, filters, sorts, marks and opens what is under the
cursor, and the interface itself, without a terminal, that is given keys. Each tells its memory every second.

Prints for each the memory after the first quarter and at the end, the slope in MB per minute with its standard error,
the slowest poll or key, and how much was done. Exit code 1 where memory grew: by more than 5 % (or 12 MB) between the
second and the last quarter, with a slope of more than two standard errors. A run of less than two minutes is not
judged: each screen takes its memory when it is first shown.
"""

import json
import platform
import random
import statistics
import sys
import time
from functools import partial
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING, Any

import kit

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

_CONTEXT = 128
_FLAT_SHARE, _FLAT_MB = 0.05, 12.0
_JUDGED_MINUTES = 2.0


def make_store(root: Path, activations: int, jobs: int, notes: int) -> None:
    """The made-up study, and beside it one large SAE, jobs that have ended, and notes."""
    run_path(str(kit.CHECKOUT / "tests" / "tui" / "store_fixture.py"))["make_study"](root)
    import polars as pl

    from store import Spool, Store

    chunk, k, width = 1_000_000, 16, 4096
    for start in range(0, activations, chunk):
        n = min(chunk, activations - start)
        rows = pl.int_range(start, start + n, eager=True)
        token = rows // k
        frame = pl.DataFrame(
            {
                "context": (token // (_CONTEXT - 1)).cast(pl.UInt32),
                "position": (token % (_CONTEXT - 1) + 1).cast(pl.UInt16),
                "latent": ((rows * 2_654_435_761) % width).cast(pl.UInt32),
                "activation": ((rows * 97) % 1000 / 100.0).cast(pl.Float32),
            }
        ).with_columns(sae_id=pl.lit("sae-large"), corpus_id=pl.lit("large"))
        with Spool(root, f"activations-{start:012d}") as spool:
            # All in one attempt, so that none replaces another.
            spool.attempt = "0000000000000000001-aaaaaaaa"
            spool._flushes = start // chunk
            spool.add("latent_activation", frame)
        with Store.open(root) as store:
            store.commit_spool()
    for i in range(jobs):
        _ended_job(root, i)
    with Store.open(root) as store:
        store.write(
            "INSERT INTO note (note_id, subject, sae_id, latent, text, created, changed) "
            "SELECT 'latent:sae-64/' || i, 'latent', 'sae-64', i, repeat('a note ', 20), now()::TIMESTAMP, now()::TIMESTAMP "
            f"FROM range({notes}) AS numbers(i)"
        )


def _ended_job(root: Path, number: int) -> None:
    from saetui.jobs.folder import JobFolder, Record

    state = ("done", "failed", "cancelled")[number % 3]
    created = 1_790_000_000.0 + number
    given: dict[str, Any] = {
        "job_id": f"20260901-{number:06d}-000000-aaaa", "kind": "rows", "title": f"rows {number}", "state": state,
        "device": "cpu", "host": platform.node(), "content_hash": f"{number:032x}", "created": created,
        "started": created, "ended": created + 5, "message": "it did not work" if state == "failed" else None,
    }  # fmt: skip
    record = Record(**given)
    folder = JobFolder.create(root / "jobs", record, {"schema": 1, "kind": "rows", "label": f"j{number}"})
    lines = [
        {"t": created + i, "clock": float(i), "phase": "write", "done": i, "total": 50, "unit": "results"}
        for i in range(51)
    ]
    folder.progress.write_text("".join(json.dumps(line) + "\n" for line in lines))
    folder.log.write_text("a line of the log\n" * 50)
    folder.kept.touch()


class Samples:
    """Memory over time, and how long each thing took."""

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._began = time.monotonic()
        self._next = 0.0
        self.memory: list[tuple[float, float]] = []
        self.slowest, self.slowest_name, self.n = 0.0, "", 0

    def timed(self, name: str, seconds: float) -> None:
        self.n += 1
        if seconds > self.slowest:
            self.slowest, self.slowest_name = seconds, name
        now = time.monotonic() - self._began
        if now >= self._next:
            self._next = now + 1.0
            self.memory.append((now / 60, self._process.memory_info().rss / 2**20))

    def tell(self, path: Path) -> None:
        path.write_text(
            json.dumps({"memory": self.memory, "slowest": self.slowest, "name": self.slowest_name, "n": self.n})
        )


def work_bench(root: Path, minutes: float, seed: int, told: Path) -> None:
    """What a person does, as commands, while results keep coming."""
    import polars as pl

    from saetui.commands.dispatch import dispatch
    from saetui.workbench.exceptions import user_errors
    from saetui.workbench.workbench import Workbench
    from store import Spool

    draw = random.Random(seed)
    bench = Workbench.open(root)
    bench.client.ensure_workers = lambda: None  # type: ignore[method-assign]
    samples, deadline, result = Samples(), time.monotonic() + 60 * minutes, 0
    next_result = 0.0
    acts = [
        "screen letters", "screen overview", "screen jobs", "screen absorption", "screen hard_tokens", "letter {letter}", "sae w64-k4",
        "focus letters.latents", "latent {latent}", "filter f1 > 0.{digit}", "filter", "sort recall up", "sort f1 down",
        "mark latent sae-64/{latent}", "job 20260901-{job:06d}", "back", "note kind=latent key=sae-64/{latent} text=again",
    ]  # fmt: skip
    while time.monotonic() < deadline:
        if time.monotonic() > next_result:
            next_result = time.monotonic() + 2.0
            result += 1
            with Spool(root, f"load-{result}") as spool:
                spool.add(
                    "mark", pl.DataFrame({"subject": ["latent"], "key": [f"load-{result % 50}"], "created": [_now()]})
                )
        line = draw.choice(acts).format(
            letter=draw.choice("abcdest"), latent=draw.randrange(64), digit=draw.randrange(9), job=draw.randrange(300)
        )
        for name, act in (
            ("poll", bench.poll),
            (line, partial(dispatch, bench, line)),
            ("rows", partial(_fetch, bench)),
        ):
            start = time.perf_counter()
            try:
                act()
            except user_errors():
                pass
            samples.timed(name, time.perf_counter() - start)
        time.sleep(0.05)
    bench.close()
    samples.tell(told)


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC).replace(tzinfo=None)


def _fetch(bench: "Workbench") -> None:
    for _, query in bench.view().tables:
        sql, parameters = query.window(0, 60)
        bench.store.fetch(sql, **parameters)
    bench.store.fetch(
        "SELECT context, position, activation FROM latent_activation WHERE sae_id = 'sae-large' AND latent = $latent "
        "ORDER BY activation DESC LIMIT 20",
        latent=random.randrange(4096),
    )


def work_app(root: Path, minutes: float, seed: int, told: Path) -> None:
    """What a person does, as keys, in the interface without a terminal."""
    import asyncio

    from saetui.tui.app import WorkbenchApp
    from saetui.workbench.workbench import Workbench

    draw = random.Random(seed)
    keys = [
        *"1234567",
        "down",
        "down",
        "down",
        "up",
        "pagedown",
        "pageup",
        "end",
        "home",
        "tab",
        "enter",
        "escape",
        "s",
        "space",
        "n",
        "escape",
    ]

    async def play() -> None:
        bench = Workbench.open(root)
        bench.client.ensure_workers = lambda: None  # type: ignore[method-assign]
        app = WorkbenchApp(bench)
        samples, deadline = Samples(), time.monotonic() + 60 * minutes
        async with app.run_test(size=(120, 40)) as pilot:
            while time.monotonic() < deadline:
                key = draw.choice(keys)
                start = time.perf_counter()
                await pilot.press(key)
                samples.timed(f"key {key}", time.perf_counter() - start)
                await asyncio.sleep(0.03)
        bench.close()
        samples.tell(told)

    asyncio.run(play())


def judged(memory: list[tuple[float, float]]) -> tuple[float, float, float, float, bool]:
    """MB in the second quarter and in the last one, the slope between them with its standard error, whether flat."""
    quarter = max(1, len(memory) // 4)
    second, last = memory[quarter : 2 * quarter] or memory, memory[-quarter:]
    later = memory[quarter:]
    before, after = statistics.median(m for _, m in second), statistics.median(m for _, m in last)
    times, sizes = [t for t, _ in later], [m for _, m in later]
    slope, error = 0.0, 0.0
    if len(later) > 3 and len(set(times)) > 1:
        slope, offset = statistics.linear_regression(times, sizes)
        rest = [m - slope * t - offset for t, m in later]
        spread = statistics.pvariance(times) * len(times)
        error = (sum(r * r for r in rest) / (len(rest) - 2) / spread) ** 0.5 if spread else 0.0
    grew = after - before > max(_FLAT_MB, _FLAT_SHARE * before) and slope > 2 * error
    return before, after, slope, error, not grew


def main(
    minutes: float = 10.0,
    activations: int = 20_000_000,
    jobs: int = 300,
    notes: int = 2000,
    seed: int = 0,
    *,
    app: bool = True,
) -> int:
    """Work on a large store; the number of processes whose memory grew, or which failed."""
    with kit.workplace("load") as folder:
        root = folder / "s"
        kit.preload()
        started = time.monotonic()
        ended = kit.run(lambda: make_store(root, activations, jobs, notes), folder / "made.txt", 3600)
        if ended.how != "good":
            raise SystemExit(f"the store cannot be made\n{ended.text}")
        made_s = time.monotonic() - started
        size = sum(path.stat().st_size for path in root.rglob("*") if path.is_file()) / 2**20
        workers = {"workbench": work_bench, **({"interface": work_app} if app else {})}
        pids = {}
        for name, work in workers.items():
            report = folder / f"{name}.txt"
            play = partial(work, root, minutes, seed, folder / f"{name}.json")
            pids[name] = (kit.begin(play, report), report)
        bad = 0
        rows: list[list[object]] = []
        for name, (pid, report) in pids.items():
            ended = kit.end(pid, report, 60 * minutes + 300)
            if ended.how != "good":
                print(f"  {name} -> {ended.how}: {ended.text[-1500:]}", file=sys.stderr)
                bad += 1
                rows.append([name, "-", "-", "-", "-", ended.how, "-", ""])
                continue
            told = json.loads((folder / f"{name}.json").read_text())
            before, after, slope, error, flat = judged(told["memory"])
            judging = minutes >= _JUDGED_MINUTES
            bad += judging and not flat
            steady = ("flat" if flat else "GREW") if judging else "not judged"
            rows.append(
                [
                    name,
                    before,
                    after,
                    f"{slope:.2f} ± {error:.2f}",
                    steady,
                    f"{told['slowest']:.2f}",
                    told["n"],
                    told["name"][:24],
                ]
            )
    print(
        f"{activations:,} activations, {jobs} jobs, {notes} notes: {size:.0f} MB, made in {made_s:.0f} s; {minutes:g} minutes"
    )
    kit.print_table(("process", "MB before", "MB after", "MB/min", "memory", "slowest s", "acts", "which"), rows)
    print(kit.load())
    return bad


if __name__ == "__main__":
    options = kit.arguments(
        __doc__,
        minutes=(float, 10.0, "minutes of work"),
        activations=(int, 20_000_000, "latent activations in the store"),
        jobs=(int, 300, "jobs that have ended"),
        notes=(int, 2000, "notes"),
    )
    sys.exit(1 if main(options.minutes, options.activations, options.jobs, options.notes, options.seed) else 0)
