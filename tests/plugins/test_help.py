"""What another package adds shows in ``--help`` and in completion."""

import subprocess
import sys

import pytest

from saetui.commands.completion import SOURCES

from .conftest import Install


def told(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "saetui", *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    return " ".join(done.stdout.replace("│", " ").split())


@pytest.mark.slow
def test_a_kind_shows_with_its_fields(install: Install) -> None:
    install("saetui.kinds", "toy_sum", "toy_kind")
    assert "toy_sum Adds whole numbers." in told("study", "--help")
    shown = told("study", "toy_sum", "--help")
    assert "--up-to" in shown
    assert "default: 4" in shown
    assert "one of plus, minus" in shown


@pytest.mark.slow
def test_an_architecture_shows_in_help_and_completion(install: Install) -> None:
    assert "toy_absolute" not in told("study", "train", "--help")
    install("saetui.architectures", "toy_absolute", "toy_architecture")
    assert "toy_absolute" in told("study", "train", "--help")
    assert "toy_absolute" in told("train", "--help")
    assert "toy_absolute" in SOURCES["architecture"](None)  # type: ignore[arg-type]


def test_help_of_the_command_line_reads_no_specs() -> None:
    code = "import sys; from saetui.cli.subcommands import make_app; make_app(); print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "False"
