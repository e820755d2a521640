"""Small kinds of job for the tests; named by ``SAETUI_TASKS``."""

import ctypes
import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from saetui.jobs.context import TaskContext
from saetui.jobs.specs import Spec


class CountSpec(Spec):
    """Counts to a number."""

    kind: Literal["count"] = "count"
    to: int = Field(3, ge=0, description="The last number.")
    pause_s: float = Field(0.0, ge=0, description="Seconds between two numbers.")
    label: str = Field("", description="Makes two specs differ.")


class TroubleSpec(Spec):
    """Fails in a way of choice."""

    kind: Literal["trouble"] = "trouble"
    how: str = Field(description="The way.")
    label: str = ""


class ReadSpec(Spec):
    """Has a path."""

    paths: ClassVar[tuple[str, ...]] = ("corpus",)

    kind: Literal["read"] = "read"
    corpus: str = "stdlib"


SPECS = (CountSpec, TroubleSpec, ReadSpec)


class OutOfMemoryError(RuntimeError):
    """Stands for torch's own, which a test without a GPU cannot provoke."""


OutOfMemoryError.__module__ = "torch"


def run(spec: Spec, context: TaskContext) -> None:
    if isinstance(spec, CountSpec):
        _count(spec, context)
    elif isinstance(spec, TroubleSpec):
        _trouble(spec.how, context)


def _count(spec: CountSpec, context: TaskContext) -> None:
    made = context.warm.get("made by", lambda: f"{os.getpid()} for {context.job_id}")
    (context.out / "warm.txt").write_text(made)
    sys.stdout.write("counting\n")
    for number in range(spec.to):
        context.progress("count", number, spec.to, "numbers", last=number)
        time.sleep(spec.pause_s)
    context.progress("count", spec.to, spec.to, "numbers")
    (context.out / "counted.txt").write_text(f"{spec.to} {context.device} {os.environ['CUDA_VISIBLE_DEVICES']!r}")


def _trouble(how: str, context: TaskContext) -> None:
    match how:
        case "memory":
            raise MemoryError
        case "gpu memory":
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        case "broken gpu":
            if os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-made-up":
                raise RuntimeError("CUDA error: uncorrectable ECC error encountered")
            (context.out / "done.txt").write_text(os.environ["CUDA_VISIBLE_DEVICES"])
        case "broken everywhere":
            raise RuntimeError("CUDA error: device-side assert triggered")
        case "bug":
            _ = dict[str, int]()["missing"]
        case "segfault":
            ctypes.string_at(0)
        case "exit":
            os._exit(7)
        case "deaf":
            # Looks at nothing, and a SIGTERM only sets a flag in it.
            context.log("deaf")
            while True:
                try:
                    time.sleep(60)
                except BaseException:
                    context.log("interrupted")
        case "python loop":
            context.log("looping")
            while True:
                time.sleep(0.01)
        case "child":
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            (context.out / "child.txt").write_text(str(child.pid))
            context.log("has a child")
            while True:
                time.sleep(0.01)
        case "rows then bug":
            context.spool.add("model", [{"model_id": "half written"}])
            raise KeyError("missing")
        case "keeps one, then bug" | "keeps one, then waits":
            context.spool.add("model", [{"model_id": "kept"}])
            context.keep()
            context.spool.add("model", [{"model_id": "under way"}])
            context.log("has kept one")
            while how == "keeps one, then waits":
                context.check()
                time.sleep(0.01)
            raise KeyError("missing")
        case "keeps a mark, then waits":
            context.spool.add("mark", [{"subject": "latent", "key": "kept", "created": datetime(2026, 1, 2)}])
            context.keep()
            while True:
                context.check()
                time.sleep(0.01)
        case "disk":
            raise OSError(28, "No space left on device", str(Path("part.parquet")))
        case _ if how.startswith("until "):
            if not Path(how.removeprefix("until ")).exists():
                raise KeyError("not yet")
        case _:
            raise AssertionError(how)
