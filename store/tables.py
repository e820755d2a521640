"""The tables that a job can add rows to: their columns, and how rows meet those that are already there."""

from dataclasses import dataclass
from functools import cache

from store.schema import schema_files

# Spooled once under this name, latent activations are stored in two orders, and tokens as one list per context.
ACTIVATIONS, TOKENS = "latent_activation", "token"
STORED_AS = {ACTIVATIONS: ("activation_by_latent", "activation_by_token"), TOKENS: ("token_context",)}


@dataclass(frozen=True)
class Table:
    """How rows are added to a table.

    With a ``key``, a row replaces the given columns of the row with the same key. With a ``scope``, all rows that
    share these columns belong together: what an earlier attempt wrote for them is replaced as a whole. A column of
    ``firsts`` that is not given is the first element of the list column named there.
    """

    key: tuple[str, ...] = ()
    scope: tuple[str, ...] = ()
    firsts: tuple[tuple[str, str], ...] = ()


# In the order in which they are written.
TABLES = {
    "model": Table(key=("model_id",)),
    "corpus": Table(key=("corpus_id",)),
    "sae": Table(key=("sae_id",)),
    "probe": Table(key=("probe_id", "letter")),
    "job": Table(key=("job_id",)),
    "note": Table(key=("note_id",)),
    "mark": Table(key=("subject", "key")),
    "session": Table(key=("session_id",)),
    "vocabulary": Table(scope=("model_id",)),
    TOKENS: Table(scope=("corpus_id",)),
    "latent": Table(scope=("sae_id",), firsts=(("top_token", "top_tokens"), ("promoted", "promotes"))),
    "latent_neighbour": Table(scope=("sae_id", "other_sae_id")),
    ACTIVATIONS: Table(scope=("sae_id", "corpus_id")),
    "word": Table(scope=("probe_id",)),
    "word_activation": Table(scope=("sae_id", "probe_id")),
    "letter_latent": Table(scope=("sae_id", "probe_id")),
    "token_error": Table(scope=("sae_id", "corpus_id")),
    "absorption_run": Table(scope=("sae_id", "probe_id")),
    "sparse_probe": Table(scope=("sae_id", "probe_id")),
    "absorption_word": Table(scope=("sae_id", "probe_id")),
    "absorption_latent": Table(scope=("sae_id", "probe_id")),
    "error_study": Table(key=("study_id",)),
    "error_figure": Table(scope=("study_id",)),
    "error_token": Table(scope=("study_id",)),
    "width_norm": Table(scope=("study_id",)),
    "width_law": Table(scope=("study_id",)),
    "component_sae": Table(scope=("study_id",)),
    "earlier_prediction": Table(scope=("study_id",)),
    "introduced_error": Table(scope=("study_id",)),
    "absorbed_comparison": Table(scope=("comparison_id",)),
    "absorbed_error": Table(scope=("comparison_id",)),
    "pursuit_run": Table(key=("pursuit_id",)),
    "pursuit_code": Table(scope=("pursuit_id",)),
    "ablation": Table(key=("sae_id", "probe_id", "token_id", "latent")),
}
# The logical table of every stored one.
LOGICAL = {stored: name for name in TABLES for stored in STORED_AS.get(name, (name,))}
_PLACE = {"context": "UINTEGER", "position": "USMALLINT"}
_VIEWS = {
    ACTIVATIONS: {"sae_id": "VARCHAR", "corpus_id": "VARCHAR", **_PLACE, "latent": "UINTEGER", "activation": "REAL"},
    TOKENS: {"corpus_id": "VARCHAR", **_PLACE, "token_id": "UINTEGER"},
}
# Stored tables whose parts have other columns than the table itself.
_PARTS = {
    "activation_by_latent": {"latent": "UINTEGER", "activation": "REAL", **_PLACE},
    "activation_by_token": {**_PLACE, "latents": "UINTEGER[]"},
}


@dataclass(frozen=True)
class Columns:
    """The columns of a table by name with their SQL types, and those of them that may not be NULL."""

    types: dict[str, str]
    required: frozenset[str]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.types)


@cache
def columns_of(table: str) -> Columns:
    """The columns of a table of ``TABLES``, as the schema files make them."""
    if table in _VIEWS:
        return Columns(_VIEWS[table], frozenset(_VIEWS[table]))
    return _created(table, set(TABLES[table].key))


@cache
def stored_columns(table: str) -> Columns:
    """The columns that parts of a stored table have, beside those of its scope."""
    if table in _PARTS:
        return Columns(_PARTS[table], frozenset(_PARTS[table]))
    return _created(table, set(TABLES[LOGICAL[table]].key))


def _created(table: str, required: set[str]) -> Columns:
    types = {column: kind for name, column, kind, _ in _schema() if name == table}
    return Columns(
        types, frozenset(required | {column for name, column, _, not_null in _schema() if name == table and not_null})
    )


@cache
def _schema() -> list[tuple[str, str, str, bool]]:
    """``(table, column, type, never NULL)`` of an empty store, which is made in memory and gone at once."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        for path in schema_files().values():
            connection.execute(path.read_text(encoding="utf-8"))
        return connection.execute(
            "SELECT table_name, column_name, replace(data_type, 'FLOAT', 'REAL'), NOT is_nullable "
            "FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index"
        ).fetchall()
