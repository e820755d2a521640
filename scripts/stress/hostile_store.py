"""Opens stores that a stranger has prepared, and looks at what happened outside of them.

Each attack changes a copy of a good store. A child then does what a person does with a store that he was given: the
summary, the list of jobs, cancelling each, figures, and the workbench with its polls, a recorded session and each
screen. Beside the store lies a folder whose files are compared before and after: names, content and times, also those
of the last reading. An innocent process is there to be killed, and every start of another one is seen and refused.

Prints a table by kind of attack: the stores, and of them those in which a file outside was written or renamed or
removed, or read; in which a process was killed, or a job started; in which control characters reached the output; which
ended in a traceback, or did not end. Exit code 1 where any is not 0.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from runpy import run_path
from typing import Any

import kit

KINDS = ("written", "read", "killed", "started", "escapes", "traceback", "endless")
_LIMIT_S = 60.0


@dataclass
class Found:
    """What an attack came to: texts by kind."""

    name: str
    seen: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, text: str) -> None:
        self.seen.setdefault(kind, []).append(text)


def make_template(folder: Path) -> None:
    """A good store, and beside it what belongs to the victim."""
    run_path(str(kit.CHECKOUT / "tests" / "tui" / "store_fixture.py"))["make_study"](folder / "s")
    outside = folder / "outside"
    import polars as pl

    for place in ("folder", "results/0001-a", "job", "sae_id=owned"):
        (outside / place).mkdir(parents=True)
    for name in (
        "precious.txt",
        "secret.txt",
        "folder/precious.txt",
        "results/precious.txt",
        "results/0001-a/data.txt",
    ):
        (outside / name).write_text("a secret that nobody may read\n")
    (outside / "secret.json").write_text('{"a": "secret"}')
    pl.DataFrame({"sae_id": ["secret"], "letter": ["s"]}).write_parquet(outside / "secret.parquet")
    pl.DataFrame({"letter": ["s"]}).write_parquet(outside / "sae_id=owned" / "x.parquet")
    for name in ("state.json", "spec.json"):
        (outside / "job" / name).write_text("{}")


def snapshot(outside: Path) -> dict[str, tuple[Any, ...]]:
    """Each thing below a folder: what it is, its content, when it was changed."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in sorted(outside.rglob("*")):
        stat = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() and not path.is_symlink() else ""
        found[str(path.relative_to(outside))] = (stat.st_mode, stat.st_size, stat.st_mtime_ns, content)
    return found


def unread(outside: Path) -> None:
    """Set the times of the last reading so far back that any reading is seen (also where ``relatime`` is set)."""
    for path in [*outside.rglob("*"), outside]:
        if not path.is_symlink():
            os.utime(path, ns=(0, path.stat().st_mtime_ns))


def read_ones(outside: Path) -> list[str]:
    """What has been read, or listed, since ``unread``."""
    paths = [path for path in [*outside.rglob("*")] if not path.is_symlink()]
    return [str(p.relative_to(outside)) for p in paths if p.lstat().st_atime > 1000 and p.is_file()]


def one(name: str, folder: Path, template: Path) -> Found:
    """Prepare a store, visit it, and compare."""
    from all_attacks import ATTACKS

    found = Found(name)
    base = folder / "run"
    shutil.rmtree(base, ignore_errors=True)
    shutil.copytree(template, base, symlinks=True)
    root, outside = base / "s", base / "outside"
    victim = subprocess.Popen(["sleep", "600"], start_new_session=True)
    (base / "victim").write_text(str(victim.pid))
    try:

        def prepare() -> None:
            kit.set_home(base / "stranger")
            ATTACKS[name](root, outside)

        ended = kit.run(prepare, folder / "prepare.txt", 60)
        if ended.how != "good":
            found.add("traceback", f"the attack itself failed: {kit.last_line(ended.text)}")
            return found
        before = snapshot(outside)
        beside = {path.name for path in base.iterdir()} | {"home", "heard.txt", "output.txt", "leases"}
        unread(outside)
        said = visit(root, folder, found)
        read = read_ones(outside)  # Before the content is compared, which reads it as well.
        if read and name != "link: database":
            found.add("read", ", ".join(read))
        after = snapshot(outside)
        changed = sorted({n for n in before.keys() | after.keys() if before.get(n) != after.get(n)})
        if changed:
            found.add("written", ", ".join(changed))
        if made := {path.name for path in base.iterdir()} - beside:
            found.add("written", f"beside the store: {', '.join(sorted(made))}")
        if victim.poll() is not None:
            found.add("killed", "the innocent process")
        if bad := sorted({f"U+{ord(c):04X}" for c in said if _is_hidden(c)}):
            found.add("escapes", " ".join(bad))
    finally:
        victim.kill()
        victim.wait()
        for kind, texts in found.seen.items():
            print(f"  {found.name} -> {kind}: {Counter(texts).most_common(1)[0][0][:260]}", file=sys.stderr)
    return found


