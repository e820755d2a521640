"""Tables to files: Parquet and CSV written by DuckDB, Markdown for notes; the query goes beside the file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saetui.commands.errors import CommandError
from saetui.commands.window import literal_sql

if TYPE_CHECKING:
    from store import Store
_WRITERS = {".parquet": "FORMAT parquet, COMPRESSION zstd", ".csv": "FORMAT csv, HEADER true"}
FORMATS = (*_WRITERS, ".md")


def export(store: Store, sql: str, parameters: dict[str, Any], path: Path) -> str:
    """Write all rows of a query; the file appears whole or not at all.

    Raises CommandError naming the path where its ending is none of .parquet, .csv, .md, or its folder cannot be
    written to. Returns a line that says what was written.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise CommandError(f"export: {path.name!r} must end in {', '.join(FORMATS)}")
    if not path.parent.is_dir():
        raise CommandError(f"export: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise CommandError(f"export: {path.parent} cannot be written to")
    whole = literal_sql(sql, parameters)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        if suffix in _WRITERS:
            target = str(part).replace("'", "''")
            rows = store.fetch(f"COPY (\n{whole}\n) TO '{target}' ({_WRITERS[suffix]})").rows[0][0]
        else:
            rows = _write_markdown(store, whole, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    path.with_suffix(".sql").write_text(whole + ";\n", encoding="utf-8")
    return f"{rows:,} rows written to {path}, the query beside it"


def _write_markdown(store: Store, sql: str, path: Path) -> int:
    rows = store.fetch(sql)
    lines = [_line(rows.columns), _line("---" for _ in rows.columns), *map(_line, rows.rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(rows.rows)


def _line(values: Any) -> str:
    cells = ("" if v is None else str(v).replace("\\", "\\\\").replace("|", "\\|").replace("\n", "⏎") for v in values)
    return f"| {' | '.join(cells)} |"
