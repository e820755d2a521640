"""Listings on the command line, where there is little room and as JSON; and commands where there is no store."""

import json
import platform
import time
from pathlib import Path
from typing import Any

import pytest

from saetui.cli import text_table, visible_console
from saetui.cli.headless import print_jobs
from saetui.cli.notes import print_notes
from saetui.cli.text_table import new_table, print_table
from saetui.commands.note import Note
from saetui.jobs.folder import JobFolder, Record, State
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.workbench.workbench import Workbench
from tests.cli.test_cli import saetui

SPEC = LettersSpec(hook_name="blocks.1.hook_resid_post", saes=("w64-k4",))
JOBS: tuple[tuple[str, State, str | None], ...] = (
    ("20261130-095824-772046-695f", "done", None),
    ("20261130-095824-807917-8919", "failed", "the model's folder is not there any more, look for it in /models"),
    ("20261130-095824-811061-df83", "cancelled", "cancelled before it started"),
)


@pytest.fixture
def store(empty_store: Path) -> Path:
    """A store with three jobs that have ended, a note and a mark."""
    bench = Workbench.open(empty_store, inline=True)
    bench.store.write("INSERT INTO mark VALUES ('letter', 's', now()::TIMESTAMP)", {})
    bench.perform(Note("look again\nat its words", kind="token", key=" short"))
    bench.close()
    for number, (job_id, state, message) in enumerate(JOBS):
        now = time.time() + number
        title = "Letters of w512-k2, w512-k4, w512-k8, w1024-k4, w2048-k4 and w8192-k4"
        record = Record(job_id, "letters", title, state, "cpu", platform.node(), str(number), now, message=message)
        JobFolder.create(empty_store / "jobs", record, SPEC.document())
    return empty_store


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets the width of the terminal."""
    made = visible_console.console

    def narrow(width: int) -> None:
        monkeypatch.setattr(visible_console, "console", lambda **_: made(width=width))

    return narrow


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_jobs_keep_id_state_kind_and_progress(
    width: int, cells: Any, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells(width)
    print_jobs(store)
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert all(len(line) <= width for line in lines)
    for job_id, state, message in JOBS:
        (line,) = (line for line in lines if job_id in line)
        assert line.split()[:3] == [job_id, state, "letters"]
        assert (str(message)[:12] if state == "failed" else f"letters   {state}") in line
    assert ("no room for title, device" in " ".join(out.split())) == (width == 80)


@pytest.mark.parametrize("width", range(20, 70, 3))
def test_numbers_are_shown_whole_or_with_their_column_left_out(
    width: int, cells: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    cells(width)
    table = new_table("name", "FVU", "tokens", "title", "rate", cut=("title",))
    table.add_row("w64", "0.123456", "1,234,567", "a title of more words than there is room for", "98.7%")
    print_table(table, "")
    out = capsys.readouterr().out
    columns = {"FVU": "0.123456", "tokens": "1,234,567", "rate": "98.7%"}
    header, left_out = out.splitlines()[1], " ".join(out.split()).partition("no room for")[2]
    for name, number in columns.items():
        assert (name in header) == (number in out)
        assert (name in header) != (name in left_out)
    assert text_table._CUT <= 16


def test_jobs_as_json_have_everything(store: Path, tmp_path: Path) -> None:
    done = saetui("jobs", "--store", store, "--json", home=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    jobs = json.loads(done.stdout)
    assert [(job["id"], job["state"], job["message"]) for job in jobs] == list(JOBS)
    assert {job["kind"] for job in jobs} == {"letters"}
    assert jobs[0]["device"] == "cpu"


def test_a_store_without_jobs_has_an_empty_list(empty_store: Path, tmp_path: Path) -> None:
    for command in ("jobs", "notes"):
        done = saetui(command, "--store", empty_store, "--json", home=tmp_path)
        assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_notes_are_listed_and_searched(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    print_notes(store, "")
    out = capsys.readouterr().out
    assert "look again · at its words" in out
    assert "word “ short”" in out
    assert any("letter s" in line and "◆" in line for line in out.splitlines())
    print_notes(store, "AGAIN")
    assert "letter s" not in capsys.readouterr().out
    print_notes(store, "nowhere")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no notes and no marks with 'nowhere' in them" in captured.err
    print_notes(store, "again", as_json=True)
    (note,) = json.loads(capsys.readouterr().out)
    assert (note["about"], note["note"], note["marked"]) == ("word “ short”", "look again\nat its words", False)
    assert note["link"] == "letters?token=+short"


@pytest.mark.slow
def test_figures_as_json_have_their_options(tmp_path: Path) -> None:
    figures = json.loads(saetui("figure", "--json", home=tmp_path).stdout)
    (splits,) = (figure for figure in figures if figure["name"] == "splits")
    assert splits["question"].endswith("?")
    assert "--sae" in splits["options"]
    done = saetui("figure", "splits", "--json", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")


COMMANDS = (
    ["jobs"],
    ["jobs", "--json"],
    ["jobs", "cancel", "2026"],
    ["jobs", "start", "2026"],
    ["notes"],
    ["figure", "splits"],
    ["study", "letters"],
    ["train", "topk", "--width", "64", "--k", "4"],
    ["pursue"],
    ["run", "SPEC"],
)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_there_is_no_store_it_is_said_and_nothing_is_left_behind(command: list[str], tmp_path: Path) -> None:
    spec, folder = tmp_path / "spec.toml", tmp_path / "folder"
    spec.write_text('kind = "letters"\nhook_name = "blocks.1.hook_resid_post"\nsaes = ["*"]\n')
    folder.mkdir()
    given = [str(spec) if word == "SPEC" else word for word in command]
    for place, said in ((folder, "is not a store"), (tmp_path / "nowhere", "there is no store here")):
        done = saetui(*given, "--store", place, home=tmp_path / "home")
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
        assert str(place) in done.stderr
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "nowhere").exists()
