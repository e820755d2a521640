"""Damaged job folders and store folders."""

import json
import os
import random
from pathlib import Path
from typing import Any

from inputs import Act, Input, both, command, folder, link, pipe, with_store, without, written


def job_folders(base: Path, draw: random.Random) -> list[Input]:
    import platform

    state = {
        "job_id": "20260101-000000-000000-aaaa", "kind": "rows", "title": "t", "state": "failed", "device": "cpu",
        "host": platform.node(), "content_hash": "0" * 32, "created": 1767225600.0, "after": [], "retry_of": None, "started": None,
        "ended": None, "message": "m", "hint": None, "worker": None,
    }  # fmt: skip
    spec = {"schema": 1, "kind": "rows", "label": "x"}
    record = {"t": 1.0, "clock": 1.0, "phase": "p", "done": 1, "total": 2, "unit": "u"}

    def job_with(**contents: bytes | str | Act) -> Act:
        def make(place: Path) -> None:
            job = place / "s" / "jobs" / str(state["job_id"])
            (job / "out").mkdir(parents=True)
            files: dict[str, Any] = {
                "state.json": json.dumps(state),
                "spec.json": json.dumps(spec),
                "lock": "",
                "log.txt": "x\n",
            }
            for name, content in (files | {key.replace("_", "."): value for key, value in contents.items()}).items():
                if callable(content):
                    content(job)
                else:
                    (job / name).write_bytes(content if isinstance(content, bytes) else content.encode())

        return with_store(base, make)

    def look(place: Path) -> None:
        from saetui.commands.dispatch import dispatch
        from saetui.jobs.client import JobClient
        from saetui.workbench.exceptions import user_errors
        from saetui.workbench.workbench import Workbench

        JobClient.ensure_workers = lambda self: None  # type: ignore[method-assign]
        bench = Workbench.open(place / "s", inline=True)
        for job in bench.jobs:
            _ = (job.created, job.started, job.ended, job.progress, job.log_tail(5), job.waiting)
            try:
                job.spec  # noqa: B018
            except user_errors():
                pass
        for line in ("screen jobs", *(f"{verb} {job.id}" for job in bench.jobs for verb in ("job", "retry", "cancel"))):
            try:
                dispatch(bench, line)
            except user_errors():
                continue
        bench.poll()
        bench.close()

    found: list[Input] = []

    def add(name: str, make: Act) -> None:
        listing = command("jobs", "--store", "s")
        found.append(Input("job folders", f"{name}, listed", make, listing, False))
        found.append(Input("job folders", f"{name}, in the workbench", make, look, False))

    state_values: tuple[Any, ...] = (
        None, [], {}, 10**400, 1e300, float("nan"), -1, "x" * 10_000, "\x1b[2J", True, ["a", None], "\ud800",
    )  # fmt: skip
    for key in state:
        for value in state_values:
            if draw.random() < 0.55:
                content = json.dumps({**state, key: value})
                add(f"state.json {key} = {str(value)[:12]!r}", job_with(state_json=content))
        add(f"state.json without {key}", job_with(state_json=json.dumps({k: v for k, v in state.items() if k != key})))
    bad: dict[str, str | bytes] = {
        "empty": "", "torn": json.dumps(state)[:40], "a list": "[]", "null": "null", "not UTF-8": b"\xff\xfe", "deep": "[" * 100_000,
        "20 MB": json.dumps({**state, "title": "x" * 20_000_000}), "one more field": json.dumps({**state, "colour": 1}),
    }  # fmt: skip
    for name, text in bad.items():
        add(f"state.json {name}", job_with(state_json=text))
        add(f"spec.json {name}", job_with(spec_json=text))
    for part, value in {"pid": "x", "started": None, "boot": [], "host": {}}.items():
        worker = {"pid": 1, "started": "ticks 1", "boot": "b", "host": platform.node(), part: value}
        add(
            f"worker {part} = {value!r}",
            job_with(state_json=json.dumps({**state, "state": "running", "worker": worker})),
        )
    for key in record:
        for value in (None, [], {}, 10**400, 1e300, float("nan"), "x", -1):
            if draw.random() < 0.5:
                add(
                    f"progress {key} = {str(value)[:12]!r}",
                    job_with(progress_jsonl=json.dumps({**record, key: value}) + "\n"),
                )
    plans = (
        '{"plan": null}',
        '{"plan": {"p": 0}}',
        '{"plan": {"p": "x"}}',
        '{"plan": {"p": NaN}}',
        '{"plan": []}',
        "\xff",
        "[]",
        "null",
        "x",
    )
    for plan in plans:
        add(f"progress {plan!r}", job_with(progress_jsonl=plan + "\n" + json.dumps(record) + "\n"))
    odd: dict[str, Act] = {
        "a pipe": both(without("state.json"), pipe("state.json")),
        "a folder": both(without("state.json"), folder("state.json")),
        "a loop": both(without("state.json"), link("state.json", "state.json")),
    }
    for name, act in odd.items():
        add(f"state.json is {name}", job_with(state_json=act))
        add(f"log.txt is {name}", job_with(log_txt=_for("log.txt", act)))
        add(f"progress.jsonl is {name}", job_with(progress_jsonl=_for("progress.jsonl", act)))
    return found


