"""A class means one thing: no two public ones of the package and the store share a name."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def public_classes(*folders: Path) -> dict[str, list[str]]:
    """Where each public class is defined, by name."""
    found: dict[str, list[str]] = defaultdict(list)
    for folder in folders:
        for path in sorted(folder.rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found[node.name].append(str(path.relative_to(folder)))
    return found


@pytest.mark.slow
def test_no_two_public_classes_share_a_name() -> None:
    found = public_classes(ROOT / "saetui", ROOT / "store")
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_a_name_that_occurs_twice_is_found(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text("class Same: ...\nclass _Private: ...\n")
    (tmp_path / "two.py").write_text("class Same: ...\nclass Other: ...\n")
    assert public_classes(tmp_path) == {"Same": ["one.py", "two.py"], "Other": ["two.py"]}
