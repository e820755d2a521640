"""The named queries: one file per question, with a comment on top that says which.

A query over millions of rows reads its wide columns late. Its part ``candidates`` holds the narrow columns; the part
``shown`` chooses, between the lines ``-- shown`` and ``-- end of shown``, the candidates whose wide columns are read.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from store.exceptions import QueryError

_FOLDER = Path(__file__).parent
_SHOWN, _END_OF_SHOWN = "-- shown\n", "-- end of shown\n"


@cache
def query_names() -> tuple[str, ...]:
    """The names of all queries, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.sql")))


@cache
def named_query(name: str) -> str:
    """The text of a query, with its comment; QueryError names the nearest where there is none of that name."""
    if name not in query_names():
        near = get_close_matches(name, query_names(), 3, 0.4) or query_names()
        raise QueryError(f"there is no query {name!r}; the nearest are {', '.join(near)}")
    return (_FOLDER / f"{name}.sql").read_text(encoding="utf-8").strip().removesuffix(";")


def text_of(sql_or_name: str) -> str:
    """SQL as it is, or the text of a query named by a bare word."""
    return named_query(sql_or_name) if sql_or_name.isidentifier() else sql_or_name


@dataclass(frozen=True)
class LateQuery:
    """A query that reads its wide columns late: what is before its part ``shown``, and what is after it."""

    candidates: str
    rest: str

    def text(self, source: str) -> str:
        """The query with other candidates shown: those of ``source``, ``FROM candidates`` and its clauses."""
        numbered = f", shown AS (\nSELECT *, row_number() OVER () AS shown_place\nFROM (\n{source}\n)\n)\n"
        return f"{self.candidates}\n{_SHOWN}{numbered}{_END_OF_SHOWN}{self.rest}"


def late_query(sql: str) -> LateQuery | None:
    """The parts of a query that reads its wide columns late, or None where it is not one."""
    candidates, shown, others = sql.partition(_SHOWN)
    _, end, rest = others.partition(_END_OF_SHOWN)
    return LateQuery(candidates.rstrip(), rest) if shown and end else None
