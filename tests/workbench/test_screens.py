"""What a screen is stands in its manifest, and nowhere else."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from saetui.commands.vocabulary import commands
from saetui.workbench.attention import Attention
from saetui.workbench.screens import current_name, recorded_name, screens, tables, tables_of

ROOT = Path(__file__).parents[2]


def lists_of(names: set[str], tree: ast.AST) -> list[int]:
    """The lines of literals that have three or more of some names in them."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.expr):
            continue
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.Dict):
            parts = node.keys if len(node.keys) >= 3 else []
            parts = max(parts, list(node.values), key=lambda side: len(texts(side) & names))
        elif isinstance(node, ast.List | ast.Tuple | ast.Set):
            parts = list(node.elts)
        if len(texts(parts) & names) >= 3:
            found.append(node.lineno)
    return found


def texts(parts: list[ast.expr | None]) -> set[str]:
    return {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}


def test_no_list_of_screens_is_kept_by_hand() -> None:
    names = set(screens())
    kept = {
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("saetui/workbench", "saetui/commands", "saetui/tui", "saetui/cli")
        for path in (ROOT / folder).rglob("*.py")
        for line in lists_of(names, ast.parse(path.read_text()))
    }
    assert kept == set()


@pytest.mark.parametrize(
    "text", ["x = ('letters', 'jobs', 'overview')", "x = {'1': 'letters', '2': 'jobs', '3': 'pursuit'}"]
)
def test_a_list_kept_by_hand_is_found(text: str) -> None:
    assert lists_of({"letters", "jobs", "overview", "pursuit"}, ast.parse(text)) == [1]


def test_manifests_are_whole() -> None:
    known, fields = commands(), set(vars(Attention()))
    for name, manifest in screens().items():
        assert manifest.help.endswith("?")
        assert manifest.title
        assert len(manifest.key) == 1
        assert manifest.key.isdigit()
        assert {table.screen for table in manifest.tables} == {name}
        assert set(manifest.verbs) <= set(known)
        assert {*manifest.link.path, *manifest.link.options} <= fields
        assert tables_of(name) == manifest.tables


def test_no_key_of_a_screens_commands_works_everywhere() -> None:
    for manifest in screens().values():
        with_key = [cls for cls in commands().values() if cls.group == manifest.commands and cls.keys]
        assert not [cls.verb for cls in with_key if cls.works_on("another screen")]


def test_names_of_screens_and_tables_that_were_never_others_stay() -> None:
    for name in (*screens(), *tables(), "nonsense", ""):
        if not name.startswith("hard_tokens"):
            assert current_name(name) == recorded_name(name) == name
    assert recorded_name(current_name("hard.tokens")) == "hard.tokens"


def test_manifests_bring_neither_textual_nor_science() -> None:
    code = "from saetui.workbench.screens import screens; screens(); import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"textual", "torch", "polars", "pydantic", "importlib.metadata"} & set(done.stdout.split())
