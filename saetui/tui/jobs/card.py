"""What there is to say about one job: how far it is, what it was asked to do, how it ended, and what it printed."""

from datetime import UTC, datetime
from typing import Any

from textual.content import Content

from saetui.jobs import Job
from saetui.tui.drawing.fit import short_number
from saetui.tui.frame.status_line import clock
from saetui.tui.jobs.list import seconds_taken
from saetui.visible import visible, visible_lines
from saetui.workbench.trouble import outside_errors, told

_LOG_LINES = 200
_NAME = 10
# Of a spec with thousands of recipes, or of megabytes of text, the beginning is enough.
_SPEC_LINES, _VALUE_LENGTH = 200, 500


def job_card(job: Job) -> Content:
    """State, times, progress with its metrics, message and hint, and the spec."""
    lines = [Content.styled(visible(job.title), "bold"), Content.styled(visible(job.id), "$muted"), Content("")]
    lines.append(
        _line("state", ("blocked" if job.blocked else job.state) + (f" · {job.waiting}" if job.waiting else ""))
    )
    lines.append(_line("device", job.device))
    if job.record.remark:
        lines.append(_line("", job.record.remark))
    lines.append(_line("submitted", _moment(job.record.created)))
    took = seconds_taken(job)
    if took is not None:
        lines.append(_line("took", clock(took)))
    lines += _progress(job)
    if job.message:
        message = visible_lines(job.message)
        lines += [Content(""), Content.styled(message, "$error" if job.state == "failed" else "")]
    if job.hint:
        lines.append(Content.assemble(("try     ", "$accent"), visible_lines(job.hint)))
    return Content("\n").join([*lines, Content(""), *_spec(job)])


def job_log(job: Job) -> Content:
    """The last lines that the job printed."""
    try:
        lines = job.log_tail(_LOG_LINES)
    except outside_errors() as problem:
        return Content.styled(told(problem), "$error")
    return Content("\n".join(map(visible, lines))) if lines else Content.styled("nothing printed yet", "$muted")


def _moment(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC).astimezone():%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return "–"  # No clock shows such a time: the file is damaged.


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
        lines = _lines_of(job.spec)
    except outside_errors() as problem:
        return [Content.styled(told(problem), "$error")]
    more = len(lines) - _SPEC_LINES
    return [*lines[:_SPEC_LINES], Content.styled(f"and {more:,} lines more", "$muted")] if more > 0 else lines


def _lines_of(spec: Any) -> list[Content]:
    lines = []
    for name, value in spec.items():
        if name in ("kind", "schema"):
            continue
        # One line for each recipe of a grid.
        several = isinstance(value, list) and value and isinstance(value[0], dict)
        for index, part in enumerate(value if several else [value]):
            lines.append(_line("" if index else name, _written(part)))
            if len(lines) > 10 * _SPEC_LINES:
                return lines
    return lines


def _written(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_written, value[:_VALUE_LENGTH]))
    if isinstance(value, dict):
        return " ".join(f"{name} {item}" for name, item in value.items() if item is not None)
    return "–" if value is None else str(value)


def _number(value: Any) -> str:
    return f"{value:.4g}".replace("-", "−") if isinstance(value, int | float) else str(value)


def _line(name: str, value: str) -> Content:
    text = value if len(value) <= _VALUE_LENGTH else value[:_VALUE_LENGTH] + "…"
    return Content.assemble((f"{visible(name):<{_NAME}} ", "$muted"), visible(text))
