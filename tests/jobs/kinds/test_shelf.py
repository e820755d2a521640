"""SAE folders of a store: whatever is damaged in one is named, and every other one goes on."""

import json
import os
import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from saetui.jobs.work.shelf import read_shelf, sae_row
from saetui.sae import SAEError, load_sae, save_sae
from tests.sae.conftest import make_sae

ROW = {
    "sae_id": "bad",
    "model_id": "m",
    "hook_name": "blocks.0.hook_resid_post",
    "name": "w40",
    "architecture": "topk",
    "d_in": 12,
    "width": 40,
    "k": 5,
    "tokens_trained": 1,
    "seed": 0,
    "source": "trained here",
    "path": "tensors/sae/bad",
    "added": "2026-01-01T00:00:00",
}


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """The folder of one of two SAEs, yet to be damaged; the other one stays sound."""
    for sae_id in ("bad", "good"):
        metadata = {"hook_name": ROW["hook_name"]}
        workbench = {"name": f"name of {sae_id}", "row": ROW | {"sae_id": sae_id}}
        sae = make_sae("topk", metadata=metadata, workbench=workbench)
        save_sae(sae, tmp_path / "tensors" / "sae" / sae_id)
    return tmp_path / "tensors" / "sae" / "bad"


def content(text: bytes) -> Callable[[Path], None]:
    def damage(path: Path) -> None:
        path.write_bytes(text)

    return damage


def field(name: str, value: object) -> Callable[[Path], None]:
    """Sets a field, e.g. ``metadata.hook_name``."""

    def damage(path: Path) -> None:
        data = json.loads(path.read_text())
        *way, last = name.split(".")
        place = data
        for part in way:
            place = place[part]
        place[last] = value
        path.write_text(json.dumps(data))

    return damage


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_link(path: Path) -> None:
    """To a sound file, outside the store."""
    path.rename(path.parents[4] / "outside.json")
    path.symlink_to(path.parents[4] / "outside.json")


def a_device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


CONTENTS = {
    "empty": b"",
    "null bytes": b"\0" * 64,
    "null": b"null",
    "a number": b"3",
    "a list": b"[1]",
    "text": b'"a"',
    "nested": b'{"a":' * 50_000,
    "cut": b'{"name": "a',
    "not UTF-8": b'{"name": "\xff"}',
    "half of a character": rb'{"name": "\ud800", "d_in": 12}',
    "a long number": b'{"d_in": ' + b"9" * 5000 + b"}",
}
DAMAGES: list[tuple[str, str, Callable[[Path], None]]] = [
    *((file, name, content(text)) for file in ("cfg.json", "workbench.json") for name, text in CONTENTS.items()),
    *(
        (file, damage.__name__, damage)
        for file in ("cfg.json", "workbench.json")
        for damage in (a_folder, a_pipe, a_link, a_device)
    ),
    ("cfg.json", "missing", Path.unlink),
    *(
        ("cfg.json", f"{name} {value!r:.20}", field(name, value))
        for name, value in (
            ("d_in", None),
            ("d_in", -1),
            ("d_in", 1.5),
            ("d_in", float("nan")),
            ("d_in", float("inf")),
            ("d_sae", True),
            ("d_sae", 10**30),
            ("k", [5]),
            ("architecture", ["topk"]),
            ("architecture", {}),
            ("metadata", 3),
            ("metadata", [1]),
            ("metadata.hook_name", 3),
            ("metadata.hook_name", ["blocks.0"]),
            ("apply_b_dec_to_input", 1),
            ("normalize_activations", {"a": 1}),
        )
    ),
    *(
        ("workbench.json", f"{name} {value!r:.20}", field(name, value))
        for name, value in (("name", 3), ("name", ["a"]), ("row", 3), ("row", [1]), ("row", "a"), ("row.model_id", {}))
    ),
]


