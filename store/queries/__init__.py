"""The named queries: one file a question, with a comment on top that says which."""

from difflib import get_close_matches
from functools import cache
from pathlib import Path

from store.exceptions import QueryError

_FOLDER = Path(__file__).parent


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
