"""What there is to say about one job: how far it is, what it was asked to do, how it ended, and what it printed."""

from typing import Any

from textual.content import Content

from saetui.jobs import Job, JobError
from saetui.tui.frame.status_line import clock
from saetui.tui.widgets.column import short_number

_LOG_LINES = 200
_NAME = 10


def job_card(job: Job) -> Content:
    """State, times, progress with its metrics, message and hint, and the spec."""
    lines = [Content.styled(job.title, "bold"), Content.styled(job.id, "$muted"), Content("")]
    lines.append(
        _line("state", ("blocked" if job.blocked else job.state) + (f" · {job.waiting}" if job.waiting else ""))
    )
    lines.append(_line("device", job.device))
    lines.append(_line("submitted", f"{job.created.astimezone():%m-%d %H:%M:%S}"))
    if job.started is not None and job.ended is not None:
        lines.append(_line("took", clock((job.ended - job.started).total_seconds())))
    lines += _progress(job)
    if job.message:
        lines += [Content(""), Content.styled(job.message, "$error" if job.state == "failed" else "")]
    if job.hint:
        lines.append(Content.assemble(("try     ", "$accent"), job.hint))
    return Content("\n").join([*lines, Content(""), *_spec(job)])


def job_log(job: Job) -> Content:
    """The last lines that the job printed."""
    lines = job.log_tail(_LOG_LINES)
    return Content("\n".join(lines)) if lines else Content.styled("nothing printed yet", "$muted")


def _progress(job: Job) -> list[Content]:
    progress = job.progress
    if progress is None or job.has_ended:
        return []
    total = f" of {progress.total:,.0f}" if progress.total is not None else ""
    lines = [_line("phase", f"{progress.phase} · {progress.done:,.0f}{total} {progress.unit}")]
    if progress.rate is not None:
        lines.append(_line("rate", f"{short_number(progress.rate)} {progress.unit}/s"))
    if progress.eta_s is not None:
        lines.append(_line("phase left", clock(progress.eta_s)))
    if progress.job_eta_s is not None:
        lines.append(_line("job left", clock(progress.job_eta_s)))
    return lines + [_line(name, _number(value)) for name, value in progress.metrics.items()]


def _spec(job: Job) -> list[Content]:
    try:
        spec = job.spec
    except (JobError, OSError) as problem:
        return [Content.styled(str(problem), "$error")]
    lines = []
    for name, value in spec.items():
        if name in ("kind", "schema"):
            continue
        # One line for each recipe of a grid.
        several = isinstance(value, list) and value and isinstance(value[0], dict)
        for index, part in enumerate(value if several else [value]):
            lines.append(_line("" if index else name, _written(part)))
    return lines


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_written, value))
    if isinstance(value, dict):
        return " ".join(f"{name} {item}" for name, item in value.items() if item is not None)
    return "–" if value is None else str(value)


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}".replace("-", "−")


def _line(name: str, value: str) -> Content:
    return Content.assemble((f"{name:<{_NAME}} ", "$muted"), value)
