"""Corpora, SAE folders and model folders."""

import gzip
import json
import os
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inputs import READ_RIGHTLY, Act, Input, both, folder, link, pipe, without, written


def corpora(base: Path) -> list[Input]:

    text = "the cat sat on the mat\n" * 50
    line = json.dumps({"text": text}) + "\n"

    def given(name: str) -> Act:
        def give(place: Path) -> None:
            from saetui.lm.corpus import load_corpus

            corpus = load_corpus(str(place / name))
            said = "".join(document.text for document in corpus.documents())
            if "the cat sat" not in said or '"text"' in said:
                raise SystemExit(0)
            print("read rightly")
            os._exit(READ_RIGHTLY)

        return give

    files: dict[str, tuple[str, bytes | str | Act, bool]] = {
        "empty": ("c.txt", "", True), "blank": ("c.txt", " \n\n", True),
        "UTF-16": ("c.txt", text.encode("utf-16"), True), "UTF-16 without mark": ("c.txt", text.encode("utf-16-le"), True),
        "UTF-32": ("c.txt", text.encode("utf-32"), True), "Latin-1": ("c.txt", b"caf\xe9\n" * 50, True),
        "null bytes": ("c.txt", b"\0" * 1000, True), "gz": ("c.txt.gz", gzip.compress(text.encode()), True),
        "gz called txt": ("c.txt", gzip.compress(text.encode()), True), "jsonl.gz": ("c.jsonl.gz", gzip.compress(line.encode()), True),
        "JSONL in capitals": ("c.JSONL", line, True), "data.json": ("c.json", json.dumps([{"text": text}]), True),
        "data.json of lines": ("c.json", line, True), "parquet": ("c.parquet", b"PAR1" + b"\0" * 99, True),
        "TXT in capitals": ("c.TXT", text, True), "csv": ("c.csv", "text\n" + text, True),
        "jsonl: a list": ("c.jsonl", "[]\n", True), "jsonl: null": ("c.jsonl", "null\n", True), "jsonl: torn": ("c.jsonl", line[:30], True),
        "jsonl: no text": ("c.jsonl", '{"body": "x"}\n', True), "jsonl: a number": ("c.jsonl", '{"text": 1}\n', True),
        "jsonl: surrogate": ("c.jsonl", '{"text": "a \\ud800 the cat sat"}\n', True), "jsonl: deep": ("c.jsonl", '{"text":' * 100_000, True),
        "jsonl: huge number": ("c.jsonl", '{"text": "x", "n": ' + "9" * 5000 + "}\n", True),
        "jsonl: 5,000 fields": ("c.jsonl", json.dumps({f"f{i}": i for i in range(5000)}) + "\n", True),
        "pipe": ("c.txt", pipe("c.txt"), True), "/dev/zero": ("c.txt", link("c.txt", "/dev/zero"), True),
        "loop": ("c.txt", link("c.txt", "c.txt"), True), "empty folder": ("c", folder("c"), True),
        "folder with a pipe": ("c", both(folder("c"), pipe("c/a.txt")), True),
        "folder with a loop": ("c", both(folder("c"), link("c/c", "."), written("c/a.txt", "")), True),
        "name that is no text": ("c", both(folder("c"), written(os.fsdecode(b"c/\xff.txt"), b"\xff\xfe")), True),
        "not there": ("c.txt", lambda p: None, True), "null byte in name": ("c\0.txt", lambda p: None, True), "name of 5,000": ("c" * 5000, lambda p: None, True),
        "home of nobody": ("~nouser/c.txt", lambda p: None, True),
    }  # fmt: skip
    found = []
    for name, (file, content, fail) in files.items():
        make = content if callable(content) else written(file, content)
        found.append(
            Input(
                "corpora",
                name,
                make,
                given(file),
                fail,
                "" if "\0" in file or len(file) > 99 else Path(file).name.split(".")[0],
            )
        )
    return found


# SAE and model folders