@pytest.mark.parametrize(("file", "damage"), [(d[0], d[2]) for d in DAMAGES], ids=[f"{d[0]} {d[1]}" for d in DAMAGES])
def test_a_damaged_sae_is_named_and_the_other_goes_on(
    bad: Path, tmp_path: Path, file: str, damage: Callable[[Path], None]
) -> None:
    damage(bad / file)
    shelf = read_shelf(tmp_path)
    assert [sae.sae_id for sae in shelf.sound] == ["good"]
    assert [sae.sae_id for sae in shelf.damaged] == ["bad"]
    assert str(bad / file) in shelf.damaged[0].reason


def test_a_damaged_config_leaves_the_name_known(bad: Path, tmp_path: Path) -> None:
    (bad / "cfg.json").write_text("{")
    assert [sae.name for sae in read_shelf(tmp_path).damaged] == ["name of bad"]


def test_links_in_the_place_of_folders_are_named(bad: Path, tmp_path: Path) -> None:
    bad.rename(tmp_path / "elsewhere")
    bad.symlink_to(tmp_path / "elsewhere")
    (shown,) = read_shelf(tmp_path).damaged
    assert "is a link" in shown.reason


def test_folders_without_an_sae_do_not_count(bad: Path, tmp_path: Path) -> None:
    shutil.copytree(bad, bad.parent / ".bad.x.part")
    shutil.copytree(bad, bad.parent / "esc\x1b[2J")
    (bad.parent / "empty").mkdir()
    (bad.parent / "a file").write_text("")
    shelf = read_shelf(tmp_path)
    assert ([sae.sae_id for sae in shelf.sound], shelf.damaged) == (["bad", "good"], [])


def test_what_a_killed_process_left_is_swept(bad: Path, tmp_path: Path) -> None:
    shutil.copytree(bad, bad.parent / ".new.0123abcd.part")
    read_shelf(tmp_path)
    assert sorted(path.name for path in bad.parent.iterdir()) == ["bad", "good"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("added", "yesterday"),
        ("d_in", "12"),
        ("l0", [1]),
        ("fvu", "a"),
        ("seed", -(2**70)),
        ("n_evaluated", 1.5),
        ("name", None),
        ("sae_id", "good"),
        ("drop table", 1),
    ],
)
def test_a_damaged_row_is_refused_by_its_field(bad: Path, tmp_path: Path, name: str, value: object) -> None:
    assert sae_row(tmp_path, "bad")["width"] == 40
    field("row", ROW | {name: value})(bad / "workbench.json")
    with pytest.raises(SAEError, match=rf"workbench\.json: row\.{name}"):
        sae_row(tmp_path, "bad")


@pytest.mark.slow
def test_random_damage_is_always_named(bad: Path, tmp_path: Path) -> None:
    """300 changes of bytes and 200 of values: the sound SAE is there each time, and no error of another kind."""
    chance = random.Random(0)
    texts = {name: (bad / name).read_bytes() for name in ("cfg.json", "workbench.json")}
    values: tuple[Any, ...] = (None, 0, -1, 1e308, "", "x" * 300, [], {}, [[]], {"a": {}}, True, 2**80, float("nan"))
    n_damaged = 0
    for turn in range(500):
        name = chance.choice(list(texts))
        if turn < 300:
            changed = bytearray(texts[name])
            for _ in range(chance.randint(1, 4)):
                place = chance.randrange(len(changed))
                changed[place : place + chance.randint(0, 3)] = bytes(
                    chance.choices(range(256), k=chance.randint(0, 3))
                )
            (bad / name).write_bytes(changed)
        else:
            data = json.loads(texts[name])
            table = chance.choice([part for part in (data, data.get("metadata"), data.get("row")) if part])
            table[chance.choice(list(table))] = chance.choice(values)
            (bad / name).write_text(json.dumps(data))
        shelf = read_shelf(tmp_path)
        assert "good" in {sae.sae_id for sae in shelf.sound}
        if len(shelf.sound) == 2:
            for use in (lambda: load_sae(bad), lambda: sae_row(tmp_path, "bad")):
                with suppress(SAEError):
                    use()
        n_damaged += len(shelf.damaged)
        (bad / name).write_bytes(texts[name])
    assert n_damaged > 100


def test_weights_stay_readable(bad: Path) -> None:
    assert torch.isfinite(load_sae(bad).W_dec).all()
