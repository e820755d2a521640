"""Committing the spool: every finished result enters the store once, whatever is killed and when."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from store.errors import SpoolError, StoreBusy, StoreError
from store.holder import Holder
from store.ingest import ingest
from store.manifest import DONE, REJECTED, WRITING, Manifest, finished, held
from store.residency import Residency
from store.steps import step
from store.transaction import transaction

# Rows taken in one window, so that readers are let in between.
_WINDOW_ROWS = 4_000_000
# Errors of the rows themselves, unlike those of the disk or the memory, which may be gone the next time.
_UNFIT = (SpoolError, duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError, duckdb.NotSupportedError)


@dataclass(frozen=True)
class Rejection:
    """A result that does not fit the store; its folder is kept in the spool under ``name``."""

    name: str
    job_id: str
    reason: str


@dataclass(frozen=True)
class CommitReport:
    """What a commit took in, how many results still wait, and which process they wait for."""

    manifests: int
    rows: int
    waiting: int
    held_by: Holder | None
    rejected: tuple[Rejection, ...] = ()


def commit_spool(residency: Residency, patience: float) -> CommitReport:
    """Take finished results into the store, oldest first, and remove them from the spool.

    A busy store is no error: results then wait, and ``held_by`` says for whom. StoreError where the disk is full or the
    database damaged; the results wait then, too.
    """
    spool = residency.folder.spool
    n_manifests = n_rows = 0
    rejected: list[Rejection] = []
    while folders := finished(spool):
        try:
            done, rows, refused = _commit_some(residency, folders, patience)
        except StoreBusy as busy:
            return CommitReport(n_manifests, n_rows, len(finished(spool)), busy.holder, tuple(rejected))
        n_manifests += done
        n_rows += rows
        rejected += refused
    _sweep(spool)
    return CommitReport(n_manifests, n_rows, 0, None, tuple(rejected))


def _commit_some(residency: Residency, folders: list[Path], patience: float) -> tuple[int, int, list[Rejection]]:
    """Commit up to a window's worth of results; how many, their rows, and those that do not fit."""
    with residency.window(patience) as connection:
        known = {name for (name,) in connection.execute("SELECT manifest FROM commit_log").fetchall()}
        done: list[Path] = []
        rejected: list[Rejection] = []
        n_manifests = n_rows = 0
        for folder in folders:
            # Committed before, by a process that did not live to remove it, or by another since the spool was listed.
            if folder.name in known or not folder.exists():
                done.append(folder)
                continue
            if n_rows >= _WINDOW_ROWS:
                break
            try:
                n_rows += _commit_one(connection, folder)
            except _UNFIT as error:
                rejected.append(_reject(folder, error))
                continue
            except duckdb.Error as error:
                raise StoreError(
                    f"{residency.folder.database}: results cannot be committed ({_first_line(error)}); they wait in "
                    f"{folder.parent}; make room on the disk, or in memory, and they are taken in"
                ) from error
            n_manifests += 1
            done.append(folder)
    for folder in done:
        _remove(folder)
    return n_manifests, n_rows, rejected


def _commit_one(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    manifest = Manifest.load(folder)
    with transaction(connection):
        ingest(connection, folder, manifest)
        step("rows inserted")
        connection.execute(
            "INSERT INTO commit_log VALUES ($name, $job_id, now()::TIMESTAMP, $n_rows)",
            {"name": folder.name, "job_id": manifest.job_id, "n_rows": manifest.n_rows},
        )
        step("commit logged")
    return manifest.n_rows


def _reject(folder: Path, error: Exception) -> Rejection:
    try:
        job_id = Manifest.load(folder).job_id
    except SpoolError:
        job_id = "?"
    (folder / "error.txt").write_text(f"{error}\n", encoding="utf-8")
    kept = folder.with_name(folder.name + REJECTED)
    folder.rename(kept)
    return Rejection(kept.name, job_id, _first_line(error))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _remove(folder: Path) -> None:
    """Take a committed folder out of the spool: out of sight by one rename, then gone."""
    gone = folder.with_name(folder.name + DONE)
    with suppress(FileNotFoundError):
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def _sweep(spool: Path) -> None:
    """Remove what dead processes left: committed folders, and unfinished ones whose writer is gone."""
    for path in spool.glob("*" + DONE):
        shutil.rmtree(path, ignore_errors=True)
    for path in spool.glob("*" + WRITING):
        if (lock := held(path)) is not None:
            _remove(path)
            lock.close()
