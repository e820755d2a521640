"""Sessions: recorded line by line, read back, and done again to the same pictures."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

import saetui
from saetui.commands.dispatch import dispatch
from saetui.commands.note import Note
from saetui.commands.select import Letter
from saetui.commands.session import Recorder, fingerprint, load, replay
from saetui.commands.session_lines import FORMAT
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import tables
from saetui.workbench.workbench import Workbench

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
        dispatch(bench, line)
    dispatch(bench, "help")
    return bench.recorder.path


def test_a_session_file_is_a_header_and_one_line_per_command(recorded: Path, bench: Workbench) -> None:
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
    dispatch(bench, "help")
    assert not (bench.store.root / "sessions").exists() or not list((bench.store.root / "sessions").iterdir())


@pytest.mark.slow
def test_a_session_done_again_shows_the_same(recorded: Path, bench: Workbench) -> None:
    session = load(recorded)
    assert session.steps[1].command == Letter("s")
    fresh = Workbench.open(bench.store.root, inline=True)
    assert replay(session, fresh) == []
    fresh.close()


@pytest.mark.slow
def test_a_differing_view_is_found_at_its_step(recorded: Path, bench: Workbench) -> None:
    bench.store.write("UPDATE letter_latent SET f1 = 0.5 WHERE sae_id = 'sae-64' AND letter = 's' AND rank = 1")
    fresh = Workbench.open(bench.store.root, inline=True)
    differences = replay(load(recorded), fresh)
    assert [difference.index for difference in differences] == [0, 1, 2, 3, 4, 5, 8]
    assert differences[0].shown != differences[0].step.digest
    fresh.close()


@pytest.mark.slow
def test_digests_of_an_earlier_format_are_compared_where_they_mean_the_same(recorded: Path, bench: Workbench) -> None:
    header, *lines = [json.loads(line) for line in recorded.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["digest"] = "0" * 16
    recorded.write_text("".join(json.dumps(line) + "\n" for line in [header | {"format": 1}, *lines]), encoding="utf-8")
    fresh = Workbench.open(bench.store.root, inline=True)
    different = {difference.index for difference in replay(load(recorded), fresh)}
    fresh.close()
    is_sorted = [index for index, line in enumerate(LINES) if line.startswith("sort")]
    assert is_sorted
    assert 0 in different
    assert different.isdisjoint(is_sorted)


@pytest.mark.slow
@pytest.mark.parametrize("session_format", [1, 2, 3, FORMAT])
def test_sessions_of_every_format_are_played_and_compared_where_rows_mean_the_same(
    recorded: Path, bench: Workbench, session_format: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tables of the letters screen are taken to have other rows since format 3."""
    header, *lines = [json.loads(line) for line in recorded.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["digest"] = "0" * 16
    written = [header | {"format": session_format}, *lines]
    recorded.write_text("".join(json.dumps(line) + "\n" for line in written), encoding="utf-8")
    known = dict(tables())
    changed = {name: replace(table, rows_since=3) for name, table in known.items() if table.screen == "letters"}
    monkeypatch.setattr("saetui.workbench.view.tables", lambda: known | changed)
    fresh = Workbench.open(bench.store.root, inline=True)
    session = load(recorded)
    compared = {difference.index for difference in replay(session, fresh)}
    fresh.close()
    assert session.format == session_format
    assert len(session.steps) == len(LINES)
    assert bool(compared) == (session_format >= 3)


@pytest.mark.slow
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
        dispatch(bench, "letter s")
    assert bench.attention.letter == "s"
    dispatch(bench, "letter t")


def test_a_torn_last_line_is_left_out(recorded: Path) -> None:
    text = recorded.read_text(encoding="utf-8")
    recorded.write_text(text[:-20], encoding="utf-8")
    assert len(load(recorded).steps) == len(LINES) - 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["is empty"]),
        ("{}\n", [":1:", "not a session header"]),
        ("not json\n", [":1:", "not JSON"]),
        ('{"saetui": "1", "format": 99}\n', [":1:", "not a session header"]),
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


STARTED = "2026-11-20T12:00:00+00:00"
HEADER: dict[str, object] = {"format": 1, "saetui": "0.1", "session": "s", "store": "f", "started": STARTED}
STEP: dict[str, object] = {"t": 1.5, "command": "letter", "args": {"letter": "s"}, "digest": "d"}


def lines_of(*lines: object) -> bytes:
    return b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)


def without(line: dict[str, object], name: str) -> dict[str, object]:
    return {key: value for key, value in line.items() if key != name}


