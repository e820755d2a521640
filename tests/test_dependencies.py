"""Everything that is imported is declared, and everything declared is imported."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
# Named in a shell command or a configuration only, never imported.
TOOLS = {"import-linter", "mypy", "ruff", "pytest-asyncio", "pytest-timeout", "pytest-xdist"}
# Compared with where it happens to be installed; see scripts/bench/table.py.
OPTIONAL = {"textual_fastdatatable"}
# Folders that programs put on the path themselves.
PATH_MODULES = [
    *(ROOT / "scripts" / "stress").glob("*.py"),
    *(ROOT / "tests" / "store").glob("killed.py"),
    *(ROOT / "tests" / "plugins" / "modules").iterdir(),
]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(*folders: str) -> set[str]:
    """Top-level packages imported anywhere in folders, also within functions; neither the standard library nor ours."""
    files = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    ours = {"saetui", "store", "tests", "scripts"} | {path.stem for path in PATH_MODULES}
    return {name for path in files for name in _imports(path)} - ours - OPTIONAL - set(sys.stdlib_module_names)


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def distributions(modules: set[str]) -> dict[str, set[str]]:
    """Names of the distributions that may bring each module."""
    known = packages_distributions()
    return {module: {canonical(name) for name in known.get(module, [module])} for module in modules}


def names(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[\s\[<>=!~;]", requirement)[0]) for requirement in requirements}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.slow
def test_every_import_of_the_package_is_declared_and_nothing_more(project: dict[str, Any]) -> None:
    declared = names(project["project"]["dependencies"])
    used = distributions(imported("saetui", "store"))
    assert {module for module, bringing in used.items() if not bringing & declared} == set()
    assert declared - set().union(*used.values()) == set()


@pytest.mark.slow
def test_every_import_of_tests_and_scripts_is_declared(project: dict[str, Any]) -> None:
    groups = project["dependency-groups"]
    declared = names([*project["project"]["dependencies"], *groups["test"], *groups["static"]])
    used = distributions(imported("saetui", "store", "tests", "scripts"))
    assert {module for module, bringing in used.items() if not bringing & declared} == set()
    assert declared - set().union(*used.values()) == TOOLS


def test_every_declared_package_is_pinned_but_torch(project: dict[str, Any]) -> None:
    lines = (ROOT / "scripts" / "constraints.txt").read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if not line.startswith("#"))
    groups = project["dependency-groups"]
    declared = names([*project["project"]["dependencies"], *groups["test"], *groups["static"]])
    assert declared - set(pinned) == {"torch"}
    assert all(re.fullmatch(r"[0-9][\w.]*", version) for version in pinned.values())
