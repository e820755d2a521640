"""Figures on the whole screen: opened, turned, explained, exported."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from saetui.tui.clipboard import copy_file
from saetui.tui.drawing.plots import XYPlot
from saetui.tui.overview.screen import OverviewScreen
from saetui.tui.panels.figure import FigurePanel
from tests.figures.made import make_store
from tests.figures.made_errors import add_errors
from tests.tui.frame.running import Running, running


@pytest.fixture(scope="module")
def made_figures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("figures") / "store")


@pytest.fixture
def absorption(made_figures: Path, tmp_path: Path) -> Path:
    """A store with an absorption study that a test may change."""
    return Path(shutil.copytree(made_figures, tmp_path / "absorption"))


async def opened(run: Running, name: str) -> FigurePanel:
    run.app.dispatch(f"figure {name}")
    await run.until(lambda: isinstance(run.app.screen, FigurePanel) and run.app.screen.view.figure is not None)
    await run.pilot.pause()
    assert isinstance(run.app.screen, FigurePanel)
    return run.app.screen


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (240, 60)])
async def test_a_figure_fills_the_screen_at_every_size(size: tuple[int, int], absorption: Path) -> None:
    async with running(absorption, size=size) as run:
        await opened(run, "absorption_rate")
        await run.shows("absorption rate against L0", "● 16  ▲ 64", "e export", "⎋ close")
        lines = run.text.splitlines()
        assert len(lines) == size[1]
        assert lines[0].startswith("╭")
        assert lines[-1].startswith("╰")


@pytest.mark.slow
async def test_the_lines_and_points_of_errors_have_names_in_a_small_terminal(tmp_path: Path) -> None:
    async with running(make_store(tmp_path / "errors", add_errors), size=(80, 24)) as run:
        await opened(run, "error_context")
        await run.shows("● narrow", "▲ dense", "■ wide", "plot 1 of 2")
        await run.press("q")
        await opened(run, "cost_against_norm")
        await run.shows("● narrow", "narrow ▲", "put back")


@pytest.mark.slow
async def test_f_offers_all_figures(absorption: Path) -> None:
    async with running(absorption) as run:
        await run.press("F")
        await run.shows("absorption_map", "Which letters are absorbed in which SAEs?", "error_scaling")
        await run.type("splits")
        await run.press("enter")
        await run.shows("main latents against L0")
        await run.press("escape")
        await run.until(lambda: isinstance(run.app.screen, OverviewScreen))


async def test_plots_without_room_come_on_the_next_page(absorption: Path) -> None:
    async with running(absorption, size=(80, 24)) as run:
        panel = await opened(run, "absorption_rate")
        await run.shows("plots 1–3 of 6")
        await run.press("tab")
        await run.shows("absorption fraction against L0")
        assert panel.view.shown == (3, 3)
        await run.press("h")
        assert panel.view.shown[0] == 0
        await run.press("z")
        await run.shows("plot 1 of 6", "z all")
        await run.press("l", "l")
        await run.shows("plot 3 of 6", "absorption rate against layer")


@pytest.mark.slow
async def test_its_query_and_its_meaning_are_a_key_away(absorption: Path) -> None:
    async with running(absorption) as run:
        await opened(run, "absorption_map")
        await run.press("Q")
        await run.shows("FROM last_absorption")
        await run.press("y")
        await run.until(copy_file().is_file)
        rows = run.bench.store.fetch(copy_file().read_text(encoding="utf-8"))
        assert rows.column("name") == ["narrow", "dense", "wide", "later"]
        await run.press("escape", "i")
        await run.shows("A row for each SAE", "2409.14507", "2503.09532")


@pytest.mark.slow
async def test_e_writes_it_in_either_format_or_under_another_name(
    absorption: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(absorption) as run:
        await opened(run, "splits")
        await run.press("e")
        await run.shows("splits.svg", "splits.png")
        await run.press("enter")
        await run.shows("splits written to splits.svg")
        await run.press("e", "down", "enter")
        await run.shows("splits written to splits.png")
        await run.press("e", "down", "down", "enter")
        await run.shows(":figure splits path=splits.svg")
    assert "main latents against L0" in (tmp_path / "splits.svg").read_text()
    assert "main_latent_counts" in (tmp_path / "splits.sql").read_text()
    with Image.open(tmp_path / "splits.png") as image:
        assert image.format == "PNG"


async def test_a_figure_that_cannot_be_written_says_why(absorption: Path) -> None:
    async with running(absorption) as run:
        run.app.dispatch("figure splits path=/nowhere/splits.svg")
        await run.shows("there is no folder /nowhere")
        run.app.dispatch("figure splits path=splits.gif")
        await run.shows("must end in .svg or .png")


async def test_names_that_mean_nothing_are_told(absorption: Path) -> None:
    async with running(absorption) as run:
        run.app.dispatch("figure absorption_rat")
        await run.shows("no figure 'absorption_rat'")
        run.app.dispatch("figure splits sae=huge")
        await run.shows("no SAE 'huge' here")
        await run.until(lambda: isinstance(run.app.screen, OverviewScreen))


async def test_an_empty_figure_says_what_to_run(empty_store: Path) -> None:
    async with running(empty_store) as run:
        await opened(run, "absorption_rate")
        await run.shows("absorption has not been measured yet; `saetui study letters`")
        await run.press("e")
        await run.shows("there is nothing to export yet")


async def test_evidence_is_about_the_word_that_is_looked_at(absorption: Path) -> None:
    async with running(absorption) as run:
        run.bench.attend(sae="id-narrow", letter="a", token=" ant")
        await opened(run, "evidence")
        await run.shows("“ ant” in narrow", "−3.00", "−2.50", "0 main, silent")


@pytest.mark.slow
async def test_small_plots_are_enlarged_and_exported(
    absorption: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(absorption) as run:
        plot = run.app.screen.query_one("#absorption_rate", XYPlot)
        assert [line.name for line in plot.chart.lines] == ["16", "64"]
        plot.focus()
        await run.shows("⏎ large")
        await run.press("Q")
        await run.shows("FROM last_absorption")
        await run.press("escape", "e")
        await run.shows("absorption_rate.svg")
        await run.press("escape", "enter")
        await run.until(lambda: isinstance(run.app.screen, FigurePanel))
        await run.shows("absorption fraction against width")
