"""The command that shows a figure or writes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from saetui.commands.arguments import text_of
from saetui.commands.completion import completions
from saetui.commands.dispatch import dispatch
from saetui.commands.figures import ShowFigure
from saetui.commands.parse import parse
from saetui.workbench.exceptions import CommandError
from saetui.workbench.front import NoFront
from saetui.workbench.workbench import Workbench
from tests.figures.made import make_store


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    """A workbench on the made-up absorption study."""
    bench = Workbench.open(make_store(tmp_path / "store"), inline=True)
    yield bench
    bench.close()


def opened(bench: Workbench) -> list[str]:
    assert isinstance(bench.front, NoFront)
    return bench.front.panels


@pytest.mark.slow
def test_without_a_path_it_opens_a_panel_that_says_the_same(bench: Workbench) -> None:
    dispatch(bench, "figure splits sae=narrow,wide tau=0.2")
    assert opened(bench) == ["figure figure splits narrow,wide tau=0.2"]


@pytest.mark.slow
def test_a_figure_of_one_word_is_of_the_word_that_is_looked_at(bench: Workbench) -> None:
    bench.attend(sae="id-narrow", letter="a", token=" ant")
    done = dispatch(bench, "figure evidence")
    assert done == ShowFigure("evidence", sae=("narrow",), letter="a", word=" ant")
    assert parse(text_of(done)) == done
    assert dispatch(bench, "figure evidence word=axe") == ShowFigure("evidence", word="axe")
    assert dispatch(bench, "figure splits") == ShowFigure("splits")


@pytest.mark.slow
def test_thresholds_that_were_moved_hold_for_figures_that_have_them(bench: Workbench) -> None:
    bench.attend(lead=3.5, tau=0.2)
    assert dispatch(bench, "figure absorption_rate tau=0.1") == ShowFigure("absorption_rate", tau=0.1, lead=3.5)
    assert dispatch(bench, "figure splits") == ShowFigure("splits", tau=0.2)
    assert dispatch(bench, "figure error_scaling") == ShowFigure("error_scaling")


@pytest.mark.slow
def test_with_a_path_it_writes_the_file_and_its_query(bench: Workbench, tmp_path: Path) -> None:
    path = tmp_path / "rate.svg"
    dispatch(bench, f"figure absorption_rate lead=3.5 path={path}")
    assert "absorption rate against L0" in path.read_text()
    again = bench.store.fetch(path.with_suffix(".sql").read_text())
    assert dict(zip(again.column("name"), again.column("rate"), strict=True))["wide"] == 1 / 8
    assert opened(bench) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("figure absorption", "no figure 'absorption'"),
        ("figure splits path=/nowhere/a.svg", "there is no folder /nowhere"),
        ("figure splits path=a.gif", "must end in .svg or .png"),
        ("figure splits sae=huge path=a.svg", "no SAE 'huge'"),
        ("figure splits word=ant path=a.svg", "splits takes no word"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    line: str, said: str, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CommandError, match=said):
        dispatch(bench, line)
    assert not list(tmp_path.glob("a.*"))


@pytest.mark.slow
def test_names_are_completed(bench: Workbench) -> None:
    assert [found.line for found in completions("figure absorption", bench)] == [
        "figure absorption_rate",
        "figure absorption_map",
    ]
    assert "figure splits sae=narrow" in [found.line for found in completions("figure splits sae=", bench)]
    hooks = [found.line for found in completions("figure splits hook=", bench)]
    assert hooks == ["figure splits hook=blocks.1.hook_resid_post", "figure splits hook=blocks.2.hook_resid_post"]
