"""Attacks by results that wait in the spool."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attacks import HOSTILE, attack, replace_by_link, result, write


def each_part(**changes: Any) -> Callable[[dict[str, Any], Path], None]:
    """A change of every part that a manifest names."""

    def change(manifest: dict[str, Any], _: Path) -> None:
        for part in manifest["parts"]:
            part.update(changes)

    return change


def _injections(outside: Path) -> dict[str, str]:
    copy = f"COPY (SELECT 'owned') TO '{outside}/written.txt'"
    return {
        "condition": f"1=1; {copy}; --",
        "quote": f"sae_id\" = '' ; {copy}; --",
        "parameter": f"sae_id = $sae_id; {copy}; --",
        "parenthesis": f"sae_id) SELECT 1; {copy}; --",
    }


for _name in _injections(Path()):

    @attack(f"scope: {_name}")
    def _scope(root: Path, outside: Path, name: str = _name) -> None:
        text = _injections(outside)[name]
        scope = {text: "v"}
        at = "/".join(f"{key}={value}" for key, value in scope.items()).replace("'", "''")
        for table in ("letter_latent", "latent_activation", "token"):
            write(root, f"INSERT INTO written_scope VALUES ('{table}', '{at}', '0')")
        result(root, each_part(scope=scope))

    @attack(f"column: {_name}")
    def _column(root: Path, outside: Path, name: str = _name) -> None:
        text = _injections(outside)[name]
        result(root, each_part(columns=[text]))

    @attack(f"table: {_name}")
    def _table(root: Path, outside: Path, name: str = _name) -> None:
        text = _injections(outside)[name]
        result(root, each_part(table=text))


@attack("scope: value")
def _scope_value(root: Path, outside: Path) -> None:
    scope = {"sae_id": f"'; COPY (SELECT 1) TO '{outside}/written.txt'; --", "probe_id": "p"}
    result(root, each_part(scope=scope))


_FILES = {
    "up": lambda outside: "../../../outside/secret.parquet",
    "absolute": lambda outside: str(outside / "secret.parquet"),
    "glob": lambda outside: "../../../outside/*.parquet",
    "hive": lambda outside: "../../../outside/sae_id=owned/x.parquet",
    "scheme": lambda outside: f"file://{outside}/secret.parquet",
    "null byte": lambda outside: "a\0b.parquet",
    "list": lambda outside: ["../../../outside/secret.parquet"],
    "folder": lambda outside: "..",
}
for _name, _file in _FILES.items():

    @attack(f"part: {_name}")
    def _part(root: Path, outside: Path, file: Callable[[Path], Any] = _file) -> None:
        result(root, each_part(file=file(outside)))


@attack("part: link")
def _part_link(root: Path, outside: Path) -> None:
    def change(manifest: dict[str, Any], folder: Path) -> None:
        for part in manifest["parts"]:
            replace_by_link(folder / part["file"], outside / "secret.parquet")

    result(root, change)


@attack("part: pipe")
def _part_pipe(root: Path, outside: Path) -> None:
    def change(manifest: dict[str, Any], folder: Path) -> None:
        for part in manifest["parts"]:
            (folder / part["file"]).unlink()
            os.mkfifo(folder / part["file"])

    result(root, change)


_STRANGE: dict[str, dict[str, Any]] = {
    "nulls": {"name": None, "job_id": None, "attempt": None},
    "numbers": {"name": 1, "job_id": 2, "attempt": 3},
    "name up": {"name": "../../outside/precious", "job_id": "../../outside"},
    "texts": {"job_id": HOSTILE, "attempt": HOSTILE},
    "lists": {"name": [], "job_id": {}, "attempt": [1]},
    "parts null": {"parts": None},
    "parts number": {"parts": [1, None, "x"]},
}
for _name, _change in _STRANGE.items():

    @attack(f"manifest: {_name}")
    def _strange(root: Path, outside: Path, change: dict[str, Any] = _change) -> None:
        result(root, lambda manifest, _: manifest.update(change))


@attack("manifest: link")
def _manifest_link(root: Path, outside: Path) -> None:
    folder = result(root, lambda manifest, _: None)
    replace_by_link(folder / "manifest.json", outside / "secret.json")


@attack("manifest: pipe")
def _manifest_pipe(root: Path, outside: Path) -> None:
    folder = result(root, lambda manifest, _: None)
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


@attack("error.txt: link")
def _error_link(root: Path, outside: Path) -> None:
    folder = result(root, lambda manifest, _: manifest.update(parts=[{"table": "none"}]))
    (folder / "error.txt").symlink_to(outside / "precious.txt")


@attack("error.txt: link of a rejected result")
def _error_link_rejected(root: Path, outside: Path) -> None:
    folder = root / "spool" / "x.rejected"
    folder.mkdir()
    (folder / "error.txt").symlink_to(outside / "secret.txt")
    (folder / "manifest.json").symlink_to(outside / "secret.json")


@attack("result: lock of a dead writer is a link")
def _lock_link(root: Path, outside: Path) -> None:
    folder = root / "spool" / "x.writing"
    folder.mkdir()
    (folder / "lock").symlink_to(outside / "precious.txt")
