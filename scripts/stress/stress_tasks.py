"""Kinds of job for the stress kit, which need no torch; named by ``SAETUI_TASKS``."""

import time
from typing import ClassVar, Literal

from pydantic import Field

from saetui.jobs.context import TaskContext
from saetui.jobs.specs import Spec

ROWS = 12


class RowsSpec(Spec):
    """Writes rows under a label, in several flushes, and may fail until it is allowed to go on."""

    paths: ClassVar[tuple[str, ...]] = ()

    kind: Literal["rows"] = "rows"
    label: str = Field(description="The SAE id that its rows have.")
    flushes: int = Field(default=2, ge=1, description="Results that it writes.")
    pause_s: float = Field(default=0.0, ge=0, description="Seconds between two of them.")
    needs: str = Field(default="", description="A file in the store without which it fails after its first result.")


SPECS = (RowsSpec,)


def run(spec: Spec, context: TaskContext) -> None:
    import polars as pl

    assert isinstance(spec, RowsSpec)
    for flush in range(spec.flushes):
        context.progress("write", flush, spec.flushes, "results")
        rows = range(flush * ROWS, (flush + 1) * ROWS)
        columns = {
            "context": [row // 4 for row in rows],
            "position": [row % 4 for row in rows],
            "latent": [row % 3 for row in rows],
            "activation": [float(row) for row in rows],
        }
        frame = pl.DataFrame(columns).with_columns(sae_id=pl.lit(spec.label), corpus_id=pl.lit("c"))
        context.spool.add("latent_activation", frame)
        if flush + 1 < spec.flushes:
            context.spool.flush()
        if spec.needs and not (context.store_root / spec.needs).exists():
            raise RuntimeError(f"{spec.needs} is not there")
        until = time.monotonic() + spec.pause_s
        while time.monotonic() < until:
            context.check()
            time.sleep(0.01)
    context.progress("write", spec.flushes, spec.flushes, "results")
