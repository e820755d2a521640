"""Fills a small disk to the last kilobytes, does everything that writes, makes room, and goes on.

A file system in memory of its own is mounted (where that is not allowed, files are limited in size instead, and it is
said). For each amount of room, from none to some hundred kilobytes, a store is made, results are spooled and committed,
a job is submitted and run, an SAE saved, a session recorded, a table exported. Then the disk has room again, and
everything is done once more.

Prints a table: for each of these how many amounts of room there were, how often it was done or refused with a message,
and how often something else came: a traceback, rows lost or doubled, a store or file that stays broken, no end. Exit
code 1 where any of these is not 0.
"""

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import forks
import kit

KINDS = ("done", "message", "traceback", "lost", "broken", "endless")
BAD = KINDS[2:]
ROOMS_KB = (0, 4, 8, 16, 28, 40, 64, 96, 100, 128, 150, 180, 200, 256, 320, 400, 520, 700, 1000, 1600)
_DISK_MB = 48
_LIMIT_S = 60.0


@dataclass(frozen=True)
class Work:
    """Something that writes: what is there before, what is done on the full disk, and what must hold when it has room."""

    name: str
    before: Callable[[Path], object]
    act: Callable[[Path], object]
    after: Callable[[Path], object]
    torch: bool = False
    family: bool = False


def _rows(root: Path, wanted: dict[str, int]) -> None:
    from job_scenes import BrokenError

    from store import Store

    with Store.open(root) as store:
        store.commit_spool()
        found = {
            str(s): int(n) for s, n in store.fetch("SELECT sae_id, count(*) FROM latent_activation GROUP BY ALL").rows
        }
        store.write("DELETE FROM mark")
    if found != wanted:
        raise BrokenError("lost", f"the rows are {found}, and should be {wanted}")


def _spool(root: Path) -> None:
    from tests.store import killed

    killed._spool(root, "a")


def _spool_again(root: Path) -> None:
    _spool(root)
    _rows(root, {"a": 20})


def _make(root: Path) -> None:
    from store import Store

    Store.open(root, create=True).close()


def _make_again(root: Path) -> None:
    _make(root)
    _rows(root, {})


def _before_commit(root: Path) -> None:
    _make(root)
    _spool(root)


def _commit(root: Path) -> None:
    from store import Store

    with Store.open(root) as store:
        store.commit_spool()


def _run_job(root: Path) -> None:
    from job_scenes import client_of
    from stress_tasks import RowsSpec

    from saetui.jobs.run import follow

    client = client_of(root)
    job = client.submit(RowsSpec(label="a"))
    for _ in follow(client, job.id):
        pass
    client.release_workers()


def _run_again(root: Path) -> None:
    from job_scenes import client_of, nobody_left, settle
    from stress_tasks import RowsSpec

    client = client_of(root)
    if not client.jobs():
        client.submit(RowsSpec(label="a"))
    settle(client, ("a",))
    client.release_workers()
    nobody_left(root, client)
    ended = kit.run(lambda: _rows(root, {"a": 24}), root.parents[1] / "rows.txt", 60)
    if ended.how != "good":
        from job_scenes import BrokenError

        raise BrokenError("lost", kit.last_line(ended.text))


def works() -> list[Work]:
    import paper_scenes as papers
    import sae_scenes as saes

    nothing = lambda root: None  # noqa: E731
    return [
        Work("make a store", nothing, _make, _make_again),
        Work("spool", _make, _spool, _spool_again),
        Work("commit", _before_commit, _commit, lambda root: _rows(root, {"a": 20})),
        Work("run a job", _make, _run_job, _run_again, family=True),
        Work("session", papers.before, papers.play_session, papers.recover_session),
        Work("export", papers.before_export, papers.play_export, papers.recover_export),
        Work("save an SAE", saes.before_save, saes.play_save, saes.recover_save, torch=True),
    ]


class Disk:
    """A file system of its own, or a folder where that cannot be mounted."""

    def __init__(self, place: Path) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.path = place
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MB}m", "tmpfs", str(place)]
        self.is_real = (
            shutil.which("mount") is not None
            and subprocess.run(mount, capture_output=True, check=False).returncode == 0
        )

    def fill(self, room_kb: int) -> None:
        """Leave so many kilobytes."""
        if not self.is_real:
            return
        stat = os.statvfs(self.path)
        size = stat.f_bavail * stat.f_frsize - room_kb * 1024
        with (self.path / "filler").open("wb") as file:
            while size > 0:
                size -= file.write(b"\0" * min(size, 1 << 20))

    def limit(self, room_kb: int) -> None:
        """In the child: where there is no disk of its own, no file may be longer than that."""
        if not self.is_real:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            size = max(4, room_kb) * 1024  # So much the kit itself has to write.
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    def make_room(self) -> None:
        (self.path / "filler").unlink(missing_ok=True)

    def end(self) -> None:
        if self.is_real:
            subprocess.run(["umount", str(self.path)], check=False)


