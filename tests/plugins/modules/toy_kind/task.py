"""The toy_sum job."""

from saetui.jobs.context import TaskContext
from toy_kind.spec import ToySumSpec


def run(spec: ToySumSpec, context: TaskContext) -> None:
    total = sum(range(spec.up_to + 1))
    (context.out / "sum.txt").write_text(str(total if spec.sign == "plus" else -total))
    context.progress("add", spec.up_to, spec.up_to, "numbers")