# Every way in which a file can be damaged or made up, with what is said of it.
DAMAGED: dict[str, tuple[bytes, list[str]]] = {
    "only blank lines": (b"\n\n", ["is empty"]),
    "NUL for a header": (b"\0" * 64 + b"\n", [":1:", "not JSON"]),
    "NUL in a line": (lines_of(HEADER, STEP, b'{"t": 1, "command": "le\0tter"}\n'), [":3:", "not JSON"]),
    "not UTF-8": (lines_of(HEADER, b'{"t": 1, "command": "\xff"}\n'), [":2:", "not UTF-8 at byte 22"]),
    "UTF-16": (json.dumps(HEADER).encode("utf-16"), [":1:", "not UTF-8"]),
    "Latin-1": (lines_of(HEADER, b'{"t": 1, "command": "note", "args": {"text": "caf\xe9"}}\n'), [":2:", "not UTF-8"]),
    "compressed": (b"\x1f\x8b\x08\x00" + b"\n", [":1:", "not UTF-8"]),
    "a list for a header": (b"[]\n", [":1:", "not an object"]),
    "a number for a header": (b"1\n", [":1:", "not an object"]),
    "no header": (lines_of(STEP), [":1:", "not a session header"]),
    "version is a number": (lines_of(HEADER | {"saetui": 1}), [":1:", "not a session header"]),
    "format is a text": (lines_of(HEADER | {"format": "x"}), [":1:", "format"]),
    "format is null": (lines_of(HEADER | {"format": None}), [":1:", "format"]),
    "format is later": (lines_of(HEADER | {"format": FORMAT + 1}), [":1:", f"format {FORMAT + 1}"]),
    "format is huge": (lines_of(HEADER | {"format": 10**300}), [":1:", "format"]),
    "started is not a time": (
        lines_of(HEADER | {"started": "yesterday"}),
        [":1:", "started is not a time", "yesterday"],
    ),
    "started is a number": (lines_of(HEADER | {"started": 5}), [":1:", "started must be a text, not 5"]),
    "started is missing": (
        lines_of(without(HEADER, "started")),
        [":1:", "started is missing"],
    ),
    "session is missing": (
        lines_of(without(HEADER, "session")),
        [":1:", "session is missing"],
    ),
    "store is a list": (lines_of(HEADER | {"store": []}), [":1:", "store must be a text"]),
    "parent is a number": (lines_of(HEADER | {"parent": 5}), [":1:", "parent must be a text or null"]),
    "cut in the middle": (lines_of(HEADER, b'{"t": 1, "comm\n', STEP), [":2:", "not JSON"]),
    "unknown command": (lines_of(HEADER, STEP | {"command": "fly"}), [":2:", "no command 'fly'"]),
    "command is null": (lines_of(HEADER, STEP | {"command": None}), [":2:", "command must be a text"]),
    "command is missing": (lines_of(HEADER, {"t": 1}), [":2:", "command is missing"]),
    "unknown argument": (lines_of(HEADER, STEP | {"args": {"lettr": "s"}}), [":2:", "no argument 'lettr'"]),
    "argument missing": (lines_of(HEADER, STEP | {"args": {}}), [":2:", "letter is missing"]),
    "args is a list": (lines_of(HEADER, STEP | {"args": ["s"]}), [":2:", "args must be an object"]),
    "argument is an object": (lines_of(HEADER, STEP | {"args": {"letter": {"a": 1}}}), [":2:", "args: letter must be"]),
    "argument is null": (lines_of(HEADER, STEP | {"args": {"letter": None}}), [":2:", "letter must be text"]),
    "argument is a list": (lines_of(HEADER, STEP | {"args": {"letter": ["s"]}}), [":2:", "letter must be text"]),
    "a latent of a list": (
        lines_of(HEADER, STEP | {"command": "latent", "args": {"latent": [1]}}),
        [":2:", "latent must be a whole number"],
    ),
    "a latent and a half": (
        lines_of(HEADER, STEP | {"command": "latent", "args": {"latent": 1.5}}),
        [":2:", "latent must be a whole number"],
    ),
    "a number of 5,000 digits": (
        lines_of(HEADER, b'{"t": 1, "command": "latent", "args": {"latent": ' + b"9" * 5000 + b"}}\n"),
        [":2:", "not JSON of a session"],
    ),
    "t is a text": (lines_of(HEADER, STEP | {"t": "1"}), [":2:", "t must be seconds"]),
    "t is negative": (lines_of(HEADER, STEP | {"t": -1}), [":2:", "t must be seconds"]),
    "t is huge": (lines_of(HEADER, STEP | {"t": 10**400}), [":2:", "t must be seconds"]),
    "t is missing": (lines_of(HEADER, without(STEP, "t")), [":2:", "t must be seconds"]),
    "t is NaN": (lines_of(HEADER, STEP | {"t": float("nan")}), [":2:", "NaN is no number"]),
    "t is infinite": (lines_of(HEADER, STEP | {"t": float("inf")}), [":2:", "Infinity is no number"]),
    "digest is missing": (
        lines_of(HEADER, without(STEP, "digest")),
        [":2:", "digest is missing"],
    ),
    "digest is a number": (lines_of(HEADER, STEP | {"digest": 1}), [":2:", "digest must be a text"]),
    "visit is a text": (lines_of(HEADER, STEP | {"visit": "no"}), [":2:", "visit must be true or false"]),
    "a name twice": (lines_of(HEADER, b'{"t": 1, "t": 2, "command": "letter"}\n'), [":2:", "'t' appears in it twice"]),
    "nested deeply": (lines_of(HEADER, b"[" * 100_000 + b"\n"), [":2:", "nested too deeply"]),
    "args nested deeply": (
        lines_of(HEADER, b'{"t": 1, "command": "letter", "args": ' + b'{"a":' * 100_000 + b"\n"),
        [":2:", "nested too deeply"],
    ),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_file_is_named_with_line_and_field(tmp_path: Path, damage: str) -> None:
    content, words = DAMAGED[damage]
    path = tmp_path / "session.jsonl"
    path.write_bytes(content)
    with pytest.raises(CommandError) as raised:
        load(path)
    for word in [str(path), *words]:
        assert word in str(raised.value)
    assert len(str(raised.value)) < 500


def test_what_is_not_a_file_is_named_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, said in {
        "pipe": "is a pipe or a device",
        "folder": "is a folder",
        "zero": "is a pipe or a device",
        "loop": "links that lead in a circle",
        "none": "is not there",
        "a\0b": "null",
    }.items():
        with pytest.raises(CommandError) as raised:
            load(tmp_path / name)
        assert name in str(raised.value)
        assert said in str(raised.value)


def test_a_link_to_a_session_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(lines_of(HEADER, STEP))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert load(tmp_path / "link").steps[0].command == Letter("s")


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("after", [b"", b"\n", b"\n \n\n", b'{"t": 1, "comm', b'{"a": {}', b"\xf0\x9f"])
def test_what_editors_and_the_end_of_a_machine_leave_is_read(tmp_path: Path, before: bytes, after: bytes) -> None:
    path = tmp_path / "session.jsonl"
    path.write_bytes(before + lines_of(HEADER, STEP).replace(b"\n", b"\r\n") + after)
    assert [step.command for step in load(path).steps] == [Letter("s")]


HARD_TEXTS = [
    *(f"a{end}b" for end in ("\u2028", "\u2029", "\u0085", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\r", "\n")),
    "\u202e",
    "half \ud83d",
]


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_a_text_comes_back_as_it_was(text: str, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, lambda: "")
    recorder.record(recorder.line(Note(text, kind="letter", key="s"), visit=True), "d")
    recorder.record(recorder.line(Letter("s"), visit=True), "d")
    assert recorder.path.read_bytes().count(b"\n") == 3
    assert [step.command for step in load(recorder.path).steps] == [Note(text, kind="letter", key="s"), Letter("s")]


@pytest.mark.parametrize("text", HARD_TEXTS[:-1])
def test_sessions_of_before_are_read_although_a_text_holds_ends_of_lines(text: str, tmp_path: Path) -> None:
    line = STEP | {"command": "note", "args": {"text": text, "kind": "letter", "key": "s"}}
    path = tmp_path / "session.jsonl"
    path.write_text(f"{json.dumps(HEADER)}\n{json.dumps(line, ensure_ascii=False)}\n", encoding="utf-8")
    assert load(path).steps[0].command == Note(text, kind="letter", key="s")


def test_a_session_is_not_recorded_through_a_link(bench: Workbench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (bench.store.root / "sessions").symlink_to(outside)
    bench.recorder = Recorder(bench.store.root / "sessions", lambda: fingerprint(bench.store))
    with pytest.raises(CommandError, match=r"recording has stopped: .*sessions: is a link"):
        dispatch(bench, "screen letters")
    assert list(outside.iterdir()) == []
    assert bench.recorder is None
