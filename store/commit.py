"""Committing the spool: every finished result enters the store once, whatever is killed and when."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from store.aside import Rejection, first_line, job_of, put_aside
from store.clock import raise_clock
from store.exceptions import SpoolError, StoreBusy, StoreError
from store.holder import Holder
from store.ingest import Ingested, ingest
from store.manifest import DONE, WRITING, Manifest, finished, held
from store.manifest_check import load
from store.parts import Unread, look_at
from store.plain import check_plain, is_plain_folder
from store.residency import Residency
from store.steps import step
from store.transaction import transaction

# Rows taken in one window, so that readers are let in between.
_WINDOW_ROWS = 4_000_000
# Errors of the rows themselves, unlike those of the disk or the memory, which may be gone the next time.
_UNFIT = (
    SpoolError,
    duckdb.DataError,
    duckdb.IntegrityError,
    duckdb.ProgrammingError,
    duckdb.NotSupportedError,
)


@dataclass(frozen=True)
class CommitReport:
    """What a commit took in, how many results still wait, and which process they wait for.

    ``rows`` counts rows written, ``superseded`` those left out because a later attempt had written their scope.
    ``unread`` are results that could not be read just now, or not be moved out of the way; they are among those that
    wait. ``reason`` says in a sentence why results wait; it is empty where none do.
    """

    manifests: int
    rows: int
    waiting: int
    held_by: Holder | None
    rejected: tuple[Rejection, ...] = ()
    superseded: int = 0
    unread: tuple[Rejection, ...] = ()
    reason: str = ""


@dataclass
class _Progress:
    """What one call has done so far; no result of the spool is looked at twice by it."""

    manifests: int = 0
    rows: int = 0
    superseded: int = 0
    rejected: list[Rejection] = field(default_factory=list)
    unread: list[Rejection] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def report(self, waiting: int, reason: str = "", holder: Holder | None = None) -> CommitReport:
        return CommitReport(
            self.manifests,
            self.rows,
            waiting,
            holder,
            tuple(self.rejected),
            self.superseded,
            tuple(self.unread),
            reason or (self.unread[0].reason if self.unread else ""),
        )

    def refuse(self, folder: Path, error: Exception) -> None:
        """Set a result aside; where that cannot be done, it stays and is said to wait."""
        self.seen.add(folder.name)
        try:
            self.rejected.append(put_aside(folder, str(error)))
        except FileNotFoundError:
            pass
        except StoreError as stuck:
            self.unread.append(Rejection(folder.name, job_of(folder), f"{first_line(error)}; {stuck}"))

    def leave(self, folder: Path, error: Exception) -> None:
        self.seen.add(folder.name)
        self.unread.append(Rejection(folder.name, job_of(folder), first_line(error)))


def commit_spool(residency: Residency, patience: float) -> CommitReport:
    """Take finished results into the store, oldest first, and remove them from the spool.

    A busy store is no error: results then wait, and ``held_by`` says for whom; nor is one that may only be read.
    StoreError where the disk is full or the database damaged; the results wait then, too.
    """
    folder, progress = residency.folder, _Progress()
    check_plain(folder.root, folder.spool)
    if not residency.may_write:
        waiting = len(finished(folder.spool))
        reason = f"{folder.root}: this store may only be read; copy it to a place of your own to take results in"
        return progress.report(waiting, reason if waiting else "")
    while found := _next(residency, progress):
        try:
            _commit_some(residency, found, patience, progress)
        except StoreBusy as busy:
            return progress.report(len(finished(folder.spool)), str(busy), busy.holder)
    _sweep(folder.spool)
    return progress.report(len(progress.unread))


def _next(residency: Residency, progress: _Progress) -> list[tuple[Path, Manifest]]:
    """The next results, a window's worth; what is no result is set aside before the database is opened for it."""
    found: list[tuple[Path, Manifest]] = []
    n_rows = 0
    for folder in finished(residency.folder.spool):
        if folder.name in progress.seen or folder.name in residency.taken:
            continue
        if n_rows >= _WINDOW_ROWS:
            break
        manifest = _looked_at(folder, progress)
        if manifest is not None:
            found.append((folder, manifest))
            n_rows += manifest.n_rows
    return found


def _looked_at(folder: Path, progress: _Progress) -> Manifest | None:
    try:
        if not is_plain_folder(folder):
            raise SpoolError(f"{folder}: is not a folder of a result; only jobs put things into the spool")
        manifest = load(folder)
        for part in manifest.parts:
            look_at(folder, part)
        return manifest
    except SpoolError as error:
        progress.refuse(folder, error)
    except Unread as error:
        progress.leave(folder, error)
    return None


def _commit_some(
    residency: Residency, found: list[tuple[Path, Manifest]], patience: float, progress: _Progress
) -> None:
    """Commit these results, and remove them from the spool."""
    done: list[Path] = []
    with residency.window(patience) as connection, _waiting(residency):
        known = {name for (name,) in connection.execute("SELECT manifest FROM commit_log").fetchall()}
        for folder, manifest in found:
            progress.seen.add(folder.name)
            # Committed before, by a process that did not live to remove it, or by another since the spool was listed.
            if folder.name in known or not folder.exists():
                done.append(folder)
                continue
            try:
                ingested = _commit_one(connection, folder, manifest)
            except _UNFIT as error:
                progress.refuse(folder, error)
                continue
            except Unread as error:
                progress.leave(folder, error)
                continue
            progress.manifests += 1
            progress.rows += ingested.rows
            progress.superseded += ingested.superseded
            done.append(folder)
        ((latest,),) = connection.execute("SELECT max(attempt) FROM written_scope").fetchall()
    if latest is not None:
        raise_clock(residency.folder, latest)
    for folder in done:
        _remove(residency, folder)


@contextmanager
def _waiting(residency: Residency) -> Iterator[None]:
    """Say of what the database cannot do just now that the results wait."""
    try:
        yield
    except duckdb.Error as error:
        raise StoreError(
            f"{residency.folder.database}: results cannot be committed ({first_line(error)}); they wait in "
            f"{residency.folder.spool}; make room on the disk, or in memory, and they are taken in"
        ) from error


def _commit_one(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> Ingested:
    with transaction(connection):
        ingested = ingest(connection, folder, manifest)
        step("rows inserted")
        connection.execute(
            "INSERT INTO commit_log VALUES ($name, $job_id, now()::TIMESTAMP, $n_rows)",
            {"name": manifest.name, "job_id": manifest.job_id, "n_rows": ingested.rows},
        )
        step("commit logged")
    return ingested


def _remove(residency: Residency, folder: Path) -> None:
    """Take a committed folder out of the spool: out of sight by one rename, then gone."""
    gone = folder.with_name(folder.name + DONE)
    try:
        folder.rename(gone)
    except FileNotFoundError:
        return
    except OSError:
        # It is in the commit log: it stays where it is and is never taken in again.
        residency.taken.add(folder.name)
        return
    shutil.rmtree(gone, ignore_errors=True)


def _sweep(spool: Path) -> None:
    """Remove what dead processes left: committed folders, and unfinished ones whose writer is gone."""
    for path in spool.glob("*" + DONE):
        shutil.rmtree(path, ignore_errors=True)
    for path in spool.glob("*" + WRITING):
        with suppress(OSError):
            if is_plain_folder(path) and (lock := held(path)) is not None:
                try:
                    gone = path.with_name(path.name + DONE)
                    path.rename(gone)
                    shutil.rmtree(gone, ignore_errors=True)
                finally:
                    lock.close()
