"""Terminals, pipes, disks and paths of every kind, met by a process."""

import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from saetui.cli import main
from saetui.workbench.shell import shell_line
from store import Store
from store.spool import Spool
from tests.figures.made import make_store
from tests.hostile import hidden_in

Run = subprocess.CompletedProcess[bytes]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("made") / "store")


def environment(home: Path, **more: str) -> dict[str, str]:
    places = {name: str(home / name) for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    return {**os.environ, "HOME": str(home), **places, **more}


def shell(line: str, study: Path, home: Path, **more: str) -> Run:
    """A line for bash in which ``$SAETUI`` is the command and ``$STORE`` the store."""
    names = {"SAETUI": f"{sys.executable} -m saetui", "STORE": str(study), **more}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=environment(home, **names),
        timeout=120,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "terminal",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_what_a_terminal_cannot_write_is_replaced(terminal: dict[str, str], study: Path, tmp_path: Path) -> None:
    for command in ("open $STORE", "figure splits --store $STORE"):
        done = shell(f"$SAETUI {command}", study, tmp_path, **terminal)
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr
        assert b"?" in done.stdout
        assert b"narrow" in done.stdout or b"main latents against L0" in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
@pytest.mark.parametrize("command", ["open $STORE", "--help", "--version", "figure", "figure splits --store $STORE"])
def test_output_that_finds_no_room_is_a_failure(command: str, study: Path, tmp_path: Path) -> None:
    done = shell(f"$SAETUI {command} > /dev/full", study, tmp_path)
    assert done.returncode == 1
    assert b"standard output: the disk is full" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", ["open $STORE", "figure"])
def test_a_reader_that_leaves_and_a_closed_stream_are_none(command: str, study: Path, tmp_path: Path) -> None:
    for end in ("| head -c 0", ">&-", "2>&-"):
        done = shell(f"$SAETUI {command} {end}", study, tmp_path)
        assert done.returncode == 0
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr


def in_process(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path, *arguments: object
) -> tuple[object, str, str]:
    for name, place in environment(home).items():
        monkeypatch.setenv(name, place)
    monkeypatch.setattr(sys, "argv", ["saetui", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    streams = capsys.readouterr()
    return ended.value.code, streams.out, streams.err


@pytest.mark.parametrize("name", ["we*ird", "we[1]rd", "we'ird", 'we"ird', "k=16", "two words", "日本", "$HOME"])
def test_a_store_may_lie_in_a_folder_of_any_name(
    name: str, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Path(shutil.copytree(study, tmp_path / name / "store"))
    code, out, err = in_process(monkeypatch, capsys, tmp_path, "open", store)
    assert (code, err) == (0, "saetui: no terminal, so here is the summary\n")
    assert "narrow" in out


@pytest.mark.parametrize("name", ["we?ird", "we\\ird"])
def test_a_store_may_not_lie_where_the_database_would_mistake_the_path(
    name: str, study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Path(shutil.copytree(study, tmp_path / name / "store"))
    code, out, err = in_process(monkeypatch, capsys, tmp_path, "open", store)
    assert (code, out) == (1, "")
    assert f"{store}: " in err.splitlines()[-1]
    assert "rename that folder" in err


@pytest.mark.slow
def test_a_relative_store_and_one_in_the_home_folder_are_found(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(study, tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    for arguments in (
        ["open", "mine"],
        ["open", "~/mine"],
        ["open", "./x/../mine/"],
        ["figure", "splits", "--store=~/mine"],
    ):
        (tmp_path / "x").mkdir(exist_ok=True)
        code, out, _ = in_process(monkeypatch, capsys, tmp_path, *arguments)
        assert code == 0
        assert out


def test_paths_that_cannot_be_a_store_are_named(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    not_text = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(study, not_text)
    for path, said in {
        tmp_path / "loop": "links lead in a circle",
        not_text: "is not UTF-8",
        tmp_path / "none": "there is no store here",
        Path("/dev/null"): "a store is a folder",
        Path("~nouser/x"): "no user 'nouser'",
    }.items():
        for arguments in (["open", path], ["figure", "splits", "--store", path]):
            code, out, err = in_process(monkeypatch, capsys, tmp_path, *arguments)
            assert (code, out) == (1, "")
            assert said in err
    code, _, err = in_process(monkeypatch, capsys, tmp_path, "jobs", "--store", tmp_path / "none")
    assert code == 1
    assert "there is no store here" in err


def test_a_line_that_is_advised_can_be_pasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "my $(touch x) store"
    _, _, err = in_process(monkeypatch, capsys, tmp_path, "open", path)
    assert f"saetui demo --store '{path}'" in err


@pytest.mark.parametrize("word", ["a b", "$(x)", "it's", "a?b", "\x1b[31m", "two\nlines", "\u202e", "caf\udce9", "\\"])
def test_a_shell_reads_what_was_written(word: str) -> None:
    done = subprocess.run(["bash", "-c", shell_line("printf", "%s", word)], capture_output=True, check=True)
    assert os.fsdecode(done.stdout) == word
    assert hidden_in(shell_line(word)) == set()


NINES = "9" * 5000


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["open", "STORE", "--at", f"letters/s/{NINES}"], "is not the number of a latent"),
        (["open", "STORE", "--at", f"hard_tokens/{NINES}/1"], "is not a context or a position"),
        (["open", "STORE", "--at", f"pursuit/x/{NINES}"], "is not the row of a token"),
        (["open", "STORE", "--at", "letters/s/²"], "is not the number of a latent"),
        (["open", "STORE", "--at", f"letters/{NINES}"], "is not one of a to z"),
        (["open", "STORE", "--at", "nowhere/x"], "no screen 'nowhere'"),
        (["open", "STORE", "--at", ""], "no screen ''"),
        (["open", "STORE", "--at", "absorption/s?tau=nan"], "is not a number"),
        (["open", "STORE", "--at", "absorption/s?tau=1e999"], "is not a number"),
        (["open", "STORE", "--at", f"absorption/s?metric={NINES}"], "must be one of paper, projection"),
        (["figure", "splits", "--store", "STORE", "--tau", "x"], "--tau"),
        (["figure", "splits", "--store", "STORE", "--tau", "nan"], "--tau"),
        (["figure", "error_context", "--store", "STORE", "--context", NINES], "--context"),
        (["figure", "error_context", "--store", "STORE", "--context", "-1"], "--context"),
        (["pursue", "--store", "STORE", "--hardest", "0"], "how many tokens"),
        (["pursue", "--store", "STORE", "--random", "-4"], "how many tokens"),
        (["pursue", "--store", "STORE", "--random", str(10**30)], "how many tokens"),
        (["pursue", "--store", "STORE", "--l0", NINES], "l0"),
        (["pursue", "--store", "STORE", "--l0", "0"], "l0"),
        (["pursue", "--store", "STORE", "--letter", "ss"], "a letter, a to z"),
        (["pursue", "--store", "STORE", "--place", f"{NINES}:1"], "CONTEXT:POSITION"),
        (["pursue", "--store", "STORE", "--method", "fast"], "method"),
        (["pursue", "--store", "STORE", "--missed"], "--letter"),
        (["study", "letters", "--store", "STORE", "--tau", "nan"], "tau"),
        (["study", "errors", "--store", "STORE", "--max-tokens", str(10**30)], "max_tokens"),
        (["study", "errors", "--store", "STORE", "--seed", "x"], "--seed"),
    ],
)
def test_misuse_exits_with_2_and_names_what_is_wrong(
    arguments: list[str],
    said: str,
    study: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [str(study) if word == "STORE" else word for word in arguments]
    code, out, err = in_process(monkeypatch, capsys, tmp_path, *given)
    assert (code, out) == (2, "")
    assert said in err
    assert len(err) < 2000
    assert "Traceback" not in err


@pytest.mark.parametrize("memory", [b"\0\xff", b"", b"relative", b"/a\0b", b"\n" * 5, b"/" * 100_000])
def test_a_damaged_memory_of_the_last_store_is_ignored(
    memory: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "XDG_STATE_HOME" / "saetui" / "last_store"
    place.parent.mkdir(parents=True)
    place.write_bytes(memory)
    code, _, err = in_process(monkeypatch, capsys, tmp_path)
    assert code == 1
    assert "saetui demo" in err


def mounted(script: str, study: Path, tmp_path: Path) -> Run:
    """A script on a disk of its own, mounted at ``$DISK``; skips where this user may mount none."""
    disk = tmp_path / "disk"
    disk.mkdir()
    probe = ["unshare", "-m", "mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    return subprocess.run(
        ["unshare", "-m", "bash", "-c", script],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=environment(tmp_path, SAETUI=f"{sys.executable} -m saetui", STORE=str(study), DISK=str(disk)),
        timeout=180,
        check=False,
    )


@pytest.fixture
def waiting(study: Path, tmp_path: Path) -> Path:
    """A store in whose spool a result waits: another SAE's letter."""
    store = Path(shutil.copytree(study, tmp_path / "waiting"))
    with Spool(store, "late") as spool:
        spool.add("mark", [{"subject": "letter", "key": "s", "created": datetime(2026, 1, 2)}])
    return store


def marks(store: Path) -> int:
    with Store.open(store) as opened:
        opened.commit_spool()
        return len(opened.fetch("SELECT * FROM mark").rows)


@pytest.mark.slow
def test_a_read_only_store_with_a_waiting_result_can_be_looked_at(waiting: Path, tmp_path: Path) -> None:
    script = (
        "mount -t tmpfs none $DISK && cp -r $STORE $DISK/store && mount -o remount,ro $DISK && $SAETUI open $DISK/store"
    )
    done = mounted(script, waiting, tmp_path)
    assert b"narrow" in done.stdout
    assert b"may only be read, so 1 result waits" in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.returncode == 0


@pytest.mark.slow
def test_on_a_full_disk_a_waiting_result_is_kept(waiting: Path, tmp_path: Path) -> None:
    script = """
    mount -t tmpfs -o size=64m none $DISK && cp -r $STORE $DISK/store || exit 9
    cat /dev/zero > $DISK/filled 2> /dev/null
    $SAETUI open $DISK/store > $DISK/../out; code=$?
    rm $DISK/filled; cp -r $DISK/store $DISK/../after; exit $code
    """
    done = mounted(script, waiting, tmp_path)
    assert done.returncode == 1
    assert b"room" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"unexpected error" not in done.stderr
    assert marks(tmp_path / "after") == 1
