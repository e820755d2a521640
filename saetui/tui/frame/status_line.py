"""The first line: what is looked at, how many SAEs are in view, what runs, and how busy the machine is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget

from saetui.tui.frame.device_text import device_text, devices_in_short
from saetui.visible import visible
from saetui.workbench.workbench import Workbench

if TYPE_CHECKING:
    from saetui.jobs import Job
    from saetui.jobs.devices import Device
    from saetui.jobs.progress import Progress

# Three years; what is longer, or not a number, comes from a damaged file.
_LONGEST_SECONDS = 1e8


class StatusLine(Widget):
    """Model and site to the left; SAEs in view, job and devices to the right."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    StatusLine { height: 1; padding: 0 1; background: $panel; color: $foreground; text-wrap: nowrap; }
    """

    def __init__(self, bench: Workbench, devices: Callable[[], Sequence[Device]]) -> None:
        super().__init__()
        self._bench = bench
        self._devices = devices

    def render(self) -> Content:
        width = self.content_size.width
        name = Content.styled("saetui", "bold $accent")
        left = Content.assemble(name, "  ", self._site())
        waiting, job, in_view = self._waiting(), self._job(), self._in_view()
        busy, busy_in_short = self._busy(), devices_in_short(self._devices())
        # What is dropped where there is little room, the least important first.
        for shown in (
            (waiting, in_view, job, busy),
            (waiting, in_view, job, busy_in_short),
            (waiting, in_view, job),
            (waiting, job),
            (waiting,),
        ):
            right = "   ".join(part for part in shown if part)
            if len(left) + len(right) + 3 <= width:
                return _spread(left, right, width)
        return _spread(name, waiting, width) if waiting else left.truncate(width, ellipsis=True)

    def _site(self) -> str:
        entry = self._bench.catalogue.entry(self._bench.attention.sae)
        return visible(
            f"{entry.model_name} · {entry.hook_name} · {entry.name}" if entry else self._bench.store.root.name
        )

    def _in_view(self) -> str:
        total = len(self._bench.catalogue.saes)
        return f"{len(self._bench.attention.in_view)} of {total} SAEs in view" if total else ""

    def _busy(self) -> str:
        return "  ".join(map(device_text, self._devices()))

    def _waiting(self) -> str:
        return self._bench.troubles.lasting or visible(self._bench.waiting)

    def _job(self) -> str:
        running = [job for job in self._bench.jobs if job.state == "running"]
        queued = sum(job.state == "queued" for job in self._bench.jobs)
        if not running:
            return f"{queued} queued" if queued else ""
        more = f" +{len(running) - 1 + queued}" if len(running) - 1 + queued else ""
        return f"{visible(running[0].kind)} ▸ {progress_text(running[0])}{more}"


def _spread(left: Content, right: str, width: int) -> Content:
    return Content.assemble(left, " " * max(1, width - len(left) - len(right)), right)


def progress_text(job: Job) -> str:
    """Share done and time left, e.g. ``62% 0:41``."""
    progress = job.progress
    if progress is None:
        return "…"
    share, seconds = share_done(progress), seconds_left(progress)
    done = f"{share:.0%}" if share is not None else visible(progress.phase)
    return done if seconds is None else f"{done} {clock(seconds)}"


def share_done(progress: Progress) -> float | None:
    """How much of a job is done, 0 to 1; None where that is not known."""
    known = progress.fraction is not None and isfinite(progress.fraction)
    return progress.fraction if known else None


def seconds_left(progress: Progress) -> float | None:
    """Seconds until a job is done, or its phase where nothing is known of the job."""
    return progress.job_eta_s if progress.job_eta_s is not None else progress.eta_s


def clock(seconds: float) -> str:
    """``0:41``, ``12:04`` or ``1:02:03``; a dash for a time that no clock shows."""
    if not abs(seconds) < _LONGEST_SECONDS:
        return "–"
    minutes, second = divmod(max(0, round(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
