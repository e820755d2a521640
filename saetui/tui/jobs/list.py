"""The jobs by device: what runs with its progress, what waits, what ended; one line per job."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from saetui.commands.jobs import listed
from saetui.jobs import Job
from saetui.tui.drawing.fit import fit
from saetui.tui.frame.device_text import gauge
from saetui.tui.frame.status_line import clock, seconds_left, share_done
from saetui.visible import visible

_GLYPHS = {"running": "▸", "queued": "·", "blocked": "⊘", "done": "✓", "failed": "✗", "cancelled": "–"}
_BAR = 12


@dataclass(frozen=True)
class _Line:
    """A device's heading, or a job."""

    device: str
    job: Job | None = None


class JobList(ScrollView, can_focus=True):
    """Jobs grouped by device: the running one first, then those that wait, then those that ended, latest first."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False),
        Binding("k,up", "move(-1)", "Up", show=False),
        Binding("g,home", "move(-1000000)", "First job", show=False),
        Binding("G,end", "move(1000000)", "Last job", show=False),
        Binding("ctrl+d,pagedown", "move(10)", "Ten down", show=False),
        Binding("ctrl+u,pageup", "move(-10)", "Ten up", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "job-list--device",
        "job-list--cursor",
        "job-list--running",
        "job-list--failed",
        "job-list--ended",
    }
    DEFAULT_CSS = """
    JobList {
        height: 1fr;
        border-top: solid $foreground 20%;
        border-title-color: $muted;
        border-title-background: transparent;
        scrollbar-size: 1 1;
        & > .job-list--device { color: $muted; text-style: bold; }
        & > .job-list--cursor { background: $foreground 10%; }
        & > .job-list--running { color: $accent; }
        & > .job-list--failed { color: $error; }
        & > .job-list--ended { color: $muted; }
        &:focus { border-top: solid $accent; border-title-color: $accent; }
        &:focus > .job-list--cursor { background: $accent 30%; }
    }
    """

    cursor: reactive[int] = reactive(0, init=False)
    """Place of the job under the cursor among the jobs as listed."""

    @dataclass
    class Highlighted(Message):
        """The cursor is on another job."""

        job: Job

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[_Line] = []
        self._listed: list[Job] = []

    @property
    def job(self) -> Job | None:
        """The job under the cursor."""
        return self._listed[self.cursor] if self.cursor < len(self._listed) else None

    def show(self, jobs: Sequence[Job], current: str | None) -> None:
        """List these jobs; the cursor goes to, or stays on, the job with the id ``current``."""
        self._lines, self._listed = [], listed(jobs)
        for device, mine in groupby(self._listed, key=lambda job: job.device):
            self._lines.append(_Line(device))
            self._lines += [_Line(device, job) for job in mine]
        places = [index for index, job in enumerate(self._listed) if job.id == current]
        self.set_reactive(JobList.cursor, places[0] if places else min(self.cursor, max(0, len(self._listed) - 1)))
        self.virtual_size = Size(self.size.width, len(self._lines))
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, len(self._listed) - 1))

    def watch_cursor(self) -> None:
        self.refresh()
        if self.job is not None:
            self._show_cursor()
            self.post_message(self.Highlighted(self.job))

    def action_move(self, by: int) -> None:
        self.cursor += by

    async def _on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        line = offset.y + int(self.scroll_y) if offset is not None else len(self._lines)
        if line < len(self._lines):
            job = self._lines[line].job
            if job is not None:
                self.cursor = self._listed.index(job)

    def _show_cursor(self) -> None:
        line = next(i for i, line in enumerate(self._lines) if line.job is self.job)
        height = max(1, self.scrollable_content_region.height)
        top = int(self.scroll_y)
        if not top <= line < top + height:
            self.scroll_to(y=line if line < top else line - height + 1, animate=False)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + int(self.scroll_y)
        if index >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        line = self._lines[index]
        if line.job is None:
            style = self.rich_style + self.get_component_rich_style("job-list--device", partial=True)
            return Strip([Segment(fit(line.device or "–", width), style)], width)
        style = self.rich_style
        if line.job is self.job:
            style += self.get_component_rich_style("job-list--cursor")
        return Strip(self._segments(line.job, width, style)).crop_extend(0, width, style)

    def _segments(self, job: Job, width: int, style: Style) -> list[Segment]:
        name = {"running": "running", "failed": "failed"}.get(job.state, "" if job.state == "queued" else "ended")
        tone = self.get_component_rich_style(f"job-list--{name}", partial=True) if name else Style()
        # The colour of a state must not cover the cursor's background.
        tone = Style(color=tone.color, bold=tone.bold)
        right = fit(how_far(job), max(36, width // 2)).rstrip()
        room = max(8, width - len(right) - 6)
        return [
            Segment(f" {_GLYPHS['blocked' if job.blocked else job.state]} ", style + tone),
            Segment(fit(job.title, room), style + (tone if name == "ended" else Style())),
            Segment(f"  {right} ", style + tone),
        ]


def how_far(job: Job) -> str:
    """Progress of a running job, what a waiting one waits for, how long an ended one took."""
    if job.state == "queued":
        return visible(job.waiting or "queued")
    if job.has_ended:
        took = seconds_taken(job)
        return job.state if took is None else f"{job.state} in {clock(took)}"
    progress = job.progress
    if progress is None:
        return visible(job.waiting or "starting")
    share, left = share_done(progress), seconds_left(progress)
    bar = f"{gauge(share, _BAR)} {share:4.0%}" if share is not None else visible(progress.phase)
    return f"{bar}  {clock(left):>7} left" if left is not None else bar


def seconds_taken(job: Job) -> float | None:
    """How long an ended job ran; None where its record does not say."""
    began, ended = job.record.started, job.record.ended
    return ended - began if began is not None and ended is not None else None
