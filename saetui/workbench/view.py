"""What is on screen, as data: enough to show it again, and to tell whether it is the same."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from saetui.workbench.attention import Attention
from saetui.workbench.screens import recorded_name, tables
from saetui.workbench.table_query import TableQuery

if TYPE_CHECKING:
    from store import Store
# Rows of each table that count for the digest: about a screen full.
DIGEST_ROWS = 50
_AT_START = asdict(Attention())


@dataclass(frozen=True)
class View:
    """A screen, what is looked at, and ``(table, query)`` of everything it shows."""

    screen: str
    attention: Attention
    tables: tuple[tuple[str, TableQuery], ...]

    def content(self, store: Store) -> dict[str, Any]:
        """The view with the first rows of every table, as JSON can hold it."""
        shown: dict[str, list[list[Any]]] = {}
        for table, asked in self.tables:
            sql, parameters = asked.window(0, DIGEST_ROWS)
            rows = store.fetch(sql, **parameters)
            # What came later is left out as well.
            own = tables()[table]
            kept = [i for i, name in enumerate(rows.columns) if name not in own.undigested]
            named = [own.renamed.get(rows.columns[i], rows.columns[i]) for i in kept]
            shown[table] = [named, *([_settled(row[i]) for i in kept] for row in rows.rows)]
        # What has its initial value is left out, so that old sessions stay valid when there is more to look at.
        looked_at = {name: value for name, value in asdict(self.attention).items() if value != _AT_START[name]}
        return {"screen": self.screen, "attention": looked_at, "tables": shown}

    def digests_as_in(self, session_format: int) -> bool:
        """Whether sessions of a format have the same digest of it.

        A table may have had other rows then; those of format 1 had no tie-break and no fixed parameters.
        """
        if any(tables()[table].rows_since > session_format for table, _ in self.tables):
            return False
        return session_format > 1 or not any(asked.order or tables()[table].fixed for table, asked in self.tables)

    def digest(self, store: Store) -> str:
        """A short hash of the content: equal digests mean the same picture."""
        content = self.content(store)
        shown = {recorded_name(table): rows for table, rows in content["tables"].items()}
        content |= {"screen": recorded_name(self.screen), "tables": shown}
        text = json.dumps(content, default=str, sort_keys=True)
        return sha256(text.encode()).hexdigest()[:16]


def _settled(value: Any) -> Any:
    """A float without its last digits: a mean over threads is added up in a different order each time."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return [_settled(part) for part in value] if isinstance(value, list) else value
