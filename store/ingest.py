"""How one spooled result enters the tables, inside the transaction of a commit."""

from collections import defaultdict
from pathlib import Path

import duckdb

from store.errors import SpoolError
from store.manifest import Manifest, Part
from store.tables import ACTIVATIONS, STORED_AS, TABLES

# A place is numbered context * stride + position. Where the token set is unknown, this stride always suffices.
_LARGEST_STRIDE = 65_536
_LOGICAL = {stored: name for name, tables in STORED_AS.items() for stored in tables}
_ORDER = {name: number for number, name in enumerate(TABLES)}
_Scope = tuple[tuple[str, str], ...]


def ingest(connection: duckdb.DuckDBPyConnection, folder: Path, manifest: Manifest) -> None:
    """Write the rows of a finished folder; SpoolError or duckdb.Error where they do not fit."""
    groups: dict[tuple[str, tuple[str, ...], _Scope], list[str]] = defaultdict(list)
    for part in sorted(manifest.parts, key=_order):
        groups[part.table, part.columns, tuple(part.scope.items())].append(_readable(connection, folder / part.file))
    for (table, columns, scope), files in groups.items():
        logical = _LOGICAL.get(table, table)
        if TABLES[logical].key:
            _upsert(connection, table, columns, files)
        elif _owns(connection, logical, dict(scope), manifest.attempt):
            if logical == ACTIVATIONS:
                _append_activations(connection, table, dict(scope), files)
            else:
                _append(connection, table, columns, dict(scope), files)


def _order(part: Part) -> tuple[int, str]:
    logical = _LOGICAL.get(part.table, part.table)
    if logical not in _ORDER:
        raise SpoolError(f"{part.file}: there is no table {part.table!r}; was it written by a later saetui?")
    return _ORDER[logical], part.file


def _readable(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    try:
        connection.execute("SELECT count(*) FROM parquet_file_metadata($file)", {"file": str(path)}).fetchall()
    except duckdb.Error as error:
        raise SpoolError(f"{path}: is missing or damaged; run its job again") from error
    return str(path)


def _append(
    connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...], scope: dict[str, str], files: list[str]
) -> None:
    names = ", ".join(map(_quoted, (*scope, *columns)))
    values = ", ".join([*(f"${name}" for name in scope), *map(_quoted, columns)])
    connection.execute(
        f"INSERT INTO {table} ({names}) SELECT {values} FROM read_parquet($files)", {**scope, "files": files}
    )


def _upsert(connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...], files: list[str]) -> None:
    key = TABLES[table].key
    keys, names = ", ".join(map(_quoted, key)), ", ".join(map(_quoted, columns))
    changed = [name for name in columns if name not in key]
    same = " AND ".join(f"{table}.{_quoted(name)} = part.{_quoted(name)}" for name in key)
    for file in files:
        # The last of several rows with one key counts.
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE part AS SELECT {names} FROM read_parquet($file, file_row_number = true) "
            f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY file_row_number DESC) = 1",
            {"file": file},
        )
        if changed:
            sets = ", ".join(f"{_quoted(name)} = part.{_quoted(name)}" for name in changed)
            connection.execute(f"UPDATE {table} SET {sets} FROM part WHERE {same}")
        connection.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} FROM part "
            f"WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE {same})"
        )
        connection.execute("DROP TABLE part")


def _append_activations(
    connection: duckdb.DuckDBPyConnection, table: str, scope: dict[str, str], files: list[str]
) -> None:
    number, stride = _activation_set(connection, scope)
    last = connection.execute("SELECT max(position) FROM read_parquet($files)", {"files": files}).fetchone()
    if last is not None and last[0] >= stride:
        raise SpoolError(
            f"latent_activation has position {last[0]}, but contexts of {scope['corpus_id']!r} have {stride} tokens"
        )
    place = f"context::UBIGINT * {stride} + position AS place"
    columns = f"latent, activation, {place}" if table == "activation_by_latent" else f"{place}, latents"
    connection.execute(
        f"INSERT INTO {table} BY NAME SELECT {number} AS activation_set, {columns} FROM read_parquet($files)",
        {"files": files},
    )


def _activation_set(connection: duckdb.DuckDBPyConnection, scope: dict[str, str]) -> tuple[int, int]:
    """The number and stride of a set of activations, which is entered where it is new."""
    found = connection.execute(
        "SELECT activation_set, stride FROM activation_set WHERE sae_id = $sae_id AND corpus_id = $corpus_id", scope
    ).fetchone()
    if found is None:
        found = connection.execute(
            "INSERT INTO activation_set SELECT (SELECT coalesce(max(activation_set), 0) + 1 FROM activation_set), "
            "$sae_id, $corpus_id, coalesce((SELECT context_length FROM corpus WHERE corpus_id = $corpus_id), $stride) "
            "RETURNING activation_set, stride",
            {**scope, "stride": _LARGEST_STRIDE},
        ).fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def _owns(connection: duckdb.DuckDBPyConnection, logical: str, scope: dict[str, str], attempt: str) -> bool:
    """Whether this attempt may write the scope: it does already, or replaces what an earlier one wrote."""
    at = {"table": logical, "scope": "/".join(f"{name}={value}" for name, value in scope.items())}
    found = connection.execute(
        "SELECT attempt FROM written_scope WHERE table_name = $table AND scope = $scope", at
    ).fetchone()
    if found is None:
        connection.execute("INSERT INTO written_scope VALUES ($table, $scope, $attempt)", {**at, "attempt": attempt})
    elif found[0] < attempt:
        _forget(connection, logical, scope)
        connection.execute(
            "UPDATE written_scope SET attempt = $attempt WHERE table_name = $table AND scope = $scope",
            {**at, "attempt": attempt},
        )
    return found is None or found[0] <= attempt


def _forget(connection: duckdb.DuckDBPyConnection, logical: str, scope: dict[str, str]) -> None:
    if logical == ACTIVATIONS:
        number, _ = _activation_set(connection, scope)
        for table in STORED_AS[ACTIVATIONS]:
            connection.execute(f"DELETE FROM {table} WHERE activation_set = {number}")
        return
    same = " AND ".join(f"{name} = ${name}" for name in scope)
    for table in STORED_AS.get(logical, (logical,)):
        connection.execute(f"DELETE FROM {table} WHERE {same}", scope)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