def one(given: tuple[Work, int], folder: Path) -> tuple[str, int, list[tuple[str, str]]]:
    """One amount of room: how the work ended on the full disk, and what was wrong afterwards."""
    from bad_input import is_ours

    work, room_kb = given
    disk = Disk(folder / "disk")
    base = disk.path / "w"
    base.mkdir(parents=True)
    root, report = base / "s", folder / "report.txt"
    seen: list[tuple[str, str]] = []
    told = folder / "told.txt"

    def acted(act: Callable[[Path], object], *, full: bool) -> Callable[[], None]:
        def play() -> None:
            kit.set_home(folder)
            kit.without_sync()
            told.unlink(missing_ok=True)
            if work.family:
                forks.start_by_fork(base / "pids")
            if full:
                disk.limit(room_kb)
            try:
                act(root)
            except Exception as error:
                if not is_ours(error) and not type(error).__name__ == "BrokenError":
                    raise
                told.write_text(f"{getattr(error, 'kind', 'message')}\n{error}")

        return play

    try:
        (base / "pids").write_text(" " * 0)
        ended = kit.run(acted(work.before, full=False), report, 60)
        if ended.how != "good":
            return work.name, room_kb, [("traceback", f"before: {kit.last_line(ended.text)}")]
        disk.fill(room_kb)
        ended = kit.run(acted(work.act, full=True), report, _LIMIT_S)
        if ended.how == "endless":
            seen.append(("endless", "on the full disk"))
        elif ended.how != "good":
            seen.append(
                ("traceback", f"on the full disk: {kit.last_line(ended.text)} {ended.how if not ended.text else ''}")
            )
        elif told.exists():
            seen.append(("message", told.read_text().partition("\n")[2]))
        else:
            seen.append(("done", ""))
        disk.make_room()
        ended = kit.run(acted(work.after, full=False), report, 90)
        if ended.how == "endless":
            seen.append(("endless", "with room again"))
        elif told.exists():
            kind, _, text = told.read_text().partition("\n")
            kind = (
                kind
                if kind in ("lost", "endless")
                else "lost"
                if kind == "doubled"
                else "endless"
                if kind == "stuck"
                else "broken"
            )
            seen.append((kind, f"with room again: {text}"))
        elif ended.how != "good":
            seen.append(("broken", f"with room again: {kit.last_line(ended.text)}"))
        for kind, text in seen:
            if kind in BAD or "Errno" in text:
                print(f"  {work.name}, {room_kb} kB -> {kind}: {text[:300]}", file=sys.stderr)
        return work.name, room_kb, seen
    finally:
        for pid in forks.living(base / "pids"):
            os.kill(pid, signal.SIGKILL)
        disk.end()
        shutil.rmtree(disk.path, ignore_errors=True)


def main(only: str = "", parallel: int = 2, rooms: tuple[int, ...] = ROOMS_KB, *, torch: bool = True) -> int:
    """Do all works at all amounts of room; the number of those in which something bad came."""
    chosen = [work for work in works() if only in work.name and (torch or not work.torch)]
    with kit.workplace("disk") as folder:
        kit.preload()
        probe = Disk(folder / "probe")
        is_real = probe.is_real
        probe.end()
        found = kit.in_parallel([(w, r) for w in chosen if not w.torch for r in rooms], one, folder, parallel)
        if heavy := [(w, r) for w in chosen if w.torch for r in rooms]:
            import torch as _torch

            import saetui.jobs.work.shelf  # noqa: F401

            _torch.set_num_threads(1)
            found += kit.in_parallel(heavy, one, folder, parallel)
    table = []
    for work in chosen:
        counts = Counter(kind for name, _, seen in found if name == work.name for kind in {k for k, _ in seen})
        table.append([work.name, len(rooms), *(counts[kind] for kind in KINDS)])
    kit.print_table(("work", "rooms", *KINDS), [*table, kit.totals(table)])
    how = f"a disk of {_DISK_MB} MB" if is_real else "no disk could be mounted: files were limited in size instead"
    print(f"{how}, {min(rooms)} to {max(rooms)} kB of room; {kit.load()}")
    return sum(any(kind in BAD for kind, _ in seen) for _, _, seen in found)


if __name__ == "__main__":
    options = kit.arguments(
        __doc__,
        parallel=(int, 2, "disks at the same time"),
        rooms=(str, ",".join(map(str, ROOMS_KB)), "kilobytes of room"),
    )
    amounts = tuple(int(text) for text in options.rooms.split(","))
    sys.exit(1 if main(options.only, options.parallel, amounts, torch=not options.light) else 0)
