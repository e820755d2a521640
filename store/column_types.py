"""The types of columns, as SQL names them, in polars and in Arrow; and values made to fit them, or refused."""

from functools import cache
from typing import TYPE_CHECKING, Any

from store.aside import first_line
from store.exceptions import SpoolError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

_INTEGERS = {"USMALLINT": "UInt16", "UINTEGER": "UInt32", "UBIGINT": "UInt64", "BIGINT": "Int64"}
_LARGEST_REAL = 3.4028234663852886e38


@cache
def arrow_type(sql: str) -> "pa.DataType":
    """The Arrow type of an SQL type of the schema: the one in which polars writes it."""
    import pyarrow as pa

    if sql.endswith("[]"):
        return pa.large_list(arrow_type(sql.removesuffix("[]")))
    kinds = {
        "VARCHAR": pa.large_string(),
        "JSON": pa.large_string(),
        "USMALLINT": pa.uint16(),
        "UINTEGER": pa.uint32(),
        "UBIGINT": pa.uint64(),
        "BIGINT": pa.int64(),
        "REAL": pa.float32(),
        "DOUBLE": pa.float64(),
        "BOOLEAN": pa.bool_(),
        "TIMESTAMP": pa.timestamp("us"),
    }
    return kinds[sql]


def _polars_type(sql: str) -> Any:
    import polars as pl

    kinds: dict[str, Any] = {
        **{name: getattr(pl, kind) for name, kind in _INTEGERS.items()},
        "VARCHAR": pl.String,
        "JSON": pl.String,
        "REAL": pl.Float32,
        "DOUBLE": pl.Float64,
        "BOOLEAN": pl.Boolean,
        "TIMESTAMP": pl.Datetime("us"),
    }
    kind = kinds[sql.removesuffix("[]")]
    return pl.List(kind) if sql.endswith("[]") else kind


def fitted(table: str, frame: "pl.DataFrame", types: dict[str, str]) -> "pl.DataFrame":
    """The frame with its columns in the types that they are stored in.

    SpoolError, naming table and column, where a value does not fit: a number out of range, or text for a number.
    """
    return frame.with_columns([_fitted(table, column, types[column.name]) for column in frame.get_columns()])


def _fitted(table: str, column: "pl.Series", sql: str) -> "pl.Series":
    import polars as pl

    wanted = _polars_type(sql)
    if column.dtype == wanted:
        return column
    if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone is not None:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    try:
        cast = column.cast(wanted, strict=True)
        values, made = (column.explode(), cast.explode()) if sql.endswith("[]") else (column, cast)
    except (pl.exceptions.PolarsError, OverflowError, ValueError, TypeError) as error:
        raise SpoolError(f"{_told(table, column, sql)}: {first_line(error)}") from error
    if not _same(values, made, sql.removesuffix("[]")):
        raise SpoolError(_told(table, column, sql))
    return cast


def _same(values: "pl.Series", made: "pl.Series", sql: str) -> bool:
    """Whether a cast that raised nothing kept every value: text is no number, no fraction an integer."""
    if values.dtype.is_nested():
        return False
    text, numeric = str(values.dtype) == "String", sql not in ("VARCHAR", "JSON")
    if text and numeric:
        return values.null_count() == len(values)
    if values.dtype.is_float() and sql in _INTEGERS:
        return bool((values == made.cast(values.dtype)).fill_null(True).all())
    if values.dtype.is_float() and sql == "REAL":
        return bool((values.is_nan() | values.is_infinite() | (values.abs() <= _LARGEST_REAL)).fill_null(True).all())
    return True


def _told(table: str, column: "pl.Series", sql: str) -> str:
    return f"{table}.{column.name} holds values that do not fit its type {sql}"
