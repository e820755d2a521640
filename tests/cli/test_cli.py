"""The command line as a person meets it: a process, its exit code, and what it says where."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

Run = subprocess.CompletedProcess[str]


def saetui(*arguments: str | Path, home: Path) -> Run:
    """Run the command without a terminal, with an empty home folder."""
    environment = {**os.environ, "HOME": str(home), "XDG_STATE_HOME": "", "XDG_DATA_HOME": "", "XDG_CACHE_HOME": ""}
    return subprocess.run(
        [sys.executable, "-m", "saetui", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        env=environment,
        check=False,
    )


@pytest.fixture
def store(empty_store: Path) -> Path:
    return empty_store


def test_help_names_every_subcommand(tmp_path: Path) -> None:
    done = saetui("--help", home=tmp_path)
    assert done.returncode == 0
    for name in ("open", "demo", "run", "jobs", "notes"):
        assert name in done.stdout


def test_version_is_the_packages(tmp_path: Path) -> None:
    from saetui import __version__

    assert saetui("--version", home=tmp_path).stdout.strip() == __version__


def test_an_unknown_option_exits_with_2(tmp_path: Path) -> None:
    done = saetui("open", "--nonsense", home=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""


def test_without_a_store_the_first_step_is_named(tmp_path: Path) -> None:
    done = saetui(home=tmp_path)
    assert done.returncode == 1
    assert "saetui demo" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    done = saetui("open", tmp_path / "nowhere", home=tmp_path)
    assert done.returncode == 1
    assert str(tmp_path / "nowhere") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_text_file_is_not_a_store(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a store")
    done = saetui("open", path, home=tmp_path)
    assert done.returncode == 1
    assert "notes.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_open_without_a_terminal_prints_what_an_empty_store_has(store: Path, tmp_path: Path) -> None:
    done = saetui("open", store, home=tmp_path)
    assert done.returncode == 0
    assert done.stdout == ""
    assert "no terminal" in done.stderr
    assert "no SAEs yet" in done.stderr


def test_a_store_without_jobs_says_so(store: Path, tmp_path: Path) -> None:
    done = saetui("jobs", "--store", store, home=tmp_path)
    assert done.returncode == 0
    assert "no jobs yet" in done.stderr


def test_cancel_of_an_unknown_job(store: Path, tmp_path: Path) -> None:
    done = saetui("jobs", "cancel", "4711", "--store", store, home=tmp_path)
    assert done.returncode == 1
    assert "4711" in done.stderr


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ('kind = "train"\nhook_name = "x"\ntokens = 5\nrecipes = [{width = 4, k = 2}]\nwidht = 3\n', "widht"),
        ('kind = "trane"\n', "trane"),
        ("kind = \n", "spec.toml"),
        ('kind = "train"\ntokens = 5\nrecipes = [{width = 4, k = 2}]\n', "hook_name"),
    ],
)
def test_bad_specs_name_file_and_field(spec: str, said: str, store: Path, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(spec)
    done = saetui("run", path, "--store", store, home=tmp_path)
    assert done.returncode == 1
    assert "spec.toml" in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_spec_is_named(store: Path, tmp_path: Path) -> None:
    done = saetui("run", tmp_path / "none.toml", "--store", store, home=tmp_path)
    assert done.returncode == 1
    assert "none.toml" in done.stderr


def test_importing_the_command_line_loads_no_science() -> None:
    code = (
        "import sys, saetui.cli, saetui.cli.headless;"
        "print([m for m in ('torch', 'transformers', 'transformer_lens') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
