"""Tables to files: Parquet, CSV, Markdown for notes; the query goes beside the file.

The database gives the rows as Arrow and Python writes them: the store's connection reaches no file of the user.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from saetui.visible import visible
from saetui.workbench.exceptions import CommandError
from saetui.workbench.sql_text import file_of_query
from saetui.workbench.written_files import in_the_way, require_free, write_with_query

if TYPE_CHECKING:
    import pyarrow as pa

    from store import Reader

FORMATS = (".parquet", ".csv", ".md")
# Rows that are made Markdown at a time.
_BATCH = 10_000


def export(store: Reader, sql: str, parameters: dict[str, Any], path: Path, *, overwrite: bool = False) -> str:
    """Write all rows of a query, and the query beside them; both appear whole or not at all.

    Raises CommandError naming the path where it does not end in .parquet, .csv or .md, its folder cannot be written
    to, or it or its query exists and ``overwrite`` does not say that it may go. Returns a line that says what was
    written.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise CommandError(f"export: {path.name!r} must end in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise CommandError(f"export: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise CommandError(f"export: {path.parent} cannot be written to")
    text = file_of_query(sql, parameters)
    try:
        if not overwrite:
            # Said before a query that may take minutes.
            require_free(in_the_way(path, text, FORMATS))
        rows = store.arrow(sql, **parameters)
        write = partial(_WRITERS[suffix], rows)
        query = write_with_query(path, write, text, siblings=FORMATS, overwrite=overwrite)
    except CommandError as problem:
        raise CommandError(f"export: {problem}") from problem
    return f"{rows.num_rows:,} rows written to {path}, the query beside it in {query.name}"


def would_overwrite(sql: str, parameters: dict[str, Any], path: Path) -> list[Path]:
    """The files that an export would overwrite."""
    return in_the_way(path, file_of_query(sql, parameters), FORMATS)


def _write_parquet(rows: pa.Table, file: BinaryIO) -> None:
    import pyarrow.parquet as pq

    pq.write_table(rows, file, compression="zstd")


def _write_csv(rows: pa.Table, file: BinaryIO) -> None:
    import polars as pl

    frame = pl.DataFrame(pl.from_arrow(_flat(rows)))
    for start in range(0, max(1, frame.height), _BATCH):
        lines = frame.slice(start, _BATCH).write_csv(include_header=start == 0, datetime_format="%Y-%m-%d %H:%M:%S%.f")
        file.write(lines.encode())


def _flat(rows: pa.Table) -> pa.Table:
    """The table with lists, records and bytes as text, for which CSV has no cells of their own."""
    import pyarrow as pa

    for index, field in enumerate(rows.schema):
        if pa.types.is_nested(field.type):
            texts = [
                None if v is None else json.dumps(v, ensure_ascii=False, default=str) for v in rows[index].to_pylist()
            ]
        elif pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            texts = [None if v is None else v.hex() for v in rows[index].to_pylist()]
        else:
            continue
        rows = rows.set_column(index, field.name, pa.array(texts, pa.string()))
    return rows


def _write_markdown(rows: pa.Table, file: BinaryIO) -> None:
    file.write(_line(rows.column_names) + _line("---" for _ in rows.column_names))
    for batch in rows.to_batches(max_chunksize=_BATCH):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            file.write(_line(values))


_WRITERS: dict[str, Callable[[pa.Table, BinaryIO], None]] = {
    ".parquet": _write_parquet,
    ".csv": _write_csv,
    ".md": _write_markdown,
}
# What Markdown would take for a cell's end, a link, code or HTML.
_MARKS = str.maketrans({mark: f"\\{mark}" for mark in "\\|`[]<>"})


def _line(values: Iterable[Any]) -> bytes:
    cells = ("" if value is None else visible(str(value)).translate(_MARKS) for value in values)
    return f"| {' | '.join(cells)} |\n".encode()
