"""A hostile store through every command: nothing of it reaches the terminal but text that can be seen."""

import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from saetui.cli import main
from saetui.cli.visible_console import VisibleConsole
from saetui.figures import figure_kinds
from tests.hostile import ALL, SHORT, hidden_in, hostile_store
from tests.tui.pursuit_fixture import PLACES


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_store(tmp_path_factory.mktemp("hostile") / "store")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))


def printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """The exit code of a command, and what it printed on both streams."""
    monkeypatch.setattr(sys, "argv", ["saetui", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    streams = capsys.readouterr()
    code = ended.value.code
    return code if isinstance(code, int) else 0, streams.out + streams.err


COMMANDS = {
    "summary": (["open", "STORE"], 0, "Strongest cases"),
    "jobs": (["jobs", "--store", "STORE"], 0, "title"),
    "figures": (["figure"], 0, "splits"),
    **{f"figure {name}": (["figure", name, "--store", "STORE"], None, "") for name in figure_kinds()},
    "a figure of a word": (["figure", "evidence", "--word", ALL, "--store", "STORE"], 1, "nothing to draw"),
    "a figure that is not": (["figure", ALL, "--store", "STORE"], 2, "no figure"),
    "an SAE that is not": (["figure", "splits", "--sae", f"x{ALL}", "--store", "STORE"], 1, "w256-k4"),
    "a hook that is not": (["figure", "splits", "--hook", f"x{ALL}", "--store", "STORE"], 1, "there are"),
    "a model that is not": (["figure", "width_norms", "--model", f"x{ALL}", "--store", "STORE"], 1, "speller"),
    "pursue an SAE that is not": (["pursue", "--sae", f"x{ALL}", "--store", "STORE"], 1, "w256-k4"),
    "pursue nonsense": (["pursue", "--place", ALL, "--store", "STORE"], 2, "CONTEXT:POSITION"),
    "pursue with a hostile l0": (["pursue", "--l0", ALL, "--store", "STORE"], 2, "l0"),
    "a place that is not": (["open", "STORE", "--at", f"letters/s/{ALL}"], 2, "letters/LETTER/LATENT"),
    "cancel a job that is not": (["jobs", "cancel", ALL, "--store", "STORE"], 1, "names 0 jobs"),
    "a store that is not": (["open", f"/nowhere/{ALL}"], 1, "/nowhere/"),
    "a specification that is not": (["run", f"/nowhere/{ALL}.toml", "--store", "STORE"], 1, ".toml"),
    "a study by a hostile rule": (["study", "letters", "--ig-rule", ALL, "--store", "STORE"], 2, "ig_rule"),
    "a figure that cannot be written": (
        ["figure", "splits", "--store", "STORE", "--out", f"/nowhere/{ALL}/x.svg"],
        1,
        "",
    ),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_prints_what_cannot_be_seen(
    name: str, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, expected, said = COMMANDS[name]
    code, text = printed(monkeypatch, capsys, *(store if word == "STORE" else word for word in arguments))
    assert hidden_in(text, allowed="\n") == set()
    assert "Traceback" not in text
    assert "unexpected error" not in text
    assert said in text
    assert text.strip()
    if expected is not None:
        assert code == expected


def test_the_printout_of_a_pursuit_has_nothing_hidden(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from saetui.cli.pursue import print_pursuits

    assert print_pursuits(store, pursuit_id=SHORT + PLACES) == 0
    text = capsys.readouterr().out
    assert "FVU, nonlinear part" in text
    assert hidden_in(text, allowed="\n") == set()


def test_names_are_shown_as_they_are_written(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is hidden is told, and markup is text."""
    _, text = printed(monkeypatch, capsys, "jobs", "--store", store)
    assert r"␛\u009b␍↵\u202e\u200b[b]" in text


@pytest.mark.parametrize("name", sorted(figure_kinds()))
def test_no_figure_on_paper_holds_what_cannot_be_seen(
    name: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An SVG with a control character is no XML."""
    import xml.etree.ElementTree as ET

    out = tmp_path / f"{name}.svg"
    code, text = printed(monkeypatch, capsys, "figure", name, "--store", store, "--out", out)
    assert hidden_in(text, allowed="\n") == set()
    if code == 1:
        assert "there is nothing to draw" in text
        return
    assert hidden_in(out.read_text(encoding="utf-8"), allowed="\n") == set()
    ET.parse(out)


def test_a_console_for_terminals_lets_nothing_through_however_it_is_wrapped() -> None:
    output = StringIO()
    console = VisibleConsole(width=200)
    console.file = output
    table = Table(title=ALL, caption=ALL)
    table.add_column(ALL)
    table.add_row(ALL)
    for renderable in (ALL, Text(ALL), table):
        console.print(renderable)
    assert hidden_in(output.getvalue(), allowed="\n") == set()
    assert "[red]x[/]" in output.getvalue()