def _for(name: str, act: Act) -> Act:
    """Do to another file what is done to ``state.json``."""

    def make(job: Path) -> None:
        state = job / "state.json"
        kept = state.read_bytes() if state.is_file() else b""
        act(job)
        (job / name).unlink(missing_ok=True)
        if state.is_symlink():
            (job / name).symlink_to(name)
        else:
            state.rename(job / name)
        state.unlink(missing_ok=True)
        state.write_bytes(kept)

    return make


# Store folders

_DATABASE = "s/saetui.duckdb"


def store_folders(base: Path, draw: random.Random) -> list[Input]:
    def look(place: Path) -> None:
        from saetui.commands.dispatch import dispatch
        from saetui.jobs.client import JobClient
        from saetui.workbench.workbench import Workbench

        JobClient.ensure_workers = lambda self: None  # type: ignore[method-assign]
        bench = Workbench.open(place / "s", inline=True)
        dispatch(bench, "screen letters")
        for _ in range(2):
            bench._next_look = 0.0
            bench.poll()
        bench.close()

    def damaged(at: float, n: int) -> Act:
        def make(place: Path) -> None:
            path = place / _DATABASE
            raw = bytearray(path.read_bytes())
            start = int(at * len(raw))
            raw[start : start + n] = bytes(draw.randrange(256) for _ in range(min(n, len(raw) - start)))
            path.write_bytes(bytes(raw))

        return make

    changes: dict[str, Act] = {}
    for room in ("spool", "jobs", "locks", "tensors", "saetui.duckdb"):
        gone = without(f"s/{room}")
        changes[f"{room} is a file"] = both(gone, written(f"s/{room}", "x"))
        changes[f"{room} is gone"] = gone
        changes[f"{room} is a loop"] = both(gone, link(f"s/{room}", room))
        changes[f"{room} is a pipe"] = both(gone, pipe(f"s/{room}"))
    changes |= {
        "database empty": written(_DATABASE, b""),
        "database cut": lambda p: os.truncate(p / _DATABASE, 50_000),
        "database of zeros": written(_DATABASE, bytes(100_000)),
        "database of others": _other_database,
        "database a folder": both(without(_DATABASE), folder(_DATABASE)),
        "log of random bytes": written(f"{_DATABASE}.wal", bytes(draw.randrange(256) for _ in range(999))),
        "a file in the spool": written("s/spool/x", "x"),
        "a pipe in the spool": pipe("s/spool/x"),
        "an empty result": folder("s/spool/x"),
        "a result with a pipe": both(folder("s/spool/x"), pipe("s/spool/x/manifest.json")),
        "a file in jobs": written("s/jobs/x", "x"),
        "an empty job": folder("s/jobs/x"),
        "names that are no text": both(
            *(folder(os.fsdecode(f"s/{room}/".encode() + b"\xff\xfe")) for room in ("spool", "jobs", "tensors"))
        ),
        "version null": _sql("DELETE FROM store_state"),
        "version of the future": _sql("UPDATE store_state SET schema_version = 999"),
        "version 0": _sql("UPDATE store_state SET schema_version = 0"),
        "a table is gone": _sql("DROP TABLE note"),
        "a view is gone": _sql("DROP VIEW sae_summary"),
        "another column": _sql("ALTER TABLE sae RENAME COLUMN name TO title"),
        "nulls in figures": _sql("UPDATE sae SET l0 = NULL, fvu = NULL, k = NULL"),
        "not numbers": _sql("UPDATE sae SET l0 = 'nan', fvu = 'inf'"),
        "no rows": _sql("DELETE FROM sae; DELETE FROM latent; DELETE FROM model"),
    }
    for i in range(24):
        changes[f"database damaged {i}"] = damaged(i / 24 if i else 0.0, draw.choice((1, 16, 4096)))
    for name, manifest in {
        "null": "null", "list": "[]", "nulls": json.dumps({"format": 1, "name": None, "job_id": None, "attempt": None, "parts": None}),
        "numbers": json.dumps({"format": 1, "name": 1, "job_id": 2, "attempt": 3, "parts": [1]}), "torn": '{"format": 1, ', "deep": "[" * 100_000,
        "format text": json.dumps({"format": "x"}), "format list": json.dumps({"format": [1]}), "not UTF-8": "\udcff",
        "part null": json.dumps({"format": 1, "name": "x", "job_id": "j", "attempt": "a", "parts": [{"table": None, "file": None, "n_rows": None, "columns": None, "scope": None}]}),
        "part of numbers": json.dumps({"format": 1, "name": "x", "job_id": "j", "attempt": "a", "parts": [{"table": 1, "file": 2, "n_rows": "x", "columns": [1], "scope": {"a": 1}}]}),
    }.items():  # fmt: skip
        content = manifest.encode(errors="surrogateescape")
        changes[f"manifest {name}"] = both(folder("s/spool/0001-x"), written("s/spool/0001-x/manifest.json", content))
    found = []
    for name, change in changes.items():
        make = with_store(base, change)
        found.append(Input("store folders", f"{name}, summary", make, command("open", "s"), False))
        found.append(Input("store folders", f"{name}, jobs", make, command("jobs", "--store", "s"), False))
        found.append(Input("store folders", f"{name}, workbench", make, look, False))
    return found


def _sql(statements: str) -> Act:
    def make(place: Path) -> None:
        import duckdb

        with duckdb.connect(str(place / _DATABASE)) as connection:
            connection.execute(statements)

    return make


def _other_database(place: Path) -> None:
    import duckdb

    (place / _DATABASE).unlink()
    with duckdb.connect(str(place / _DATABASE)) as connection:
        connection.execute("CREATE TABLE mine (a INT)")
