"""The store's record of jobs that have ended, one row each; it reaches the store through the spool like all results."""

import contextlib
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from saetui.jobs.exceptions import JobError
from saetui.jobs.files import append, touch
from saetui.jobs.folder import JobFolder, Record
from store.exceptions import StoreError


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

    if os.path.lexists(folder.kept):
        return
    try:
        record = folder.read()
        with Spool(store_root, record.job_id) as spool:
            spool.add("job", [job_row(folder, record)])
        touch(folder.kept)
    except (StoreError, JobError, OSError) as error:
        with contextlib.suppress(OSError):
            append(folder.log, f"the job's row was not written: {error}\n")


def _timestamp(seconds: float) -> datetime:
    """UTC without a zone, as all times in the store are."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
