"""A figure is added by another package: it is listed, completed and drawn, and nothing in saetui is touched."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from saetui.commands.arguments import text_of
from saetui.commands.completion import completions
from saetui.commands.dispatch import dispatch
from saetui.figures import FigureError, figure, figure_kinds
from saetui.figures.kind import Setting
from saetui.figures.plots import BarChart
from saetui.figures.registry import figure_kind
from saetui.plugins import untold
from saetui.workbench.exceptions import CommandError
from saetui.workbench.workbench import Workbench
from store import Store
from tests.figures.made import make_store
from tests.tui.frame.running import running

from .conftest import Install


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("figures") / "store")


@pytest.fixture
def bench(study: Path) -> Iterator[Workbench]:
    bench = Workbench.open(study, inline=True)
    yield bench
    bench.close()


def told(*arguments: str | Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "saetui", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    return " ".join(done.stdout.replace("│", " ").split())


@pytest.mark.slow
def test_it_is_drawn_from_its_own_query(install: Install, study: Path) -> None:
    install("saetui.figures", "toy_widths", "toy_figure")
    with Store.open(study) as store:
        made = figure(store, "toy_widths", sae=["narrow", "wide"])
        (plot,) = made.plots
        assert isinstance(plot, BarChart)
        assert {bar.label: bar.values for bar in plot.bars} == {"narrow": (16.0,), "wide": (64.0,)}
        assert made.note == "The SAEs chosen."
        assert made.sql.startswith("-- How wide is each SAE?")
        with pytest.raises(FigureError, match="toy_widths takes no letter; it takes sae, least_width"):
            figure(store, "toy_widths", letter="a")


def test_it_is_listed_after_ours_and_completed(install: Install, bench: Workbench) -> None:
    assert "toy_widths" not in figure_kinds()
    install("saetui.figures", "toy_widths", "toy_figure")
    assert list(figure_kinds())[-1] == "toy_widths"
    assert [found.line for found in completions("figure toy", bench)] == ["figure toy_widths"]


@pytest.mark.slow
def test_the_command_line_lists_completes_and_draws_it(install: Install, study: Path, tmp_path: Path) -> None:
    assert "toy_widths" not in told("figure", "--help")
    install("saetui.figures", "toy_widths", "toy_figure")
    assert "toy_widths: How wide is each SAE? --sae --least-width" in told("figure", "--help")
    assert "toy_widths How wide is each SAE?" in told("figure")
    asked = {"_SAETUI_COMPLETE": "complete_bash", "COMP_WORDS": "saetui figure toy_", "COMP_CWORD": "2"}
    assert told(**asked) == "toy_widths"
    drawn = told("figure", "toy_widths", "--store", study, "--sae", "wide")
    assert "width of each SAE" in drawn
    assert "wide" in drawn
    assert "narrow" not in drawn
    told("figure", "toy_widths", "--store", study, "--out", tmp_path / "widths.svg")
    assert "width of each SAE" in (tmp_path / "widths.svg").read_text()


@pytest.mark.slow
def test_a_setting_of_its_own_is_taken_everywhere(install: Install, bench: Workbench, study: Path) -> None:
    assert "--least-width" not in told("figure", "--help")
    install("saetui.figures", "toy_widths", "toy_figure")
    assert "--least-width <int> Of toy_widths: Narrower SAEs are left out." in told("figure", "--help")
    drawn = told("figure", "toy_widths", "--store", study, "--least-width", "20")
    assert "wide" in drawn
    assert "narrow" not in drawn
    (plot,) = figure(bench.store, "toy_widths", least_width=20).plots
    assert isinstance(plot, BarChart)
    assert [bar.label for bar in plot.bars] == ["wide"]
    (offered,) = completions("figure toy_widths narrow least", bench)
    assert (offered.line, offered.help) == (
        "figure toy_widths narrow least_width=",
        "Narrower SAEs are left out.",
    )
    command = dispatch(bench, "figure toy_widths least_width=20")
    assert text_of(command) == "figure toy_widths least_width=20"
    assert command.values() == {"name": "toy_widths", "least_width": 20}
    with pytest.raises(CommandError, match="no argument 'least_width'"):
        dispatch(bench, "figure splits least_width=20")


@pytest.mark.slow
async def test_the_interface_offers_and_draws_it(install: Install, study: Path) -> None:
    install("saetui.figures", "toy_widths", "toy_figure")
    async with running(study) as run:
        await run.press("F")
        await run.shows("absorption_rate")
        await run.type("toy_w")
        await run.shows("toy_widths", "How wide is each SAE?")
        await run.press("enter")
        await run.shows("width of each SAE", "All SAEs.")
        await run.press("i")
        await run.shows("Each bar is one SAE, as long as it has latents.")


def test_what_a_figure_lacks_is_named_and_the_others_are_drawn(install: Install, study: Path) -> None:
    install("saetui.figures", "toy_other", "toy_figure")
    install("saetui.figures", "toy_absent", "toy_absent")
    with Store.open(study) as store:
        with pytest.raises(FigureError, match=r"toy_figure has no KIND whose name is 'toy_other'"):
            figure(store, "toy_other")
        with pytest.raises(FigureError, match=r"saetui\.figures: toy_absent cannot be imported"):
            figure(store, "toy_absent")
        assert not figure(store, "splits").is_empty


def test_a_command_line_without_it_lists_what_there_is(install: Install) -> None:
    install("saetui.figures", "toy_absent", "toy_absent")
    done = subprocess.run([sys.executable, "-m", "saetui", "figure", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "absorption_rate" in done.stdout
    assert done.stderr.count("toy_absent cannot be imported") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["force", "overwrite", "path", "tau", "store", "help", "class", "two words"])
def test_a_setting_whose_name_is_taken_leaves_the_figure_out(install: Install, name: str, tmp_path: Path) -> None:
    second_figure(tmp_path, Setting(name, int, 0, "Something."))
    install("saetui.figures", "toy_second", "toy_second")
    assert "toy_second" not in figure_kinds()
    with pytest.raises(FigureError, match=f"toy_second has a setting '{name}', which"):
        figure_kind("toy_second")


def test_two_figures_with_one_setting_share_an_option_of_the_command_line(install: Install, tmp_path: Path) -> None:
    second_figure(tmp_path, Setting("least_width", int, 7, "Of the second."))
    install("saetui.figures", "toy_widths", "toy_figure")
    install("saetui.figures", "toy_second", "toy_second")
    shown = told("figure", "--help")
    assert "Of toy_second: Of the second. (default: 7)" in shown
    assert "Of toy_widths: Narrower SAEs are left out. (default: 0)" in shown


def test_of_two_figures_with_settings_of_different_types_one_is_left_out(install: Install, tmp_path: Path) -> None:
    second_figure(tmp_path, Setting("least_width", str, "", "Of the second."))
    install("saetui.figures", "toy_widths", "toy_figure")
    install("saetui.figures", "toy_second", "toy_second")
    (left,) = {"toy_widths", "toy_second"} - set(figure_kinds())
    (kept,) = {"toy_widths", "toy_second"} - {left}
    (words,) = untold()
    assert words.endswith(f"least_width is of another type in {kept}")
    with pytest.raises(FigureError, match=f"'{left}' of the package"):
        figure_kind(left)


def second_figure(tmp_path: Path, setting: Setting) -> None:
    """Write the figure of another package with one setting."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    typed = f"Setting({setting.name!r}, {setting.kind.__name__}, {setting.default!r}, {setting.help!r})"
    (folder / "toy_second.py").write_text(
        "from dataclasses import replace\n"
        "from saetui.figures.kind import Setting\n"
        "from toy_figure import KIND\n"
        f"KIND = replace(KIND, name='toy_second', settings=({typed},))\n"
    )


def test_the_figures_are_not_read_at_the_start() -> None:
    code = "import sys; from saetui.cli.subcommands import make_app; import typer; typer.main.get_command(make_app()); "
    code += "from saetui.commands.vocabulary import commands; commands(); "
    code += "print([name for name in sys.modules if name.startswith(('saetui.figures.kinds', 'matplotlib', 'numpy'))])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
