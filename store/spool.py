"""The spool: where jobs leave their results, without ever opening the database.

Rows are written as Parquet parts into a folder of their own; ``flush`` adds a manifest and gives the folder its final
name by one atomic rename. Whoever has the store open commits finished folders, each exactly once.
"""

import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias
from uuid import uuid4

from store.clock import next_tick
from store.column_types import fitted
from store.exceptions import SpoolError
from store.filelock import FileLock
from store.folder import Folder
from store.manifest import JOB_ID, MANIFEST, WRITING, Manifest, Part, held, part_name
from store.plain import check_plain
from store.steps import step
from store.sync import sync
from store.tables import ACTIVATIONS, STORED_AS, TABLES, TOKENS, columns_of
from store.trouble import FULL

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    Frame: TypeAlias = pl.DataFrame | pa.Table | Sequence[Mapping[str, Any]]

# DuckDB's row group: parts cut at multiples of it go into a table without being cut again.
ROW_GROUP = 122_880
PART_ROWS = 16 * ROW_GROUP


class Spool:
    """Collects the rows of one job; as a context manager it flushes when left normally, and forgets after an error.

    Rows of a table that has a scope (``store.tables``) replace what an earlier attempt of a job wrote for that scope:
    a job that is run again gives the same rows, not twice as many.
    """

    def __init__(self, store: Path | str, job_id: str) -> None:
        self._folder = Folder(Path(store))
        if not isinstance(job_id, str) or not JOB_ID.fullmatch(job_id):
            raise SpoolError(f"{job_id!r:.80} is not an id of a job: 1 to 200 letters, digits, or any of _ . @ : + -")
        self.job_id = job_id
        self.attempt = f"{next_tick(self._folder)}-{uuid4().hex[:8]}"
        self._flushes = 0
        self._buffers: dict[_Kind, list[pl.DataFrame]] = {}
        self._parts: list[Part] = []
        self._writing: Path | None = None
        self._lock: FileLock | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()
        else:
            self.discard()

    def add(self, table: str, rows: "Frame") -> None:
        """Add rows to a table of ``store.tables``; they are in the store once a flush of them has been committed.

        ``rows`` is a polars frame, an Arrow table, or a sequence of dictionaries. Latent activations go to
        ``latent_activation`` with sae_id, corpus_id, context, position, latent and activation, token after token.
        SpoolError where the table or a column is unknown, a required one is missing or NULL, or the disk is full.
        """
        frame = _frame(table, rows)
        if not frame.height:
            return
        _check(table, frame)
        frame = _with_firsts(fitted(table, frame, columns_of(table).types), TABLES[table].firsts)
        for scope, group in _groups(frame, TABLES[table].scope):
            kind = (table, tuple(group.columns), tuple(scope.items()))
            self._buffers.setdefault(kind, []).append(group)
            self._write_full_parts(kind)

    def flush(self) -> str | None:
        """Finish what was added since the last flush, as one result, committed whole; its name, or None if empty."""
        for kind in list(self._buffers):
            self._write_part(kind, _concat(self._buffers.pop(kind)))
        if self._writing is None:
            return None
        self._flushes += 1
        manifest = Manifest(f"{self.attempt}-{self._flushes:04d}", self.job_id, self.attempt, tuple(self._parts))
        with self._or_discarded() as folder:
            _write_file(folder / MANIFEST, manifest.dumps().encode())
            step("manifest written")
            sync(folder)
            folder.rename(self._folder.spool / manifest.name)
            step("result finished")
            sync(self._folder.spool)
        self._leave()
        return manifest.name

    def discard(self) -> None:
        """Forget what was added since the last flush."""
        self._buffers.clear()
        if self._writing is not None:
            shutil.rmtree(self._writing, ignore_errors=True)
        self._leave()

    def _leave(self) -> None:
        if self._lock is not None:
            self._lock.close()
        self._writing, self._lock, self._parts = None, None, []

    def _write_full_parts(self, kind: "_Kind") -> None:
        frames = self._buffers[kind]
        if sum(frame.height for frame in frames) < PART_ROWS:
            return
        whole = _concat(frames)
        full = whole.height // PART_ROWS * PART_ROWS
        for start in range(0, full, PART_ROWS):
            self._write_part(kind, whole.slice(start, PART_ROWS))
        self._buffers[kind] = [whole.slice(full)]

    def _write_part(self, kind: "_Kind", frame: "pl.DataFrame") -> None:
        table, _, scope = kind
        if not frame.height:
            return
        n_rows = frame.height
        for stored, rows in _stored_forms(table, frame):
            self._write(stored, rows, n_rows, dict(scope))
            # A second form of the same rows adds none.
            n_rows = 0

    def _write(self, table: str, frame: "pl.DataFrame", n_rows: int, scope: dict[str, str]) -> None:
        name = part_name(len(self._parts), table)
        # Through memory, since a full disk is then an OSError with its number, as for any other file.
        part = BytesIO()
        frame.write_parquet(part, compression="lz4", row_group_size=ROW_GROUP)
        # Released also where the write fails: Python before 3.12.2 can crash on a lost buffer with a view of it.
        with part.getbuffer() as content:
            with self._or_discarded() as folder:
                _write_file(folder / name, content)
            step("part written")
            checksum = hashlib.sha256(content).hexdigest()
        self._parts.append(Part(table, name, n_rows, tuple(frame.columns), scope, checksum))

    @contextmanager
    def _or_discarded(self) -> Iterator[Path]:
        """The folder being written, made when first needed; a failure in the block discards the unfinished result."""
        try:
            while self._writing is None or self._lock is None:
                check_plain(self._folder.root, self._folder.spool)
                self._writing = self._folder.spool / f"{self.attempt}-{self._flushes + 1:04d}{WRITING}"
                self._writing.mkdir(parents=True, exist_ok=True)
                step("folder made")
                self._lock = held(self._writing)
            yield self._writing
        except OSError as error:
            self.discard()
            raise self._refused(error) from error
        except BaseException:
            self.discard()
            raise

    def _refused(self, error: OSError) -> SpoolError:
        folder = self._folder.spool
        if error.errno in FULL:
            return SpoolError(
                f"{folder}: the disk is full; make room there and run job {self.job_id} again "
                "(what it had finished before is kept, nothing half written is left)"
            )
        return SpoolError(f"{folder}: results cannot be written: {error.strerror or error}")


