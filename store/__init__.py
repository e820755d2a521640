"""The DuckDB + safetensors store: one folder with every result, open to many readers, committed in brief windows."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from store.aside import Rejection as Rejection
    from store.aside import set_aside as set_aside
    from store.commit import CommitReport as CommitReport
    from store.exceptions import QueryError as QueryError
    from store.exceptions import QueryInterrupted as QueryInterrupted
    from store.exceptions import SpoolError as SpoolError
    from store.exceptions import StoreBusy as StoreBusy
    from store.exceptions import StoreError as StoreError
    from store.exceptions import StoreMissing as StoreMissing
    from store.exceptions import StoreNewer as StoreNewer
    from store.exceptions import StoreUnreadable as StoreUnreadable
    from store.holder import Holder as Holder
    from store.outside import query_files as query_files
    from store.reader import Reader as Reader
    from store.rows import Rows as Rows
    from store.spool import Spool as Spool
    from store.store import Store as Store

# Where each public name lives; a name is imported when it is first asked for, so that `import store` costs nothing.
_HOMES = {
    "CommitReport": "store.commit",
    "Holder": "store.holder",
    "QueryError": "store.exceptions",
    "QueryInterrupted": "store.exceptions",
    "Reader": "store.reader",
    "Rejection": "store.aside",
    "Rows": "store.rows",
    "Spool": "store.spool",
    "SpoolError": "store.exceptions",
    "Store": "store.store",
    "StoreBusy": "store.exceptions",
    "StoreError": "store.exceptions",
    "StoreMissing": "store.exceptions",
    "StoreNewer": "store.exceptions",
    "StoreUnreadable": "store.exceptions",
    "set_aside": "store.aside",
    "query_files": "store.outside",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'store' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