def _is_hidden(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Co")


def visit(root: Path, folder: Path, found: Found) -> str:
    """What a person does with a store that he was given; everything that was printed."""
    jobs = sorted(path.name for path in (root / "jobs").iterdir()) if (root / "jobs").is_dir() else []
    jobs = [name for name in jobs if not name.startswith(".")]
    lines = [["open", str(root)], ["jobs", "--store", str(root)]]
    lines += [["jobs", "cancel", "--store", str(root), "--", name] for name in jobs]

    def all_commands() -> None:
        import traceback

        for line in lines:
            try:
                _command(line)
            except SystemExit:
                continue
            except BaseException:
                traceback.print_exc()

    said = _visited(all_commands, root, folder, found, "commands")
    return said + _visited(lambda: _workbench(root), root, folder, found, "workbench")


def _visited(play: Any, root: Path, folder: Path, found: Found, what: str) -> str:
    heard, output = folder / "heard.txt", folder / "output.txt"
    heard.unlink(missing_ok=True)

    def watched() -> None:
        kit.set_home(root.parent)
        kit.without_sync()
        # Warnings on what is printed are for people; here they are part of it.
        fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="surrogateescape", closefd=False, buffering=1)
        sys.addaudithook(_hook(root, heard))
        play()

    ended = kit.run(watched, folder / "visit.txt", _LIMIT_S)
    text = output.read_text(encoding="utf-8", errors="surrogateescape") if output.exists() else ""
    if ended.how == "endless":
        found.add("endless", what)
    trouble = ended.text or (text if "Traceback (most recent" in text or "unexpected error" in text else "")
    if trouble or ended.how in ("died", "killed"):
        found.add("traceback", f"{what}: {kit.last_line(trouble) or ended.how}")
    for line in heard.read_text().splitlines() if heard.exists() else []:
        kind, _, rest = line.partition(" ")
        found.add(kind, f"{what}: {rest}")
    return text


def _hook(root: Path, heard: Path) -> Any:
    """Hear, and refuse, the start and the end of other processes."""
    me = os.getpid()

    def told(line: str) -> None:
        fd = os.open(heard, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(fd, (line + "\n").encode(errors="replace"))
        os.close(fd)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and "-m" in args[1]:
            told(f"started {' '.join(map(str, args[1][-8:]))!r}")
            raise PermissionError("no process may be started here")
        if event in ("os.kill", "os.killpg") and args[0] not in (me, 0) and args[1] != 0:
            told(f"killed {args[0]} by signal {args[1]}")
            raise PermissionError("no process may be ended here")

    return hook


def _command(line: list[str]) -> None:
    from saetui.cli import main

    sys.argv = ["saetui", *line]
    main()


def _workbench(root: Path) -> None:
    """Each screen and its tables, polls, jobs, notes, and a session that is recorded."""
    from saetui.commands.dispatch import dispatch
    from saetui.commands.session import Recorder, fingerprint
    from saetui.workbench.exceptions import user_errors
    from saetui.workbench.screens import screens
    from saetui.workbench.workbench import Workbench

    known: tuple[type[Exception], ...] = (*user_errors(), OSError)
    try:
        bench = Workbench.open(root)
    except user_errors() as error:
        print(f"message: {error}" if not _is_raw(str(error)) else "")
        return
    bench.recorder = Recorder(root / "sessions", lambda: fingerprint(bench.store))
    for screen in screens():
        try:
            dispatch(bench, f"screen {screen}")
            for _, query in bench.view().tables:
                sql, parameters = query.window(0, 50)
                bench.store.fetch(sql, **parameters)
            bench.store.fetch("SELECT text FROM note")
        except user_errors():
            continue
    deadline = time.monotonic() + 1.6
    while time.monotonic() < deadline:
        bench.poll()
        time.sleep(0.05)
    for job in bench.jobs:
        job.log_tail(20)
        try:
            dispatch(bench, f"cancel {job.id}")
        except known:
            continue
    bench.poll()
    bench.close()


def _is_raw(text: str) -> bool:
    """Here texts go to a widget, which makes them visible itself; so they are not printed as they are."""
    return any(_is_hidden(c) for c in text)


def main(seed: int = 0, only: str = "", parallel: int = 2, *, n: int | None = None) -> int:
    """Visit all stores, or ``n`` drawn ones; the number of those in which something happened that must not."""
    import random

    from all_attacks import ATTACKS

    names = [name for name in ATTACKS if only in name]
    if n is not None:
        names = random.Random(seed).sample(names, min(n, len(names)))
    kit.preload()
    with kit.workplace("hostile") as folder:
        template = folder / "template"
        ended = kit.run(lambda: make_template(template), folder / "template.txt", 120)
        if ended.how != "good":
            raise SystemExit(f"the good store cannot be made\n{ended.text}")
        found = kit.in_parallel(names, lambda name, place: one(name, place, template), folder, parallel)
    kinds = list(dict.fromkeys(name.partition(":")[0] for name in names))
    rows = []
    for kind in kinds:
        of_kind = [f for f in found if f.name.partition(":")[0] == kind]
        rows.append([kind, len(of_kind), *(sum(k in f.seen for f in of_kind) for k in KINDS)])
    kit.print_table(("attack", "stores", *KINDS), [*rows, kit.totals(rows)])
    print(f"{len(names)} stores; {kit.load()}")
    return sum(bool(f.seen) for f in found)


if __name__ == "__main__":
    options = kit.arguments(__doc__, n=1000, parallel=(int, 2, "stores at the same time"))
    sys.exit(1 if main(options.seed, options.only, options.parallel, n=options.n) else 0)