_BAD_JSON: dict[str, str | bytes] = {
    "empty": "", "torn": '{"a"', "list": "[]", "null": "null", "not UTF-8": b"\xff", "deep": "[" * 100_000,
}  # fmt: skip


def sae_folders(base: Path, draw: random.Random) -> list[Input]:
    config = json.loads((base / "sae" / "cfg.json").read_text())

    def load(place: Path) -> None:
        from saetui.sae import load_sae

        load_sae(place / "sae").encode_sparse(__import__("torch").zeros(2, 8))

    def listed(place: Path) -> None:
        from saetui.jobs.work.shelf import read_shelf

        shelf = read_shelf(place / "s")
        assert "good" in {saved.sae_id for saved in shelf.sound}
        print(*shelf.damaged, sep="\n")

    def with_sae(change: Act) -> Act:
        def make(place: Path) -> None:
            shutil.copytree(base / "sae", place / "sae")
            change(place / "sae")

        return make

    def in_store(change: Act) -> Act:
        def make(place: Path) -> None:
            for name in ("good", "sae"):
                shutil.copytree(base / "sae", place / "s" / "tensors" / "sae" / name)
            change(place / "s" / "tensors" / "sae" / "sae")

        return make

    changes: dict[str, tuple[Act, bool]] = {"good": (lambda f: None, False)}
    values: tuple[Any, ...] = (None, [], {}, 10**30, -1, 0, "x", float("nan"), True, 1.5)
    for key in config:
        for value in values:
            if draw.random() < 0.4:
                changes[f"cfg.json {key} = {str(value)[:12]!r}"] = (
                    written("cfg.json", json.dumps({**config, key: value})),
                    False,
                )
        rest = {k: v for k, v in config.items() if k != key}
        changes[f"cfg.json without {key}"] = (written("cfg.json", json.dumps(rest)), False)
    for file in ("cfg.json", "workbench.json"):
        bad: dict[str, str | bytes] = {
            **_BAD_JSON, "number": "1", "surrogate": '{"name": "\\ud800", "row": {}}',
            "names of wrong types": '{"name": [1], "row": 3}', "huge number": '{"row": {"model_id": ' + "9" * 5000 + "}}",
        }  # fmt: skip
        for name, content in bad.items():
            changes[f"{file} {name}"] = (written(file, content), file == "cfg.json")
        others = {"a pipe": pipe(file), "a folder": folder(file), "/dev/zero": link(file, "/dev/zero")}
        for name, instead in others.items():
            changes[f"{file} is {name}"] = (both(without(file), instead), file == "cfg.json")
    weights = "sae_weights.safetensors"
    raw = (base / "sae" / weights).read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    head = json.loads(raw[8 : 8 + size])

    def weights_of(change: Callable[[dict[str, Any]], None]) -> Act:
        def make(f: Path) -> None:
            import torch
            from safetensors.torch import load_file, save_file

            tensors = load_file(f / weights)
            change(tensors)
            save_file({k: v.contiguous() for k, v in tensors.items()}, f / weights)
            assert torch

        return make

    changes |= {
        "weights gone": (without(weights), True),
        "weights empty": (written(weights, b""), True),
        "weights cut": (written(weights, raw[:-10]), True),
        "weights cut in the head": (written(weights, raw[:20]), True),
        "weights longer": (written(weights, raw + b"x"), True),
        "weights with a huge head": (written(weights, struct.pack("<Q", 2**62) + raw[8:]), True),
        "weights with a head that is not JSON": (written(weights, raw[:8] + b"x" * size + raw[8 + size :]), True),
        "weights not numbers": (weights_of(lambda t: t["W_enc"].fill_(float("nan"))), True),
        "weights infinite": (weights_of(lambda t: t["b_dec"].fill_(float("inf"))), True),
        "weights of another shape": (weights_of(lambda t: t.update(W_dec=t["W_dec"][:, :3])), True),
        "weights of whole numbers": (weights_of(lambda t: t.update(b_dec=t["b_dec"].long())), False),
        "weights without one": (weights_of(lambda t: t.pop("W_dec")), True),
        "weights a folder": (both(without(weights), folder(weights)), True),
        "weights a pipe": (both(without(weights), pipe(weights)), True),
        "the folder is a file": (both(without(), written("", "x")), True),
        "the folder is empty": (both(without(), folder("")), True),
        "the folder is a loop": (both(without(), lambda f: f.symlink_to(f.name)), True),
    }
    assert head
    found = []
    for name, (change, fail) in changes.items():
        found.append(Input("SAE folders", name, with_sae(change), load, fail and "good" not in name, "sae", torch=True))
        found.append(Input("SAE folders", f"{name}, beside a good one", in_store(change), listed, False, torch=True))
    return found


