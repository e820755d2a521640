"""What is loaded before the first paint, and what is not."""

import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "transformer_lens", "sae_lens", "sklearn", "datasets", "tokenizers"}
LATER = {"polars", "pyarrow", "pandas", "numpy", "pydantic", "psutil", "pynvml", "pygments", "typer", "email.mime"}


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["saetui.tui", "saetui.tui.app", "saetui.tui.overview.screen", "saetui.commands"])
def test_the_interface_loads_no_science(module: str) -> None:
    assert not HEAVY & loaded_by(f"import {module}")


@pytest.mark.slow
def test_the_first_screen_loads_nothing_that_can_come_later() -> None:
    assert not LATER & loaded_by("import saetui.tui.app, saetui.tui.overview.screen")


@pytest.mark.slow
def test_every_screen_and_panel_can_do_without_science() -> None:
    statement = "import pkgutil, importlib, saetui.tui, saetui.commands\n" + "\n".join(
        f"for m in pkgutil.walk_packages({package}.__path__, '{package}.'): importlib.import_module(m.name)"
        for package in ("saetui.tui", "saetui.commands")
    )
    assert not HEAVY & loaded_by(statement)
