"""How one spooled result enters the tables, inside the transaction of a commit.

Every part is read once, by Python, and reaches the database as an Arrow table: DuckDB opens no file but its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from store.exceptions import SpoolError
from store.manifest import Manifest, Part
from store.parts import read_part
from store.tables import ACTIVATIONS, LOGICAL, STORED_AS, TABLES

# A place is numbered context * stride + position. Where the token set is unknown, this stride always suffices.
_LARGEST_STRIDE = 65_536
_ORDER = {name: number for number, name in enumerate(TABLES)}
_Scope = dict[str, str]


@dataclass(frozen=True)
class Ingested:
    """The rows of a result that were written, and those left out since a later attempt has written their scope."""

    rows: int
    superseded: int


def ingest(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> Ingested:
    """Write the rows of a finished folder; SpoolError or duckdb.Error where they do not fit, Unread where they wait."""
    rows = superseded = 0
    for part in sorted(manifest.parts, key=lambda part: (_ORDER[LOGICAL[part.table]], part.file)):
        logical = LOGICAL[part.table]
        scope = {name: part.scope[name] for name in TABLES[logical].scope}
        if scope and not _owns(connection, logical, scope, manifest.attempt):
            superseded += part.n_rows
            continue
        table = read_part(folder, part)
        if not scope:
            rows += _upsert(connection, part, table)
            continue
        rows += part.n_rows
        if logical == ACTIVATIONS:
            _append_activations(connection, part.table, scope, table)
        else:
            _append(connection, part, scope, table)
    return Ingested(rows, superseded)


@contextmanager
def _source(connection: duckdb.DuckDBPyConnection, table: pa.Table) -> Iterator[str]:
    """The name by which SQL finds an Arrow table."""
    connection.register("spooled_part", table)
    try:
        yield "temp.spooled_part"
    finally:
        connection.unregister("spooled_part")


def _append(connection: duckdb.DuckDBPyConnection, part: Part, scope: _Scope, table: pa.Table) -> None:
    names = ", ".join(map(_quoted, (*scope, *part.columns)))
    values = ", ".join([*(f"${name}" for name in scope), *map(_quoted, part.columns)])
    with _source(connection, table) as source:
        connection.execute(f"INSERT INTO {_quoted(part.table)} ({names}) SELECT {values} FROM {source}", scope)


def _upsert(connection: duckdb.DuckDBPyConnection, part: Part, table: pa.Table) -> int:
    """Write keyed rows; how many. The last of several rows with one key counts."""
    key, name = TABLES[part.table].key, _quoted(part.table)
    keys, names = ", ".join(map(_quoted, key)), ", ".join(map(_quoted, part.columns))
    changed = [column for column in part.columns if column not in key]
    same = " AND ".join(f"{name}.{_quoted(column)} = part.{_quoted(column)}" for column in key)
    with _source(connection, table.append_column("row number", _numbers(table.num_rows))) as source:
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE part AS SELECT {names} FROM {source} "
            f'QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY "row number" DESC) = 1'
        )
    if changed:
        sets = ", ".join(f"{_quoted(column)} = part.{_quoted(column)}" for column in changed)
        connection.execute(f"UPDATE {name} SET {sets} FROM temp.part AS part WHERE {same}")
    connection.execute(
        f"INSERT INTO {name} ({names}) SELECT {names} FROM temp.part AS part "
        f"WHERE NOT EXISTS (SELECT 1 FROM {name} WHERE {same})"
    )
    ((written,),) = connection.execute("SELECT count(*) FROM temp.part").fetchall()
    connection.execute("DROP TABLE temp.part")
    return int(written)


def _numbers(count: int) -> pa.Array:
    # From a buffer, since `pyarrow.array` imports pandas where it is installed.
    return pa.Array.from_buffers(pa.int64(), count, [None, pa.py_buffer(np.arange(count, dtype=np.int64))])


def _append_activations(connection: duckdb.DuckDBPyConnection, name: str, scope: _Scope, table: pa.Table) -> None:
    number, stride = _activation_set(connection, scope)
    last = pc.max(table.column("position")).as_py()
    if last is not None and last >= stride:
        raise SpoolError(
            f"latent_activation has position {last}, but contexts of {scope['corpus_id']!r} have {stride} tokens"
        )
    place = "context::UBIGINT * $stride::UBIGINT + position AS place"
    columns = f"latent, activation, {place}" if name == "activation_by_latent" else f"{place}, latents"
    with _source(connection, table) as source:
        connection.execute(
            f"INSERT INTO {_quoted(name)} BY NAME SELECT $number::USMALLINT AS activation_set, {columns} FROM {source}",
            {"number": number, "stride": stride},
        )


def _activation_set(connection: duckdb.DuckDBPyConnection, scope: _Scope) -> tuple[int, int]:
    """The number and stride of a set of activations, which is entered where it is new."""
    found = connection.execute(
        "SELECT activation_set, stride FROM activation_set WHERE sae_id = $sae_id AND corpus_id = $corpus_id", scope
    ).fetchall()
    if not found:
        found = connection.execute(
            "INSERT INTO activation_set SELECT (SELECT coalesce(max(activation_set), 0) + 1 FROM activation_set), "
            "$sae_id, $corpus_id, coalesce((SELECT context_length FROM corpus WHERE corpus_id = $corpus_id), $stride) "
            "RETURNING activation_set, stride",
            {**scope, "stride": _LARGEST_STRIDE},
        ).fetchall()
    number, stride = found[0]
    return int(number), int(stride)


def _owns(connection: duckdb.DuckDBPyConnection, logical: str, scope: _Scope, attempt: str) -> bool:
    """Whether this attempt may write the scope: it does already, or replaces what an earlier one wrote."""
    at = {"table": logical, "scope": "/".join(f"{name}={value}" for name, value in scope.items())}
    found = connection.execute(
        "SELECT attempt FROM written_scope WHERE table_name = $table AND scope = $scope", at
    ).fetchall()
    if not found:
        connection.execute("INSERT INTO written_scope VALUES ($table, $scope, $attempt)", {**at, "attempt": attempt})
    elif found[0][0] < attempt:
        _forget(connection, logical, scope)
        connection.execute(
            "UPDATE written_scope SET attempt = $attempt WHERE table_name = $table AND scope = $scope",
            {**at, "attempt": attempt},
        )
    return not found or bool(found[0][0] <= attempt)


def _forget(connection: duckdb.DuckDBPyConnection, logical: str, scope: _Scope) -> None:
    if logical == ACTIVATIONS:
        number, _ = _activation_set(connection, scope)
        for table in STORED_AS[ACTIVATIONS]:
            connection.execute(f"DELETE FROM {table} WHERE activation_set = $number", {"number": number})
        return
    same = " AND ".join(f"{_quoted(name)} = ${name}" for name in scope)
    for table in STORED_AS.get(logical, (logical,)):
        connection.execute(f"DELETE FROM {_quoted(table)} WHERE {same}", scope)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
