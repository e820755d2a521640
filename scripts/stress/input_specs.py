"""Job specifications, by hand and drawn."""

import json
import random
from pathlib import Path
from typing import Any

from inputs import Act, Input, both, command, folder, link, pipe, written

_TRAIN = """kind = "train"
hook_name = "blocks.1.hook_resid_post"
tokens = 1000
[[recipes]]
width = 64
k = 4
"""
_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 10**30, -(10**30), 1e308, float("nan"), float("inf"), "", " ", "\x00", "\x1b[31m", "x" * 200_000,
    "~nouser/x", "../" * 300, "/dev/zero", [], {}, [[]], [None], {"a": {"b": 1}}, [1] * 5000, "\ud800", "é" * 300, 0.5,
)  # fmt: skip


def specs(base: Path, draw: random.Random) -> list[Input]:
    run = command("run", "spec.toml", "--store", "s")
    run_json = command("run", "spec.json", "--store", "s")
    empty = folder("s")

    def toml(name: str, content: bytes | str, *, fail: bool = True) -> Input:
        return Input("specs", name, both(empty, written("spec.toml", content)), run, fail, "spec.toml")

    def js(name: str, content: bytes | str, *, fail: bool = True) -> Input:
        return Input("specs", name, both(empty, written("spec.json", content)), run_json, fail, "spec.json")

    found = [
        toml("good", _TRAIN, fail=False),
        toml("empty", ""),
        toml("byte order mark", b"\xef\xbb\xbf" + _TRAIN.encode(), fail=False),
        toml("UTF-16", _TRAIN.encode("utf-16"), fail=False),
        toml("Latin-1", _TRAIN.encode() + b'corpus = "caf\xe9"'),
        toml("null bytes", b"\0" * 100),
        toml("random bytes", bytes(draw.randrange(256) for _ in range(500))),
        toml("one word", "train"),
        toml("a list as kind", 'kind = ["train"]'),
        toml("a table as kind", "[kind]\na = 1"),
        toml("a number as kind", "kind = 3"),
        toml("a date as kind", "kind = 2020-01-01"),
        toml("a number as schema", 'kind = "train"\nschema = 10'),
        toml("a list as schema", 'kind = "train"\nschema = [1]'),
        toml("deep lists", f'kind = "train"\nx = {"[" * 5000}{"]" * 5000}'),
        toml("deep tables", "kind = 'train'\n[" + ".".join("a" for _ in range(5000)) + "]\nb=1"),
        toml("50,000 dotted keys", "".join(f"a{i}.b.c.d = 1\n" for i in range(50_000))),
        toml("a key of 100,000 parts", ".".join("a" * 100_000) + " = 1"),
        toml("300,000 recipes", _TRAIN + "[[recipes]]\nwidth = 64\nk = 4\n" * 300_000),
        toml("3,000 recipes", _TRAIN + "[[recipes]]\nwidth = 64\nk = 4\n" * 3000),
        toml("tokens of 31 digits", _TRAIN.replace("1000", "1" + "0" * 30)),
        toml("tokens of 5,000 digits", _TRAIN.replace("1000", "9" * 5000)),
        toml("a width of 19 digits", _TRAIN.replace("64", "9" * 19)),
        toml("twice the same", _TRAIN * 2),
        toml("a bad recipe", _TRAIN + "lr = 'fast'\n"),
        toml("a surrogate", '{"kind": "train"}'),
        toml("30 MB", "# " + "x" * 30_000_000 + "\n" + _TRAIN),
        js("empty", ""),
        js("deep", "[" * 200_000 + "]" * 200_000),
        js("deep objects", '{"kind":' * 20_000 + "1" + "}" * 20_000),
        js("a list", "[]"), js("null", "null"), js("a number", "1"), js("NaN", '{"kind": "train", "tokens": NaN}'),
        js("twice the same key", '{"kind": "train", "kind": "rows"}'),
        js("surrogate", '{"kind": "\\ud800"}'),
        js("surrogate as hook", '{"kind": "train", "hook_name": "\\ud800", "tokens": 9, "recipes": [{"width": 9, "k": 1}]}'),
        js("null byte in path", '{"kind": "train", "corpus": "a\\u0000b", "hook_name": "h", "tokens": 9, "recipes": [{"width": 9, "k": 1}]}'),
        js("number of 5,000 digits", '{"kind": "train", "tokens": ' + "9" * 5000 + "}"),
        js("byte order mark", b"\xef\xbb\xbf" + b'{"kind": "rows", "label": "a"}', fail=False),
        js("UTF-16", '{"kind": "rows", "label": "a"}'.encode("utf-16"), fail=False),
    ]  # fmt: skip
    upper = both(empty, written("spec.JSON", '{"kind": "rows", "label": "a"}'))
    found.append(Input("specs", "ending .JSON", upper, command("run", "spec.JSON", "--store", "s"), False, "spec.JSON"))
    odd: dict[str, Act] = {
        "a pipe": pipe("spec.toml"),
        "a link to /dev/zero": link("spec.toml", "/dev/zero"),
        "a link to itself": link("spec.toml", "spec.toml"),
        "a folder": folder("spec.toml"),
        "a link to nothing": link("spec.toml", "none"),
        "unreadable": link("spec.toml", "/proc/self/mem"),
        "not there": lambda place: None,
    }
    found += [Input("specs", name, both(empty, make), run, True, "spec.toml") for name, make in odd.items()]
    words = ("a\0b", "é" * 200, "\ud800", "x" * 5000, "-", "~nouser/spec.toml", "")
    found += [
        Input("specs", f"called {w[:12]!r}", empty, command("run", "--store", "s", "--", w), True)
        for w in words
        if "\0" not in w
    ]
    fields: dict[str, dict[str, Any]] = {
        "train": {"kind": "train", "hook_name": "h", "tokens": 1000, "recipes": [{"width": 64, "k": 4}]},
        "errors": {"kind": "errors", "hook_name": "h", "saes": ["*"]},
        "absorption": {"kind": "absorption"},
        "pursuit": {"kind": "pursuit", "hook_name": "h", "sae": "x", "words": ["a"]},
        "latents": {"kind": "latents", "hook_name": "h", "saes": ["*"]},
        "letters": {"kind": "letters", "hook_name": "h", "saes": ["*"]},
    }  # fmt: skip
    names = ("kind", "schema", "store", "model", "corpus", "hook_name", "recipes", "context_length", "max_tokens", "tokens",
             "batch_size", "dtype", "seed", "saes", "words", "sae", "l0", "places", "test_share", "hook_names", "tau")  # fmt: skip
    for i in range(140):
        kind = draw.choice(list(fields))
        spec: dict[str, Any] = dict(fields[kind])
        for _ in range(draw.randint(1, 2)):
            name, value = draw.choice(names), draw.choice(_VALUES)
            if kind == "train" and draw.random() < 0.3:
                spec["recipes"] = (
                    [{**spec["recipes"][0], draw.choice(("width", "k", "lr", "name", "seed", "x")): value}]
                    if isinstance(spec["recipes"], list) and spec["recipes"] and isinstance(spec["recipes"][0], dict)
                    else value
                )
            else:
                spec[name] = value
        found.append(js(f"drawn {i} ({kind})", json.dumps(spec), fail=False))
    for i in range(40):
        raw = bytearray(_TRAIN.encode())
        for _ in range(draw.randint(1, 4)):
            at = draw.randrange(len(raw))
            raw[at : at + draw.randint(0, 5)] = bytes(draw.randrange(256) for _ in range(draw.randint(0, 4)))
        found.append(toml(f"damaged {i}", bytes(raw), fail=False))
    return found
