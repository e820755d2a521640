"""The tables that a job can add rows to: their columns, and how rows meet those that are already there."""

from dataclasses import dataclass
from functools import cache

from store.schema import schema_files

# Spooled once under this name, latent activations are stored in two orders, and tokens as one list per context.
ACTIVATIONS, TOKENS = "latent_activation", "token"
STORED_AS = {ACTIVATIONS: ("activation_by_latent", "activation_by_token"), TOKENS: ("token_context",)}


@dataclass(frozen=True)
class TableRules:
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
    "model": TableRules(key=("model_id",)),
    "corpus": TableRules(key=("corpus_id",)),
    "sae": TableRules(key=("sae_id",)),
    "probe": TableRules(key=("probe_id", "letter")),
    "job": TableRules(key=("job_id",)),
    "note": TableRules(key=("note_id",)),
    "mark": TableRules(key=("subject", "key")),
    "session": TableRules(key=("session_id",)),
    "vocabulary": TableRules(scope=("model_id",)),
    TOKENS: TableRules(scope=("corpus_id",)),
    "latent": TableRules(scope=("sae_id",), firsts=(("top_token", "top_tokens"), ("promoted", "promotes"))),
    "latent_neighbour": TableRules(scope=("sae_id", "other_sae_id")),
    ACTIVATIONS: TableRules(scope=("sae_id", "corpus_id")),
    "word": TableRules(scope=("probe_id",)),
    "word_activation": TableRules(scope=("sae_id", "probe_id")),
    "letter_latent": TableRules(scope=("sae_id", "probe_id")),
    "token_error": TableRules(scope=("sae_id", "corpus_id")),
    "absorption_run": TableRules(scope=("sae_id", "probe_id")),
    "sparse_probe": TableRules(scope=("sae_id", "probe_id")),
    "absorption_word": TableRules(scope=("sae_id", "probe_id")),
    "absorption_latent": TableRules(scope=("sae_id", "probe_id")),
    "error_study": TableRules(key=("study_id",)),
    "error_figure": TableRules(scope=("study_id",)),
    "error_token": TableRules(scope=("study_id",)),
    "width_norm": TableRules(scope=("study_id",)),
    "width_law": TableRules(scope=("study_id",)),
    "component_sae": TableRules(scope=("study_id",)),
    "earlier_prediction": TableRules(scope=("study_id",)),
    "introduced_error": TableRules(scope=("study_id",)),
    "absorbed_comparison": TableRules(scope=("comparison_id",)),
    "absorbed_error": TableRules(scope=("comparison_id",)),
    "pursuit_run": TableRules(key=("pursuit_id",)),
    "pursuit_code": TableRules(scope=("pursuit_id",)),
    "ablation": TableRules(key=("sae_id", "probe_id", "token_id", "latent")),
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
            # Comments change no column, and take longer than all else.
            if "_comments_on_" not in path.name:
                connection.execute(path.read_text(encoding="utf-8"))
        return connection.execute(
            "SELECT table_name, column_name, replace(data_type, 'FLOAT', 'REAL'), NOT is_nullable "
            "FROM duckdb_columns() WHERE NOT internal ORDER BY table_oid, column_index"
        ).fetchall()
