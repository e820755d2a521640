"""Committing the spool: every finished result enters the store once, whatever is killed and when."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from store.errors import SpoolError, StoreBusy
from store.filelock import FileLock
from store.holder import Holder
from store.ingest import ingest
from store.manifest import DONE, REJECTED, WRITING, Manifest, finished
from store.residency import Residency
from store.spool import LOCK, step

# Rows taken in one window, so that readers are let in between.
_WINDOW_ROWS = 8_000_000


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

    Never raises for a busy store: results then wait, and ``held_by`` says for whom.
    """
    spool = residency.folder.spool
    n_manifests = n_rows = 0
    rejected: list[Rejection] = []
    while waiting := finished(spool):
        try:
            done, rows, refused = _commit_some(residency, waiting, patience)
        except StoreBusy as busy:
            return CommitReport(n_manifests, n_rows, len(finished(spool)), busy.holder, tuple(rejected))
        n_manifests += done
        n_rows += rows
        rejected += refused
    _sweep(spool)
    return CommitReport(n_manifests, n_rows, 0, None, tuple(rejected))


def _commit_some(residency: Residency, folders: list[Path], patience: float) -> tuple[int, int, list[Rejection]]:
    with residency.window(patience) as connection:
        known = {row[0] for row in connection.execute("SELECT manifest FROM commit_log").fetchall()}
        taken: list[Path] = []
        rejected: list[Rejection] = []
        n_manifests = n_rows = 0
        for folder in folders:
            # Another process may have been here since the spool was listed.
            if folder.name in known or not folder.exists():
                taken.append(folder)
                continue
            if n_rows >= _WINDOW_ROWS:
                break
            try:
                n_rows += _commit_one(connection, folder)
            except (SpoolError, duckdb.Error) as error:
                rejected.append(_reject(folder, error))
                continue
            n_manifests += 1
            taken.append(folder)
    for folder in taken:
        _remove(folder)
    return n_manifests, n_rows, rejected


def _commit_one(connection: duckdb.DuckDBPyConnection, folder: Path) -> int:
    manifest = Manifest.load(folder)
    connection.execute("BEGIN")
    try:
        ingest(connection, folder, manifest)
        step("rows inserted")
        connection.execute(
            "INSERT INTO commit_log VALUES ($name, $job_id, now()::TIMESTAMP, $n_rows)",
            {"name": folder.name, "job_id": manifest.job_id, "n_rows": manifest.n_rows},
        )
        connection.execute("UPDATE store_state SET revision = revision + 1")
        step("commit logged")
        connection.execute("COMMIT")
        step("committed")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    return manifest.n_rows


def _reject(folder: Path, error: Exception) -> Rejection:
    reason = str(error).splitlines()[0]
    try:
        job_id = Manifest.load(folder).job_id
    except SpoolError:
        job_id = ""
    (folder / "error.txt").write_text(f"{error}\n", encoding="utf-8")
    kept = folder.with_name(folder.name + REJECTED)
    folder.rename(kept)
    step("result rejected")
    return Rejection(kept.name, job_id, reason)


def _remove(folder: Path) -> None:
    """Take a committed folder out of the spool: out of sight by one rename, then gone."""
    gone = folder.with_name(folder.name + DONE)
    try:
        folder.rename(gone)
    except FileNotFoundError:
        return
    step("result out of sight")
    shutil.rmtree(gone, ignore_errors=True)
    step("result removed")


def _sweep(spool: Path) -> None:
    """Remove what dead processes left: committed folders, and folders whose writer is gone."""
    for path in spool.glob("*" + DONE):
        shutil.rmtree(path, ignore_errors=True)
    for path in spool.glob("*" + WRITING):
        if (path / LOCK).exists():
            lock = FileLock(path / LOCK)
            if lock.exclusive():
                shutil.rmtree(path, ignore_errors=True)
            lock.close()