def model_folders(base: Path, draw: random.Random) -> list[Input]:
    config = json.loads((base / "embedded" / "config.json").read_text())

    def load(place: Path) -> None:
        from saetui.lm import load_model

        load_model(str(place / "model"), "cpu")

    def made(change: Act) -> Act:
        def make(place: Path) -> None:
            shutil.copytree(base / "embedded", place / "model")
            change(place / "model")

        return make

    def cfg(**changes: Any) -> Act:
        return written("config.json", json.dumps({**config, **changes}))

    weights = next(path.name for path in (base / "embedded").iterdir() if path.suffix == ".safetensors")
    raw = (base / "embedded" / weights).read_bytes()
    layers = next(key for key in ("num_hidden_layers", "n_layer") if key in config)
    own = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    own_code = written("own.py", "raise SystemExit('owned')\n")
    changes: dict[str, tuple[Act, bool]] = {
        "good": (lambda f: None, False),
        "empty folder": (both(without(), folder("")), True),
        "a file": (both(without(), written("", "x")), True),
        "gone": (without(), True),
        "no config.json": (without("config.json"), True),
        "no weights": (without(weights), True),
        "weights cut": (written(weights, raw[: len(raw) // 2]), True),
        "weights empty": (written(weights, b""), True),
        "weights of a pipe": (both(without(weights), pipe(weights)), True),
        "config.json is a pipe": (both(without("config.json"), pipe("config.json")), True),
        "config.json is /dev/zero": (both(without("config.json"), link("config.json", "/dev/zero")), True),
        "one layer less": (cfg(**{layers: config[layers] - 1}), True),
        "one layer more": (cfg(**{layers: config[layers] + 1}), True),
        "0 layers": (cfg(**{layers: 0}), True),
        "another width": (cfg(hidden_size=config.get("hidden_size", 64) * 2), True),
        "an unknown type": (cfg(model_type="nonsense", architectures=["Nonsense"]), True),
        "type a list": (cfg(model_type=["gpt2"]), True),
        "custom code": (both(cfg(model_type="own", auto_map=own), own_code), True),
        "custom code of a known type": (both(cfg(auto_map=own), own_code), False),
        "weights not numbers": (_nan_weights(weights), True),
    }  # fmt: skip
    tokenizers = [
        p.name for p in (base / "embedded").iterdir() if "token" in p.name or p.name in ("vocab.json", "merges.txt")
    ]
    for name in tokenizers:
        changes[f"{name} torn"] = (written(name, '{"a"'), False)
        changes[f"{name} gone"] = (without(name), False)
    for name, content in _BAD_JSON.items():
        changes[f"config.json {name}"] = (written("config.json", content), True)
    values: list[Any] = [None, [], -1, 0, "x", 1e300, {}]
    for key in draw.sample(sorted(config), min(8, len(config))):
        for value in draw.sample(values, 2):
            changes[f"config.json {key} = {value!r}"] = (cfg(**{key: value}), False)
    return [
        Input("model folders", name, made(c), load, fail, "model", torch=True) for name, (c, fail) in changes.items()
    ]


def _nan_weights(weights: str) -> Act:
    def make(folder: Path) -> None:
        from safetensors.torch import load_file, save_file

        tensors = load_file(folder / weights)
        next(iter(tensors.values())).fill_(float("nan"))
        save_file(tensors, folder / weights, metadata={"format": "pt"})

    return make
