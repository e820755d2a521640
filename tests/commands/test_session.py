"""Sessions: recorded line by line, read back, and done again to the same pictures."""

import json
from pathlib import Path

import pytest

import saetui
from saetui.commands.errors import CommandError
from saetui.commands.select import Letter
from saetui.commands.session import Recorder, fingerprint, load, replay
from saetui.commands.workbench import Workbench

LINES = [
    "screen letters",
    "letter s",
    "focus letters.latents",
    "latent 18",
    "filter f1 > 0.1",
    "sort recall up",
    "sae w1024-k4",
    "mark latent sae-1024/18",
    "back",
]


@pytest.fixture
def recorded(bench: Workbench) -> Path:
    bench.recorder = Recorder(bench.store.root / "sessions", lambda: fingerprint(bench.store))
    for line in LINES:
        bench.dispatch(line)
    bench.dispatch("help")
    return bench.recorder.path


def test_a_session_file_is_a_header_and_a_line_a_command(recorded: Path, bench: Workbench) -> None:
    header, *lines = [json.loads(line) for line in recorded.read_text(encoding="utf-8").splitlines()]
    assert header["saetui"] == saetui.__version__
    assert header["store"] == fingerprint(bench.store)
    assert header["parent"] is None
    assert [line["command"] for line in lines] == [line.split()[0] for line in LINES]
    assert lines[1] == {"t": lines[1]["t"], "command": "letter", "args": {"letter": "s"}, "digest": lines[1]["digest"]}
    assert lines[4]["args"] == {"text": "f1 > 0.1", "table": "letters.latents"}
    assert [line["t"] for line in lines] == sorted(line["t"] for line in lines)


def test_nothing_is_written_before_the_first_command(bench: Workbench) -> None:
    bench.recorder = Recorder(bench.store.root / "sessions", lambda: "")
    bench.dispatch("help")
    assert not (bench.store.root / "sessions").exists() or not list((bench.store.root / "sessions").iterdir())


def test_a_session_done_again_shows_the_same(recorded: Path, bench: Workbench) -> None:
    session = load(recorded)
    assert session.steps[1].command == Letter("s")
    fresh = Workbench.open(bench.store.root, inline=True)
    assert replay(session, fresh) == []
    fresh.close()


def test_a_differing_view_is_found_at_its_step(recorded: Path, bench: Workbench) -> None:
    bench.store.write("UPDATE letter_latent SET f1 = 0.5 WHERE sae_id = 'sae-64' AND letter = 's' AND rank = 1")
    fresh = Workbench.open(bench.store.root, inline=True)
    differences = replay(load(recorded), fresh)
    assert [difference.index for difference in differences] == [0, 1, 2, 3, 4, 5, 8]
    assert differences[0].shown != differences[0].step.digest
    fresh.close()


def test_a_command_that_fails_now_is_a_difference(recorded: Path, bench: Workbench) -> None:
    bench.store.write("DELETE FROM sae WHERE sae_id = 'sae-1024'")
    fresh = Workbench.open(bench.store.root, inline=True)
    shown = {difference.index: difference.shown for difference in replay(load(recorded), fresh)}
    assert "no SAE 'w1024-k4'" in shown[6]
    fresh.close()


def test_a_closed_session_is_listed_in_the_store(recorded: Path, bench: Workbench) -> None:
    assert bench.recorder is not None
    bench.recorder.close(bench.store)
    rows = bench.store.fetch("SELECT session_id, n_commands, parent, path FROM session").rows
    assert rows == [(recorded.stem, len(LINES), None, f"sessions/{recorded.name}")]


def test_a_session_that_cannot_be_written_stops_recording_and_nothing_else(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bench.recorder = Recorder(tmp_path / "file" / "sessions", lambda: "")
    with pytest.raises(CommandError, match="recording has stopped"):
        bench.dispatch("letter s")
    assert bench.attention.letter == "s"
    bench.dispatch("letter t")


def test_a_torn_last_line_is_left_out(recorded: Path) -> None:
    text = recorded.read_text(encoding="utf-8")
    recorded.write_text(text[:-20], encoding="utf-8")
    assert len(load(recorded).steps) == len(LINES) - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["is empty"]),
        ("{}\n", [":1:", "no session header"]),
        ("not json\n", [":1:", "not JSON"]),
        ('{"saetui": "1", "format": 99}\n', [":1:", "no session header"]),
        ('HEADER\n{"t": 1, "command": "fly", "args": {}, "digest": ""}\n', [":2:", "no command 'fly'"]),
        ('HEADER\n[1]\n{"t": 1}\n', [":2:", "not an object"]),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: str, words: list[str]) -> None:
    header = '{"format": 1, "saetui": "0.1", "session": "s", "store": "f", "started": "2026-11-20T12:00:00+00:00"}'
    path = tmp_path / "session.jsonl"
    path.write_text(text.replace("HEADER", header), encoding="utf-8")
    with pytest.raises(CommandError) as raised:
        load(path)
    for word in [str(path), *words]:
        assert word in str(raised.value)
