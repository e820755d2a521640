"""The store's record of jobs that have ended, one row each; it reaches the store through the spool like all results."""

import contextlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saetui.jobs.folder import JobFolder, Record
from store.errors import StoreError


def job_row(folder: JobFolder, record: Record) -> dict[str, Any]:
    """The row of the ``job`` table for a job in the state it is given."""
    message = ": ".join(filter(None, (record.message, record.hint))) or None
    return {
        "job_id": record.job_id,
        "kind": record.kind,
        "title": record.title,
        "state": record.state,
        "device": record.device,
        "spec": json.dumps(folder.read_spec()),
        "content_hash": record.content_hash,
        "created": _timestamp(record.created),
        "started": None if record.started is None else _timestamp(record.started),
        "ended": _timestamp(time.time() if record.ended is None else record.ended),
        "message": message,
    }


def keep(store_root: Path, folder: JobFolder) -> None:
    """Spools the row of an ended job, once; where the disk is full the next worker of the store does it."""
    from store.spool import Spool

    if folder.kept.exists():
        return
    try:
        record = folder.read()
        with Spool(store_root, record.job_id) as spool:
            spool.add("job", [job_row(folder, record)])
        folder.kept.touch()
    except (StoreError, OSError) as error:
        with contextlib.suppress(OSError), folder.log.open("a", encoding="utf-8") as log:
            log.write(f"the job's row was not written: {error}\n")


def _timestamp(seconds: float) -> datetime:
    """UTC without a zone, as all times in the store are."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
