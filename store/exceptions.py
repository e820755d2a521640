"""What can go wrong with a store; every message names the file, what is wrong with it, and what to do."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from store.holder import Holder


class StoreError(Exception):
    """Any error about a store that its user can understand and fix."""


class StoreMissing(StoreError):  # noqa: N818
    """There is no store at the path."""


class StoreUnreadable(StoreError):  # noqa: N818
    """Something is at the path, but it is not a store, or it may not be read."""


class StoreNewer(StoreError):  # noqa: N818
    """The store was written by a later saetui."""


class StoreBusy(StoreError):  # noqa: N818
    """Another process holds the database; ``holder`` says which, where the system knows."""

    def __init__(self, message: str, holder: "Holder | None" = None) -> None:
        super().__init__(message)
        self.holder = holder


class QueryError(StoreError):
    """A query is unknown, lacks a parameter, or is refused by the database."""


class QueryInterrupted(QueryError):  # noqa: N818
    """A query was stopped by ``interrupt()``."""


class SpoolError(StoreError):
    """Results cannot be written to the spool, or do not fit the tables they name."""
