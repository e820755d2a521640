"""The numbered files that make and change the schema: ``0001_initial.sql``, ``0002_….sql``, …"""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@cache
def schema_files() -> dict[int, Path]:
    """The schema files by their number, in ascending order."""
    return {int(path.name.partition("_")[0]): path for path in sorted(_FOLDER.glob("[0-9]*.sql"))}


def newest_version() -> int:
    """The schema version that this saetui writes."""
    return max(schema_files())
