"""What stands where there are no rows: that a study runs, what has to be chosen or started first, or that none are."""

from collections.abc import Collection

from textual.content import Content

from saetui.commands.jobs import running_job
from saetui.tui.frame.status_line import progress_text
from saetui.visible import visible
from saetui.workbench.screens import screens
from saetui.workbench.tables import Table
from saetui.workbench.workbench import Workbench


def running_text(bench: Workbench, kinds: Collection[str]) -> str:
    """The job of some kinds that runs or waits, how far it is and where one sees it; empty where there is none."""
    job = running_job(bench, kinds)
    if job is None:
        return ""
    far = progress_text(job) if job.state == "running" else job.waiting or "queued"
    return f"{visible(job.title)}  {visible(far)} · {screens()['jobs'].key} shows it"


def going_on(bench: Workbench, kinds: Collection[str]) -> Content:
    """The same as a line below what an empty screen says."""
    text = running_text(bench, kinds)
    return Content.assemble("\n", (text, "bold")) if text else Content()


def empty_text(bench: Workbench, table: Table) -> str:
    """Why a table has no rows, as far as what is looked at tells: without it they would be wrongly said to be none."""
    for part, text in table.needs:
        if getattr(bench.attention, part) is None:
            return text
    if not table.study or bench.catalogue.has_study(table.study, bench.attention.sae, ()):
        return table.empty
    running = running_text(bench, (table.study,))
    return f"being studied\n{running}" if running else table.unstudied
