"""Screen 7: what is the box doing?"""

from typing import Any, ClassVar

from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from saetui.commands.jobs import LookAtJob, current_job
from saetui.jobs.devices import Device
from saetui.tui.cards.scroll_box import ScrollBox
from saetui.tui.frame.device_text import device_lines
from saetui.tui.frame.screen import FOLDED_WIDTH, WorkbenchScreen
from saetui.tui.jobs.card import job_card, job_log
from saetui.tui.jobs.list import JobList
from saetui.tui.jobs.manifest import MANIFEST
from saetui.tui.keys import bindings_of

_EMPTY = """[b]No jobs yet.[/b]

[b $accent]:[/]  [b]study demo[/b] trains six SAEs on the embedded model and finds the letters they claim
[b $accent]:[/]  [b]run SPEC.toml[/b] submits a job of your own
[b $accent]:[/]  [b]train topk width=1024,4096 k=16[/b] trains more SAEs beside the current one

Jobs run in processes of their own: they go on when you leave, and are here when you come back.
"""


class JobsScreen(WorkbenchScreen):
    """Queue by device, the job under the cursor with its log, and how busy the devices are."""

    MANIFEST = MANIFEST
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c,enter", "card", "Show the card of the job, or its log again", show=False),
        Binding("escape", "close", "Close the card", show=False),
        *bindings_of(MANIFEST.name),
    ]
    DEFAULT_CSS = """
    JobsScreen #queue { width: 1fr; }
    JobsScreen #detail { width: 1fr; margin-left: 2; }
    JobsScreen #card-scroll, JobsScreen #log-scroll {
        height: 1fr; border-top: solid $foreground 20%; border-title-color: $muted;
    }
    JobsScreen #card-scroll { height: auto; max-height: 65%; }
    JobsScreen #card-scroll:focus, JobsScreen #log-scroll:focus {
        border-top: solid $accent; border-title-color: $accent;
    }
    JobsScreen #devices { height: auto; max-height: 12; margin-top: 1; }
    JobsScreen #no-jobs { display: none; padding: 2 3; height: 1fr; }
    JobsScreen.-empty #no-jobs { display: block; }
    JobsScreen.-empty #columns { display: none; }
    JobsScreen.-narrow #columns { layout: vertical; }
    JobsScreen.-narrow #detail { width: 100%; height: 1fr; margin: 0; }
    JobsScreen.-narrow #queue { width: 100%; height: 1fr; }
    JobsScreen.-narrow #card-scroll { display: none; height: 1fr; max-height: 100%; }
    JobsScreen.-narrow.-card #card-scroll { display: block; }
    JobsScreen.-narrow.-card #log-scroll { display: none; }
    """

    def compose_body(self) -> ComposeResult:
        yield Static(_EMPTY, id="no-jobs")
        with Horizontal(id="columns"):
            with Vertical(id="queue"):
                jobs = JobList(id="jobs-jobs")
                jobs.border_title = "jobs"
                yield jobs
            with Vertical(id="detail"):
                with ScrollBox(id="card-scroll") as card:
                    card.border_title = "job"
                    yield Static(id="card")
                with ScrollBox(id="log-scroll") as log:
                    log.border_title = "log"
                    yield Static(id="log")
        yield Static(id="devices")

    def on_mount(self) -> None:
        self.jobs_changed()
        self.devices_seen(self.workbench_app.devices)
        self.query_one(JobList).focus()

    def on_resize(self) -> None:
        if self.is_whole:
            folded = self.size.width < FOLDED_WIDTH
            self.query_one("#log-scroll").border_title = "log · c card" if folded else "log"
            self.query_one("#card-scroll").border_title = "job · c log" if folded else "job"
            self.devices_seen(self.workbench_app.devices)

    def attention_changed(self) -> None:
        self.jobs_changed()

    def jobs_changed(self) -> None:
        jobs = self.bench.jobs
        self.set_class(not jobs, "-empty")
        job = current_job(self.bench)
        self.query_one(JobList).show(jobs, job.id if job else None)
        if job is not None:
            self.query_one("#card", Static).update(job_card(job))
            scroll = self.query_one("#log-scroll", ScrollBox)
            at_end = scroll.scroll_y >= scroll.max_scroll_y - 1
            self.query_one("#log", Static).update(job_log(job))
            if at_end:
                self.call_after_refresh(scroll.scroll_end, animate=False)

    def action_card(self) -> None:
        """Where there is no room for both, the card takes the place of the log; else the focus goes to it."""
        if self.is_zoomed:
            self.zoom()
        if self.has_class("-narrow"):
            self.toggle_class("-card")
        else:
            self.query_one("#card-scroll").focus()

    def action_close(self) -> None:
        """Go back to the list, with the log in place of the card."""
        jobs = self.query_one(JobList)
        if self.is_zoomed:
            self.zoom()
            return
        if jobs.has_focus and not self.has_class("-card"):
            raise SkipAction
        self.remove_class("-card")
        jobs.focus()

    def devices_seen(self, devices: tuple[Device, ...]) -> None:
        self.query_one("#devices", Static).update(device_lines(devices, self.size.width))

    def current_query(self) -> tuple[str, dict[str, Any]] | None:
        return self.bench.query_of("jobs.jobs")

    @on(JobList.Highlighted)
    def _moved(self, event: JobList.Highlighted) -> None:
        if event.job.id != self.bench.attention.job:
            self.dispatch(LookAtJob(event.job.id), visit=False)
