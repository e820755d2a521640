"""A package that is installed as pip would leave it, here and in every process that is started from here."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from saetui import plugins
from saetui.commands.vocabulary import _commands
from saetui.workbench.screens import _screens

MODULES = Path(__file__).parent / "modules"
Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Adds an entry point: ``install(group, name, value)``; its modules are those in ``modules``."""
    site = tmp_path / "site-packages"
    before = set(sys.modules)

    def add(group: str, name: str, value: str) -> None:
        info = site / f"toy_{name}-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: toy-{name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
        for folder in (str(site), str(MODULES)):
            if folder not in sys.path:
                monkeypatch.syspath_prepend(folder)
        paths = [str(site), str(MODULES), os.environ.get("PYTHONPATH", "")]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))

    monkeypatch.setattr(plugins, "_LEFT_OUT", {})
    monkeypatch.setattr(plugins, "_UNTOLD", [])
    yield add
    _screens.cache_clear()
    _commands.cache_clear()
    for name in set(sys.modules) - before:
        if name.partition(".")[0].startswith("toy_"):
            del sys.modules[name]