_Kind = tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]


def _frame(table: str, rows: "Frame") -> "pl.DataFrame":
    import polars as pl

    if isinstance(rows, pl.DataFrame):
        return rows
    if isinstance(rows, Sequence):
        try:
            return pl.DataFrame(rows, infer_schema_length=None)
        except (pl.exceptions.PolarsError, ValueError, TypeError, OverflowError) as error:
            raise SpoolError(f"{_culprit(table, rows)}: {str(error).partition(chr(10))[0]}") from error
    frame = pl.from_arrow(rows)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _culprit(table: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The column whose values polars cannot hold side by side."""
    import polars as pl

    for name in {name: None for row in rows if isinstance(row, Mapping) for name in row}:
        try:
            pl.Series([row.get(name) for row in rows])
        except (pl.exceptions.PolarsError, ValueError, TypeError, OverflowError):
            return f"{table}.{name} holds values that do not fit one column"
    return f"{table}: the rows are no dictionaries of values"


def _check(table: str, frame: "pl.DataFrame") -> None:
    if table not in TABLES:
        raise SpoolError(f"there is no table {table!r} to add rows to; there are {', '.join(TABLES)}")
    columns, rule = columns_of(table), TABLES[table]
    if unknown := [name for name in frame.columns if name not in columns.names]:
        raise SpoolError(f"{table} has no column {unknown[0]!r}; it has {', '.join(columns.names)}")
    # A row of a keyed table may bring only the columns that it changes.
    needed = set(rule.key) if rule.key else columns.required
    if missing := sorted(needed - set(frame.columns)):
        raise SpoolError(f"{table} needs the column {missing[0]!r}")
    for name in sorted(columns.required & set(frame.columns)):
        if frame[name].null_count():
            raise SpoolError(f"{table}.{name} may not be NULL, but is in {frame[name].null_count()} rows")
    if table == ACTIVATIONS and (n_bad := int((~frame["activation"].is_finite()).sum())):
        raise SpoolError(f"{table}.activation is not a number in {n_bad} rows; was the model or the SAE damaged?")


def _stored_forms(table: str, frame: "pl.DataFrame") -> "list[tuple[str, pl.DataFrame]]":
    """The tables that rows are stored in, in the form they have there."""
    if table not in STORED_AS:
        return [(table, frame)]
    import polars as pl

    from store.orders import by_context, by_latent, by_token

    makers = {ACTIVATIONS: (by_latent, by_token), TOKENS: (by_context,)}[table]
    try:
        return [(stored, make(frame)) for stored, make in zip(STORED_AS[table], makers, strict=True)]
    except pl.exceptions.PolarsError as error:
        raise SpoolError(f"{table}: {error}") from error


def _with_firsts(frame: "pl.DataFrame", firsts: tuple[tuple[str, str], ...]) -> "pl.DataFrame":
    given = [(name, lists) for name, lists in firsts if lists in frame.columns and name not in frame.columns]
    return frame.with_columns(**{name: frame[lists].list.first() for name, lists in given}) if given else frame


def _groups(frame: "pl.DataFrame", scope: tuple[str, ...]) -> Iterable[tuple[dict[str, str], "pl.DataFrame"]]:
    """The frame cut by its scope columns, which are taken out of it."""
    if not scope:
        return [({}, frame)]
    if all((frame[name] == frame[name][0]).all() for name in scope):
        return [({name: str(frame[name][0]) for name in scope}, frame.drop(scope))]
    cut = frame.partition_by(scope, maintain_order=True, include_key=False, as_dict=True)
    return [(dict(zip(scope, map(str, key), strict=True)), group) for key, group in cut.items()]


def _concat(frames: "list[pl.DataFrame]") -> "pl.DataFrame":
    import polars as pl

    return frames[0] if len(frames) == 1 else pl.concat(frames, how="vertical_relaxed")


def _write_file(path: Path, content: bytes | memoryview) -> None:
    """A new file that is on the disk when this returns."""
    with path.open("wb") as file:
        step("file made")
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
