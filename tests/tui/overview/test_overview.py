"""Screen 1."""

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from saetui.jobs import JobClient
from saetui.tui.drawing.plots import XYPlot
from saetui.tui.overview.screen import OverviewScreen
from saetui.tui.table.query_table import QueryTable
from store.spool import Spool
from tests.tui.frame.running import Running, running


def overview(run: Running) -> OverviewScreen:
    assert isinstance(run.app.screen, OverviewScreen)
    return run.app.screen


async def test_every_sae_has_a_row_and_a_point_in_each_plot(study: Path) -> None:
    async with running(study) as run:
        for name in ("w64-k4", "w256-k4", "w1024-k4"):
            assert name in run.text
        plots = {plot.id: plot for plot in overview(run).query(XYPlot)}
        assert set(plots) == {"absorption_rate", "error_scaling", "letter_scores"}
        for name in ("error_scaling", "letter_scores"):
            (line,) = plots[name].chart.lines
            assert line.name == "k 4"
            assert [point.x for point in line.points] == [64.0, 256.0, 1024.0]
        assert plots["error_scaling"].highlight == (64.0, 0.3079)


@pytest.mark.slow
async def test_the_cursor_looks_at_an_sae_and_enter_chooses_it_for_all_screens(study: Path) -> None:
    async with running(study) as run:
        await run.press("j")
        await run.until(lambda: run.bench.attention.sae == "sae-256")
        await run.press("7")
        await run.until(lambda: run.bench.screen == "jobs")
        assert run.bench.attention.sae == "sae-64"
        await run.press("1")
        await run.until(lambda: run.bench.screen == "overview")
        await run.press("g")
        await run.until(lambda: run.bench.attention.sae == "sae-64")
        await run.press("j")
        await run.until(lambda: run.bench.attention.sae == "sae-256")
        await run.until(lambda: overview(run).query_one("#error_scaling", XYPlot).highlight == (256.0, 0.2213))
        await run.press("G")
        await run.until(lambda: run.bench.attention.sae == "sae-1024")
        await run.shows("· w1024-k4")
        await run.press("enter")
        await run.until(lambda: run.bench.screen == "letters")
        assert run.bench.attention.sae == "sae-1024"
        await run.press("escape", "escape")
        await run.pilot.pause()
        assert run.bench.screen == "letters"
        await run.press("left_square_bracket")
        await run.until(lambda: run.bench.screen == "overview")
        assert run.bench.attention.sae == "sae-1024"


async def test_space_puts_an_sae_in_view(study: Path) -> None:
    async with running(study) as run:
        await run.press("space")
        await run.shows("2 of 3 SAEs in view")
        assert run.bench.attention.in_view == ("sae-256", "sae-1024")
        table = overview(run).query_one(QueryTable)
        await run.until(lambda: table.cursor_row is not None and table.cursor_row["in_view"] is False)
        await run.press("space")
        await run.shows("3 of 3 SAEs in view")


async def test_a_click_on_a_label_sorts(study: Path) -> None:
    async with running(study) as run:
        line = next(number for number, text in enumerate(run.text.splitlines()) if "FVU" in text and "width" in text)
        await run.pilot.click(offset=(run.text.splitlines()[line].index("FVU"), line))
        await run.until(lambda: run.bench.tables["overview.saes"].sort == "fvu")


@pytest.mark.slow
async def test_an_empty_store_offers_the_demo_study(empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)
    async with running(empty_store) as run:
        await run.shows("No SAEs here yet", "A study")
        await run.press("A")
        await run.shows("Train six SAEs on the embedded model", "y yes")
        assert JobClient(empty_store).jobs() == []
        await run.press("y")
        await run.shows("5 jobs are queued")
        kinds = [job.kind for job in JobClient(empty_store).jobs()]
        assert kinds == ["train", "absorption", "latents", "errors", "absorbed_errors"]


@pytest.mark.slow
async def test_results_that_arrive_are_committed_and_shown(study: Path) -> None:
    async with running(study) as run:
        found = run.bench.store.fetch("SELECT * FROM sae WHERE sae_id = 'sae-64'")
        row = dict(zip(found.columns, found.rows[0], strict=True))
        with Spool(study, "job") as spool:
            spool.add("sae", [row | {"sae_id": "sae-128", "name": "w128-k4", "width": 128}])
        await run.shows("w128-k4", "of 4 SAEs in view")
        assert len(overview(run).query_one("#error_scaling", XYPlot).chart.lines[0].points) == 4


@pytest.mark.slow
async def test_a_program_that_holds_the_store_is_named_while_results_wait(study: Path) -> None:
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1], read_only=True); print('held', flush=True); input()"
    async with running(study) as run:
        arguments = [sys.executable, "-c", hold, str(study / "saetui.duckdb")]
        holder = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with Spool(study, "job") as spool:
            spool.add("mark", [{"subject": "letter", "key": "s", "created": datetime(2026, 11, 20)}])
        await run.shows("1 result waits for")
        await run.shows(f"(PID {holder.pid})")
        holder.communicate("\n")
        await run.hides("waits for")
        await run.until(lambda: run.bench.marks)
