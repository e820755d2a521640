"""What another package adds is left out where it is broken or has a name of ours; a person is told so once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from saetui.commands.vocabulary import commands, keys_of
from saetui.figures import figure_kinds
from saetui.jobs.registry import kind_packages, spec_kinds
from saetui.plugins import untold
from saetui.sae import load_sae, save_sae
from saetui.sae.architectures import architectures, find_architecture
from saetui.sae.architectures.standard import StandardSAE
from saetui.workbench.screens import screens
from tests.tui.frame.running import running

from .conftest import Install

MANIFEST = """
from dataclasses import replace
from toy_screen.manifest import MANIFEST
TABLES = (replace(MANIFEST.tables[0], id={name!r} + ".words"),)
MANIFEST = replace(MANIFEST, name={name!r}, key={key!r}, commands={commands!r}, verbs={verbs!r}, tables=TABLES)
"""
COMMANDS = """
from saetui.commands.command import Command, command

@command("figure", "Takes a verb of ours", keys={"K": ""})
class Figure(Command): ...

@command("gauge", "Takes a key of ours", keys={"F": "", "U": ""}, label="gauge")
class Gauge(Command): ...
"""


@pytest.fixture
def module(install: Install, tmp_path: Path) -> Callable[[str, str], None]:
    """Writes a module of another package: ``module("toy_bad/spec", text)``."""

    def write(name: str, text: str) -> None:
        path = tmp_path / "site-packages" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    return write


def told(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "saetui", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("group", "own", "listed"),
    [
        ("saetui.kinds", "letters", lambda: kind_packages()["letters"]),
        ("saetui.figures", "splits", lambda: figure_kinds()["splits"].query),
        ("saetui.architectures", "topk", lambda: find_architecture("topk")),
        ("saetui.screens", "letters", lambda: screens()["letters"]),
    ],
)
def test_ours_stays_where_another_has_its_name(
    install: Install, group: str, own: str, listed: Callable[[], object]
) -> None:
    before = listed()
    install(group, own, "toy_other")
    assert listed() is before or listed() == before
    (words,) = untold()
    assert f"{own!r} of the package toy-{own} is left out; {group}: saetui." in words
    assert words.endswith("has that name")
    listed()
    assert untold() == []


def test_the_format_of_ours_stays_where_another_has_its_name(install: Install, tmp_path: Path) -> None:
    sae = StandardSAE(W_enc=torch.eye(3), W_dec=torch.eye(3), b_enc=torch.zeros(3), b_dec=torch.zeros(3))
    save_sae(sae, tmp_path / "sae")
    install("saetui.formats", "saelens", "toy_format")
    assert load_sae(tmp_path / "sae").d_in == 3
    assert [words.partition(" is")[0] for words in untold()] == ["'saelens' of the package toy-saelens"]


def test_whatever_importing_raises_leaves_the_others(
    install: Install, module: Callable[[str, str], None], tmp_path: Path
) -> None:
    for number, text in enumerate(("1 / 0", "def", "raise SystemError('no')")):
        module(f"toy_bad{number}/spec", text)
        install("saetui.kinds", f"bad{number}", f"toy_bad{number}")
    assert "letters" in spec_kinds()
    assert not [kind for kind in spec_kinds() if kind.startswith("bad")]
    first, second, third = sorted(untold())
    assert "'bad0' of the package toy-bad0 is left out" in first
    assert "ZeroDivisionError: division by zero" in first
    assert "SyntaxError" in second
    assert "SystemError: no" in third


def test_a_broken_architecture_leaves_the_others(install: Install) -> None:
    install("saetui.architectures", "absent", "toy_absent")
    assert {"topk", "standard"} <= set(architectures())
    assert "absent" not in architectures()


@pytest.mark.parametrize("arguments", [("train", "--help"), ("study", "--help"), ("figure", "--help"), ("--help",)])
def test_the_command_line_does_its_work_and_warns_once(install: Install, arguments: tuple[str, ...]) -> None:
    for group in ("kinds", "figures", "screens"):
        install(f"saetui.{group}", f"absent_{group}", f"toy_absent_{group}")
    done = told(*arguments)
    assert done.returncode == 0, done.stderr
    warnings = [line for line in done.stderr.splitlines() if line.startswith("saetui: warning: 'absent_")]
    assert len(warnings) == len(set(warnings)) == len(done.stderr.splitlines())
    if arguments[0] == "study":
        assert any("'absent_kinds' of the package toy-absent_kinds is left out" in line for line in warnings)


async def test_the_interface_opens_and_tells_it(install: Install, study: Path) -> None:
    install("saetui.screens", "absent", "toy_absent")
    assert "absent" not in screens()
    async with running(study) as run:
        await run.shows("'absent' of the package", "toy_absent.manifest cannot be")
        assert untold() == []


def test_a_screen_with_the_key_of_ours_is_left_out(install: Install, module: Callable[[str, str], None]) -> None:
    module("toy_keyed/manifest", MANIFEST.format(name="toy_keyed", key="2", commands="", verbs=()))
    install("saetui.screens", "toy_keyed", "toy_keyed")
    assert "toy_keyed" not in screens()
    (words,) = untold()
    assert words.endswith("saetui.screens: letters has its key, 2")


def test_the_verbs_and_keys_of_ours_stay(install: Install, module: Callable[[str, str], None]) -> None:
    ours = commands()["figure"]
    module("toy_gauge/commands", COMMANDS)
    manifest = MANIFEST.format(name="toy_gauge", key="8", commands="toy_gauge.commands", verbs=("gauge", "figure"))
    module("toy_gauge/manifest", manifest)
    install("saetui.screens", "toy_gauge", "toy_gauge")
    assert commands()["figure"] is ours
    assert ours.works_on("letters")
    assert [(key, cls.verb) for key, cls, _ in keys_of("toy_gauge")] == [("U", "gauge")]
    verb, key = sorted(untold())
    assert verb.startswith("the command 'figure' of the package toy-toy_gauge is left out; ")
    assert verb.endswith("saetui.commands.figures has that verb")
    assert key.startswith("the key F of the command 'gauge' of the package toy-toy_gauge is left out; ")
    assert key.endswith(":figure has that key")


def test_a_screen_without_its_commands_is_shown(install: Install, module: Callable[[str, str], None]) -> None:
    module("toy_mute/manifest", MANIFEST.format(name="toy_mute", key="8", commands="toy_mute.none", verbs=("gauge",)))
    install("saetui.screens", "toy_mute", "toy_mute")
    assert "toy_mute" in screens()
    assert "figure" in commands()
    (words,) = untold()
    assert "every command of 'toy_mute' of the package toy-toy_mute is left out" in words


# Run where nothing has been imported yet: the app has its screens from its class.
_SHOWN = """
import asyncio, sys
from pathlib import Path
from tests.tui.frame.running import running

async def main(store):
    async with running(store) as run:
        await run.press("8")
        await run.shows("screen toy_blank of toy_blank: ModuleNotFoundError")
        assert run.bench.screen == run.app.current_mode == "overview"
        await run.press("2")
        await run.until(lambda: run.app.current_mode == "letters")

asyncio.run(main(Path(sys.argv[1])))
"""


@pytest.mark.slow
def test_a_screen_that_cannot_be_imported_leaves_the_one_in_front(
    install: Install, module: Callable[[str, str], None], study: Path
) -> None:
    manifest = MANIFEST.format(name="toy_blank", key="8", commands="", verbs=())
    module("toy_blank/manifest", manifest + "MANIFEST = replace(MANIFEST, view='toy_blank.none:Screen')\n")
    install("saetui.screens", "toy_blank", "toy_blank")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _SHOWN, str(study)], capture_output=True, text=True, timeout=120, cwd=root
    )
    assert done.returncode == 0, done.stderr[-2000:]
