"""Whatever goes wrong ends in one message, with an exit code that says so."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from saetui.cli.guard import guarded
from saetui.jobs.exceptions import JobError
from saetui.workbench.exceptions import CommandError, UsageError
from store.exceptions import StoreError
from tests.hostile import ALL, hidden_in


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("SAETUI_TRACEBACK", raising=False)
    return tmp_path


def ended(command: Callable[[], int], capsys: pytest.CaptureFixture[str]) -> tuple[object, str]:
    """The exit code and what was said."""
    with pytest.raises(SystemExit) as raised:
        guarded(command)()
    return raised.value.code, capsys.readouterr().err


def raising(problem: BaseException) -> Callable[[], int]:
    def command() -> int:
        raise problem

    return command


def of_disk(number: int, path: str | bytes | None = "/data/x") -> OSError:
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(
    ("problem", "code", "said"),
    [
        (CommandError("no"), 1, "saetui: no\n"),
        (StoreError("no"), 1, "saetui: no\n"),
        (JobError("no"), 1, "saetui: no\n"),
        (UsageError("no"), 2, "saetui: no\n"),
        (KeyboardInterrupt(), 130, "saetui: interrupted\n"),
        (of_disk(errno.ENOSPC), 1, "saetui: /data/x: the disk is full; make room on it and try again\n"),
        (of_disk(errno.EROFS), 1, "/data/x: is on a read-only disk; copy the folder"),
        (of_disk(errno.EACCES), 1, "/data/x: this user may not do that there; change its permissions"),
        (of_disk(errno.EMFILE), 1, "/data/x: too many files are open; raise the limit (ulimit -n 4096)"),
        (of_disk(errno.ENOENT), 1, "/data/x: is not there"),
        (of_disk(errno.ELOOP), 1, "/data/x: is a link, or links that lead in a circle"),
        (of_disk(errno.EIO), 1, "/data/x: the disk cannot be read or written"),
        (of_disk(errno.ENOSPC, None), 1, "saetui: the disk is full"),
        (of_disk(errno.EACCES, b"/data/\xff"), 1, "/data/\\udcff: this user may not"),
        (OSError(errno.EINVAL, "is a pipe", "/data/x"), 1, "/data/x: is a pipe\n"),
        (OSError("no number"), 1, "saetui: no number"),
        (MemoryError(), 1, "not enough memory"),
        (RecursionError("maximum"), 1, "nested too deeply"),
        (
            UnicodeEncodeError("utf-8", "a\udcff", 1, 2, "surrogates"),
            1,
            r"'a\udcff' is no text that can be written as utf-8",
        ),
        (UnicodeDecodeError("utf-8", b"a\xff", 1, 2, "invalid"), 1, r"b'\xff' is no utf-8 text"),
        (ZeroDivisionError("by zero"), 1, "unexpected error: ZeroDivisionError: by zero"),
        (AssertionError(), 1, "unexpected error: AssertionError"),
        (KeyError("x"), 1, "unexpected error: KeyError: 'x'"),
    ],
)
def test_an_error_is_a_message_and_a_code(
    problem: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, text = ended(raising(problem), capsys)
    assert found == code
    assert said in text
    assert text.startswith("saetui: ")
    assert "Traceback" not in text


def test_a_bug_leaves_its_traceback_in_a_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, text = ended(raising(ZeroDivisionError(f"by {ALL}")), capsys)
    log = home / "state" / "saetui" / "crash.log"
    assert f"the traceback is in {log}" in text
    assert "SAETUI_TRACEBACK=1" in text
    assert "ZeroDivisionError" in log.read_text(encoding="utf-8")
    assert hidden_in(text, allowed="\n") == set()


def test_the_traceback_can_be_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAETUI_TRACEBACK", "1")
    code, text = ended(raising(ZeroDivisionError(f"by {ALL}")), capsys)
    assert code == 1
    assert "Traceback" in text
    assert text.splitlines()[-1].startswith("saetui: unexpected error")
    assert hidden_in(text, allowed="\n") == set()


def test_where_no_file_can_be_written_the_variable_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "state").write_text("no folder")
    _, text = ended(raising(ZeroDivisionError("by zero")), capsys)
    assert "run it with SAETUI_TRACEBACK=1" in text


@pytest.mark.parametrize("kind", [CommandError, StoreError, JobError, ValueError])
def test_a_message_that_quotes_others_hides_nothing(kind: type[Exception], capsys: pytest.CaptureFixture[str]) -> None:
    _, text = ended(raising(kind(f"name {ALL} is wrong\nand so on")), capsys)
    assert hidden_in(text, allowed="\n") == set()
    assert "[red]x[/]" in text or kind is ValueError


def test_a_command_that_ends_well_keeps_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(lambda: 0, capsys) == (0, "")
    assert ended(lambda: 1, capsys) == (1, "")


def test_a_reader_that_leaves_is_not_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(BrokenPipeError()), capsys) == (0, "")
    assert sys.stdout is not None
