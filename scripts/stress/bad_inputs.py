"""The inputs of ``bad_input.py``: by hand where a kind is known, drawn at random beside."""

import json
import os
import random
import shutil
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path
from typing import Any

import kit

Act = Callable[[Path], object]


@dataclass(frozen=True)
class Input:
    """One input: how it is made in a folder, how it is given to saetui, and what must come of it."""

    group: str
    name: str
    make: Act
    give: Act
    must_fail: bool = True
    names: str = ""  # what a message must name
    torch: bool = False

    @property
    def title(self) -> str:
        return f"{self.group}: {self.name}"


def all_inputs(seed: int, folder: Path, *, torch: bool) -> list[Input]:
    """All inputs of a seed; ``folder`` gets what they are copies of."""
    base = folder / "base"
    ended = kit.run(lambda: _make_base(base, torch=torch), folder / "base.txt", 180)
    if ended.how != "good":
        raise SystemExit(f"what the inputs are made of cannot be made\n{ended.text}")
    draw = random.Random(seed)
    found = [*specs(base, draw), *sessions(base, draw), *links(base), *lines(base), *job_folders(base, draw)]
    found += store_folders(base, draw)
    found += corpora(base)
    if torch:
        found += [*sae_folders(base, draw), *model_folders(base, draw)]
    return found


def _make_base(base: Path, *, torch: bool) -> None:
    run_path(str(kit.CHECKOUT / "tests" / "tui" / "store_fixture.py"))["make_study"](base / "s")
    shutil.copytree(kit.CHECKOUT / "sessions", base / "sessions")
    if torch:
        from job_scenes import _sae

        from saetui.sae import save_sae

        save_sae(_sae(1), base / "sae")
        shutil.copytree(kit.CHECKOUT / "saetui" / "embedded", base / "embedded")


def command(*words: str) -> Act:
    """Give a command line; what it would queue does not run."""

    def give(place: Path) -> None:
        import saetui.commands.headless
        from saetui.cli import main
        from saetui.jobs.client import JobClient

        JobClient.ensure_workers = lambda self: None  # type: ignore[method-assign]
        saetui.commands.headless.follow_jobs = lambda *_, **__: 0
        sys.argv = ["saetui", *words]
        main()

    return give


def with_store(base: Path, more: Act = lambda place: None) -> Act:
    def make(place: Path) -> None:
        shutil.copytree(base / "s", place / "s", symlinks=True)
        more(place)

    return make


def written(name: str, content: bytes | str) -> Act:
    raw = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return lambda place: (place / name).write_bytes(raw)


def both(*acts: Act) -> Act:
    def make(place: Path) -> None:
        for act in acts:
            act(place)

    return make


# Specs

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
    empty = lambda place: (place / "s").mkdir()  # noqa: E731

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
    odd = {
        "a pipe": lambda place: os.mkfifo(place / "spec.toml"),
        "a link to /dev/zero": lambda place: (place / "spec.toml").symlink_to("/dev/zero"),
        "a link to itself": lambda place: (place / "spec.toml").symlink_to("spec.toml"),
        "a folder": lambda place: (place / "spec.toml").mkdir(),
        "a link to nothing": lambda place: (place / "spec.toml").symlink_to("none"),
        "unreadable": lambda place: (place / "spec.toml").symlink_to("/proc/self/mem"),
        "not there": lambda place: None,
    }
    found += [Input("specs", name, both(empty, make), run, True, "spec.toml") for name, make in odd.items()]
    words = ("a\0b", "é" * 200, "\ud800", "x" * 5000, "-", "~nouser/spec.toml", "")
    found += [
        Input("specs", f"called {w[:12]!r}", empty, command("run", "--store", "s", "--", w), True)
        for w in words
        if "\0" not in w
    ]
    fields = {
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


# Sessions


def sessions(base: Path, draw: random.Random) -> list[Input]:
    good = (kit.CHECKOUT / "sessions" / "first-look.jsonl").read_text()
    rows = good.splitlines()
    header = rows[0]

    def give(place: Path) -> None:
        from saetui.commands.session import load, replay
        from saetui.commands.workbench import Workbench

        session = load(place / "session.jsonl")
        bench = Workbench.open(place / "s", inline=True)
        print(len(replay(session, bench)), "differences")
        bench.close()

    def made(name: str, content: bytes | str, *, fail: bool = True) -> Input:
        return Input("sessions", name, with_store(base, written("session.jsonl", content)), give, fail, "session.jsonl")

    def changed(**changes: Any) -> str:
        return json.dumps({**json.loads(header), **changes}) + "\n" + "\n".join(rows[1:])

    def step(**changes: Any) -> str:
        return header + "\n" + json.dumps({**json.loads(rows[1]), **changes}) + "\n"

    found = [
        made("good", good, fail=False),
        made("empty", ""),
        made("blank lines", "\n\n\n"),
        made("not UTF-8", b"\xff\xfe\x00"),
        made("UTF-16", good.encode("utf-16")),
        made("byte order mark", "\ufeff" + good, fail=False),
        made("no header", "\n".join(rows[1:])),
        made("header a list", "[]\n"), made("header null", "null\n"), made("header a number", "1\n"),
        made("header deep", "[" * 100_000 + "\n"),
        made("torn last line", good[:-20], fail=False),
        made("torn line inside", "\n".join([header, rows[1][:20], *rows[2:]])),
        made("line separators in a note", step(command="note", args={"text": "a\u2028b\u0085c", "kind": "sae", "key": "sae-64"}), fail=False),
        made("line separators as they are", header + "\n" + json.dumps({**json.loads(rows[1]), "digest": "a\u2028\u0085b"}, ensure_ascii=False) + "\n", fail=False),
        made("carriage returns", good.replace("\n", "\r\n"), fail=False),
        made("null bytes inside", good.replace("letter", "let\0ter")),
    ]  # fmt: skip
    for key in ("format", "session", "saetui", "store", "parent", "started"):
        for value in (None, [], {}, 10**30, "x", -1, float("nan"), True):
            if key in ("session", "saetui", "store", "parent") and value == "x":
                continue
            found.append(made(f"header {key} = {str(value)[:12]!r}", changed(**{key: value}), fail=False))
        without = {k: v for k, v in json.loads(header).items() if k != key}
        found.append(made(f"header without {key}", json.dumps(without) + "\n" + "\n".join(rows[1:]), fail=False))
    for key in ("t", "command", "args", "digest", "visit"):
        for value in (None, [], {}, 10**400, "x", -1, float("nan"), [1], {"letter": {}}, {"nope": 1}):
            found.append(made(f"step {key} = {str(value)[:12]!r}", step(**{key: value}), fail=False))
    for i in range(30):
        raw = bytearray(good.encode())
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(raw))
            raw[at : at + draw.randint(0, 8)] = bytes(draw.randrange(256) for _ in range(draw.randint(0, 6)))
        found.append(made(f"damaged {i}", bytes(raw), fail=False))
    return found


# Links and options

_LINKS = (
    "letters/s/" + "9" * 5000, "letters/s/-1", "letters/s/1e9", "letters/s/²", "letters/s/٣", "letters/ß", "letters//", "/",
    "", "?", "???", "letters?sae=", "letters?sae=none", "nowhere", "letters/s/412/1/2/3", "hard/1", "hard/x/y",
    "hard/" + "9" * 400 + "/1", "hard/4294967296/99999999999", "absorption/s?tau=nan", "absorption/s?tau=inf",
    "absorption/s?tau=1e999", "absorption/s?metric=x", "absorption/s/%00", "absorption/s/%ff%fe", "absorption/s/%ud800",
    "pursuit/none", "pursuit/a/" + "9" * 5000, "pursuit?pursue_l0=" + "9" * 5000, "jobs/none", "jobs/%2e%2e", "a" * 1_000_000,
    "letters/s?" + "&".join(f"a{i}=1" for i in range(5000)), "\x1b[2J", "overview?token=\u202e",
)  # fmt: skip
_OPTIONS: tuple[tuple[str, ...], ...] = (
    ("figure", "none", "--store", "s"),
    ("figure", "absorption_rate", "--store", "s", "--tau", "nan"),
    ("figure", "absorption_rate", "--store", "s", "--tau", "1e400"),
    ("figure", "absorption_rate", "--store", "s", "--sae", "none"),
    ("figure", "absorption_rate", "--store", "s", "--out", "none/x.svg"),
    ("figure", "absorption_rate", "--store", "s", "--out", "x.txt"),
    ("figure", "absorption_rate", "--store", "s", "--out", "."),
    ("figure", "absorption_rate", "--store", "s", "--out", "s"),
    ("figure", "error_context", "--store", "s", "--context", "9" * 30),
    ("figure", "absorption_map", "--store", "s", "--letter", "ß"),
    ("jobs", "cancel", "none", "--store", "s"),
    ("jobs", "cancel", "", "--store", "s"),
    ("jobs", "cancel", "../../x", "--store", "s"),
    ("jobs", "--store", "none"),
    ("jobs", "--store", "/dev/null"),
    ("jobs", "--store", "/dev/zero"),
    ("open", "none"),
    ("open", "/"),
    ("open", "/dev/null"),
    ("open", "~nouser/x"),
    ("open", "x" * 5000),
    ("open", "é" * 300),
    ("open", ""),
    ("open", "pipe"),
    ("open", "loop"),
    ("run", "s", "--store", "s"),
    ("study", "letters", "--store", "s", "--seed", "9" * 30),
    ("study", "letters", "--store", "s", "--tau", "nan"),
    ("study", "letters", "--store", "s", "--device", "../../x"),
    ("study", "letters", "--store", "s", "--device", "cuda:99"),
    ("study", "errors", "--store", "s", "--max-tokens", "-1"),
    ("study", "errors", "--store", "s", "--sae", "none", "--hook", "\x1b[2J"),
    ("pursue", "--store", "s", "--place", "x"),
    ("pursue", "--store", "s", "--place", "1:" + "9" * 30),
    ("pursue", "--store", "s", "--l0", "-1"),
    ("pursue", "--store", "s", "--l0", "9" * 5000),
    ("pursue", "--store", "s", "--sae", "none"),
    ("pursue", "--store", "s", "--random", "9" * 25),
    ("pursue", "--store", "s", "--letter", "ß"),
    ("nonsense",),
    ("jobs", "nonsense", "--store", "s"),
    ("open", "s", "--nonsense"),
    ("figure", "--store"),
)
_MAY_PASS = {("study", "errors", "--store", "s", "--sae", "none", "--hook", "\x1b[2J")}


def links(base: Path) -> list[Input]:
    odd = both(lambda place: os.mkfifo(place / "pipe"), lambda place: (place / "loop").symlink_to("loop"))
    make = with_store(base, odd)

    def read(link: str) -> Act:
        def give(place: Path) -> None:
            from saetui.commands.navigate import Open
            from saetui.commands.workbench import Workbench

            bench = Workbench.open(place / "s", inline=True)
            bench.dispatch(Open(link))
            for _, sql, parameters in bench.view().tables:
                bench.store.fetch(f"SELECT * FROM ({sql}) LIMIT 5", **parameters)
            bench.close()

        return give

    found = [
        Input("links and options", f"link {i} {link[:24]!r}", make, read(link), False) for i, link in enumerate(_LINKS)
    ]
    found += [
        Input("links and options", f"open --at {i} {link[:24]!r}", make, command("open", "s", "--at", link), False)
        for i, link in enumerate(_LINKS)
        if len(link) < 100_000
    ]
    found += [
        Input("links and options", " ".join(w[:20] for w in words), make, command(*words), words not in _MAY_PASS)
        for words in _OPTIONS
    ]
    for name in ("a?b", "a*b", "a[b]", "a\\b", "a'b", 'a"b', "a%20b", "a b", "k=16", "a\nb", "ü", "a$b", "-a"):
        moved = both(with_store(base), lambda place, name=name: (place / "s").rename(place / name))  # type: ignore[misc]
        found.append(Input("links and options", f"store called {name!r}", moved, command("open", "--", name), False))
    return found


# Filters and command lines


def lines(base: Path) -> list[Input]:
    filters = (
        "f1 >", "f1 > x", "> 0.1", "f1 > 1e999", "f1 > nan", "f1 > " + "9" * 5000, "none > 1", "f1 f1 f1", "f1 = '", "'", '"',
        "f1 > 0.1 or " * 400 + "f1 > 0.2", " or ".join(f"f1 > 0.{i}" for i in range(400)), "x" * 500_000, "(" * 3000,
        "f1 > 0.1; drop table sae", "f1 > (select 1)", "letter ~ '" + "(a+)+" * 50 + "'", "\0", "\ud800", "\x1b[2J", "%" * 9999,
        "f1 > 0.1 and " * 3000 + "f1 > 0.2", "letter in (" + ",".join("'s'" for _ in range(5000)) + ")", "f1 > -", "not " * 3000 + "main",
    )  # fmt: skip
    words = (
        "", ":", ":::", " ", "nonsense", "run", "run ~nouser/", "run ~nouser/x", "run none.toml", "run /dev/zero", "run .",
        "run s", "letter ß", "letter", "letter " + "s" * 100_000, "latent -1", "latent " + "9" * 5000, "latent 1e5", "latent x",
        "sae none", "sae", "open nowhere", "open letters/s/" + "9" * 5000, "sort", "sort none", "sort f1 sideways", "filter",
        "mark", "mark nonsense 1", "mark latent x/y/z", "mark latent sae-64/" + "9" * 30, "note", "note 'unclosed",
        "note text='a' kind=nonsense key=1", "export", "export none/x.csv", "export x.txt", "export /dev/full/x.csv",
        "export ~nouser/x.csv", "export .", "export \0.csv", "focus", "focus none", "screen none", "job none", "cancel", "cancel none",
        "retry none", "study none", "study letters", "tau nan", "tau x", "tau 1e999", "lead inf", "figure none", "figure absorption_rate none/x.svg",
        "set", "token \0", "token \ud800", "token " + "é" * 10_000, "back " * 100, "letter=s", "letter letter=s letter=t", "letter x=1",
        "pursue", "pursue nonsense", "pursue random " + "9" * 30, "pursue l0=-1", "context -1", "position 99999999999999999999", "'", '"', "\\",
        "sql", "sql select", "sql select * from read_text('/etc/passwd')", "\x1b[2J", "a" * 500_000, "filter " + "f1 > 0.1 or " * 400 + "f1 > 1",
    )  # fmt: skip

    def dispatch(line: str) -> Act:
        def give(place: Path) -> None:
            from saetui.commands.workbench import Workbench
            from saetui.jobs.client import JobClient

            JobClient.ensure_workers = lambda self: None  # type: ignore[method-assign]
            bench = Workbench.open(place / "s", inline=True)
            bench.dispatch("screen letters")
            bench.dispatch("letter s")
            try:
                bench.dispatch(line)
                for _, sql, parameters in bench.view().tables:
                    bench.store.fetch(f"SELECT * FROM ({sql}) LIMIT 5", **parameters)
            finally:
                bench.poll()

        return give

    def complete(line: str) -> Act:
        def give(place: Path) -> None:
            from saetui.commands.completion import completions
            from saetui.commands.workbench import Workbench

            bench = Workbench.open(place / "s", inline=True)
            print(len(completions(line, bench)))

        return give

    make = with_store(base)
    group = "filters and lines"
    found = [
        Input(group, f"filter {i} {f[:24]!r}", make, dispatch(f"filter {f}"), False) for i, f in enumerate(filters)
    ]
    found += [Input(group, f"line {i} {w[:24]!r}", make, dispatch(w), False) for i, w in enumerate(words)]
    return found + [Input(group, f"completion {i} {w[:24]!r}", make, complete(w), False) for i, w in enumerate(words)]


# Job folders


def job_folders(base: Path, draw: random.Random) -> list[Input]:
    import platform

    state = {
        "job_id": "20260101-000000-000000-aaaa", "kind": "rows", "title": "t", "state": "failed", "device": "cpu",
        "host": platform.node(), "content_hash": "0" * 32, "created": 1767225600.0, "after": [], "retry_of": None, "started": None,
        "ended": None, "message": "m", "hint": None, "worker": None,
    }  # fmt: skip
    spec = {"schema": 1, "kind": "rows", "label": "x"}
    record = {"t": 1.0, "clock": 1.0, "phase": "p", "done": 1, "total": 2, "unit": "u"}

    def folder(**contents: bytes | str | Act) -> Act:
        def make(place: Path) -> None:
            job = place / "s" / "jobs" / str(state["job_id"])
            (job / "out").mkdir(parents=True)
            files: dict[str, Any] = {
                "state.json": json.dumps(state),
                "spec.json": json.dumps(spec),
                "lock": "",
                "log.txt": "x\n",
            }
            for name, content in (files | {key.replace("_", "."): value for key, value in contents.items()}).items():
                if callable(content):
                    content(job)
                else:
                    (job / name).write_bytes(content if isinstance(content, bytes) else content.encode())

        return with_store(base, make)

    def look(place: Path) -> None:
        from saetui.commands.errors import user_errors
        from saetui.commands.workbench import Workbench
        from saetui.jobs.client import JobClient

        JobClient.ensure_workers = lambda self: None  # type: ignore[method-assign]
        bench = Workbench.open(place / "s", inline=True)
        for job in bench.jobs:
            _ = (job.created, job.started, job.ended, job.progress, job.log_tail(5), job.waiting)
            try:
                job.spec  # noqa: B018
            except user_errors():
                pass
        for line in ("screen jobs", *(f"{verb} {job.id}" for job in bench.jobs for verb in ("job", "retry", "cancel"))):
            try:
                bench.dispatch(line)
            except user_errors():
                continue
        bench.poll()
        bench.close()

    found: list[Input] = []

    def add(name: str, make: Act) -> None:
        listing = command("jobs", "--store", "s")
        found.append(Input("job folders", f"{name}, listed", make, listing, False))
        found.append(Input("job folders", f"{name}, in the workbench", make, look, False))

    for key in state:
        for value in (
            None,
            [],
            {},
            10**400,
            1e300,
            float("nan"),
            -1,
            "x" * 10_000,
            "\x1b[2J",
            True,
            ["a", None],
            "\ud800",
        ):
            if draw.random() < 0.55:
                content = json.dumps({**state, key: value})
                add(f"state.json {key} = {str(value)[:12]!r}", folder(state_json=content))
        add(f"state.json without {key}", folder(state_json=json.dumps({k: v for k, v in state.items() if k != key})))
    for name, content in {
        "empty": "", "torn": json.dumps(state)[:40], "a list": "[]", "null": "null", "not UTF-8": b"\xff\xfe", "deep": "[" * 100_000,
        "20 MB": json.dumps({**state, "title": "x" * 20_000_000}), "one more field": json.dumps({**state, "colour": 1}),
    }.items():  # fmt: skip
        add(f"state.json {name}", folder(state_json=content))
        add(f"spec.json {name}", folder(spec_json=content))
    for name, value in {"pid": "x", "started": None, "boot": [], "host": {}}.items():
        worker = {"pid": 1, "started": "ticks 1", "boot": "b", "host": platform.node(), name: value}
        add(
            f"worker {name} = {value!r}", folder(state_json=json.dumps({**state, "state": "running", "worker": worker}))
        )
    for key in record:
        for value in (None, [], {}, 10**400, 1e300, float("nan"), "x", -1):
            if draw.random() < 0.5:
                add(
                    f"progress {key} = {str(value)[:12]!r}",
                    folder(progress_jsonl=json.dumps({**record, key: value}) + "\n"),
                )
    plans = (
        '{"plan": null}',
        '{"plan": {"p": 0}}',
        '{"plan": {"p": "x"}}',
        '{"plan": {"p": NaN}}',
        '{"plan": []}',
        "\xff",
        "[]",
        "null",
        "x",
    )
    for plan in plans:
        add(f"progress {plan!r}", folder(progress_jsonl=plan + "\n" + json.dumps(record) + "\n"))
    odd: dict[str, Act] = {
        "a pipe": lambda job: (((job / "state.json").unlink(missing_ok=True)), os.mkfifo(job / "state.json")),
        "a folder": lambda job: (((job / "state.json").unlink(missing_ok=True)), (job / "state.json").mkdir()),
        "a loop": lambda job: (
            ((job / "state.json").unlink(missing_ok=True)),
            (job / "state.json").symlink_to("state.json"),
        ),
    }
    for name, act in odd.items():
        add(f"state.json is {name}", folder(state_json=act))
        add(f"log.txt is {name}", folder(log_txt=lambda job, act=act: _for(job, "log.txt", act)))  # type: ignore[misc]
        add(f"progress.jsonl is {name}", folder(progress_jsonl=lambda job, act=act: _for(job, "progress.jsonl", act)))  # type: ignore[misc]
    return found


def _for(job: Path, name: str, act: Act) -> None:
    """Do to another file what is done to ``state.json``."""
    kept = (job / "state.json").read_bytes() if (job / "state.json").is_file() else b""
    act(job)
    (job / name).unlink(missing_ok=True)
    (job / "state.json").rename(job / name) if not (job / "state.json").is_symlink() else (job / name).symlink_to(name)
    (job / "state.json").unlink(missing_ok=True)
    (job / "state.json").write_bytes(kept)


# Store folders


def store_folders(base: Path, draw: random.Random) -> list[Input]:
    def look(place: Path) -> None:
        from saetui.commands.workbench import Workbench
        from saetui.jobs.client import JobClient

        JobClient.ensure_workers = lambda self: None  # type: ignore[method-assign]
        bench = Workbench.open(place / "s", inline=True)
        bench.dispatch("screen letters")
        for _ in range(2):
            bench._next_look = 0.0
            bench.poll()
        bench.close()

    def remove(path: Path) -> None:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)

    def damaged(at: float, n: int) -> Act:
        def make(place: Path) -> None:
            path = place / "s" / "saetui.duckdb"
            raw = bytearray(path.read_bytes())
            start = int(at * len(raw))
            raw[start : start + n] = bytes(draw.randrange(256) for _ in range(min(n, len(raw) - start)))
            path.write_bytes(bytes(raw))

        return make

    changes: dict[str, Act] = {}
    for room in ("spool", "jobs", "locks", "tensors", "saetui.duckdb"):
        changes[f"{room} is a file"] = lambda p, room=room: (remove(p / "s" / room), (p / "s" / room).write_text("x"))  # type: ignore[misc]
        changes[f"{room} is gone"] = lambda p, room=room: remove(p / "s" / room)  # type: ignore[misc]
        changes[f"{room} is a loop"] = lambda p, room=room: (remove(p / "s" / room), (p / "s" / room).symlink_to(room))  # type: ignore[misc]
        changes[f"{room} is a pipe"] = lambda p, room=room: (remove(p / "s" / room), os.mkfifo(p / "s" / room))  # type: ignore[misc]
    changes |= {
        "database empty": lambda p: (p / "s" / "saetui.duckdb").write_bytes(b""),
        "database cut": lambda p: os.truncate(p / "s" / "saetui.duckdb", 50_000),
        "database of zeros": lambda p: (p / "s" / "saetui.duckdb").write_bytes(bytes(100_000)),
        "database of others": _other_database,
        "database a folder": lambda p: (remove(p / "s" / "saetui.duckdb"), (p / "s" / "saetui.duckdb").mkdir()),
        "log of random bytes": lambda p: (p / "s" / "saetui.duckdb.wal").write_bytes(
            bytes(draw.randrange(256) for _ in range(999))
        ),
        "a file in the spool": lambda p: (p / "s" / "spool" / "x").write_text("x"),
        "a pipe in the spool": lambda p: os.mkfifo(p / "s" / "spool" / "x"),
        "an empty result": lambda p: (p / "s" / "spool" / "x").mkdir(),
        "a result with a pipe": lambda p: (
            (p / "s" / "spool" / "x").mkdir(),
            os.mkfifo(p / "s" / "spool" / "x" / "manifest.json"),
        ),
        "a file in jobs": lambda p: (p / "s" / "jobs" / "x").write_text("x"),
        "an empty job": lambda p: (p / "s" / "jobs" / "x").mkdir(),
        "names that are no text": lambda p: [
            os.mkdir(bytes(p / "s" / room) + b"/\xff\xfe") for room in ("spool", "jobs", "tensors")
        ],
        "version null": _sql("DELETE FROM store_state"),
        "version of the future": _sql("UPDATE store_state SET schema_version = 999"),
        "version negative": _sql("UPDATE store_state SET schema_version = -1"),
        "a table is gone": _sql("DROP TABLE note"),
        "a view is gone": _sql("DROP VIEW sae_summary"),
        "another column": _sql("ALTER TABLE sae RENAME COLUMN name TO title"),
        "nulls in names": _sql("UPDATE sae SET name = NULL, l0 = NULL, fvu = NULL, width = NULL"),
        "not numbers": _sql("UPDATE sae SET l0 = 'nan', fvu = 'inf'"),
        "no rows": _sql("DELETE FROM sae; DELETE FROM latent; DELETE FROM model"),
    }
    for i in range(24):
        changes[f"database damaged {i}"] = damaged(i / 24 if i else 0.0, draw.choice((1, 16, 4096)))
    for name, manifest in {
        "null": "null", "list": "[]", "nulls": json.dumps({"format": 1, "name": None, "job_id": None, "attempt": None, "parts": None}),
        "numbers": json.dumps({"format": 1, "name": 1, "job_id": 2, "attempt": 3, "parts": [1]}), "torn": '{"format": 1, ', "deep": "[" * 100_000,
        "format text": json.dumps({"format": "x"}), "format list": json.dumps({"format": [1]}), "not UTF-8": "\udcff",
        "part null": json.dumps({"format": 1, "name": "x", "job_id": "j", "attempt": "a", "parts": [{"table": None, "file": None, "n_rows": None, "columns": None, "scope": None}]}),
        "part of numbers": json.dumps({"format": 1, "name": "x", "job_id": "j", "attempt": "a", "parts": [{"table": 1, "file": 2, "n_rows": "x", "columns": [1], "scope": {"a": 1}}]}),
    }.items():  # fmt: skip
        changes[f"manifest {name}"] = lambda p, manifest=manifest: (  # type: ignore[misc]
            (p / "s" / "spool" / "0001-x").mkdir(),
            (p / "s" / "spool" / "0001-x" / "manifest.json").write_text(manifest, errors="surrogateescape"),
        )
    found = []
    for name, change in changes.items():
        make = with_store(base, change)
        found.append(Input("store folders", f"{name}, summary", make, command("open", "s"), False))
        found.append(Input("store folders", f"{name}, jobs", make, command("jobs", "--store", "s"), False))
        found.append(Input("store folders", f"{name}, workbench", make, look, False))
    return found


def _sql(statements: str) -> Act:
    def make(place: Path) -> None:
        import duckdb

        with duckdb.connect(str(place / "s" / "saetui.duckdb")) as connection:
            connection.execute(statements)

    return make


def _other_database(place: Path) -> None:
    import duckdb

    (place / "s" / "saetui.duckdb").unlink()
    with duckdb.connect(str(place / "s" / "saetui.duckdb")) as connection:
        connection.execute("CREATE TABLE mine (a INT)")


# Corpora


def corpora(base: Path) -> list[Input]:
    import gzip

    text = "the cat sat on the mat\n" * 50
    line = json.dumps({"text": text}) + "\n"

    def given(name: str) -> Act:
        def give(place: Path) -> None:
            from saetui.lm.corpus import load_corpus

            corpus = load_corpus(str(place / name))
            said = "".join(document.text for document in corpus.documents())
            if "the cat sat" not in said or said.lstrip().startswith("{"):
                raise SystemExit(0)
            print("read rightly")
            os._exit(7)

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
        "pipe": ("c.txt", lambda p: os.mkfifo(p / "c.txt"), True), "/dev/zero": ("c.txt", lambda p: (p / "c.txt").symlink_to("/dev/zero"), True),
        "loop": ("c.txt", lambda p: (p / "c.txt").symlink_to("c.txt"), True), "empty folder": ("c", lambda p: (p / "c").mkdir(), True),
        "folder with a pipe": ("c", lambda p: ((p / "c").mkdir(), os.mkfifo(p / "c" / "a.txt")), True),
        "folder with a loop": ("c", lambda p: ((p / "c").mkdir(), (p / "c" / "c").symlink_to("."), (p / "c" / "a.txt").write_text("")), True),
        "name that is no text": ("c", lambda p: ((p / "c").mkdir(), Path(os.fsdecode(bytes(p / "c") + b"/\xff.txt")).write_bytes(b"\xff\xfe")), True),
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


def sae_folders(base: Path, draw: random.Random) -> list[Input]:
    config = json.loads((base / "sae" / "cfg.json").read_text())

    def load(place: Path) -> None:
        from saetui.sae import load_sae

        load_sae(place / "sae").encode_sparse(__import__("torch").zeros(2, 8))

    def listed(place: Path) -> None:
        from saetui.jobs.tasks.shelf import read_shelf

        shelf = read_shelf(place / "s")
        assert "good" in {saved.sae_id for saved in shelf.sound}
        print(*shelf.damaged, sep="\n")

    def with_sae(change: Act) -> Act:
        return lambda place: (shutil.copytree(base / "sae", place / "sae"), change(place / "sae"))

    def in_store(change: Act) -> Act:
        def make(place: Path) -> None:
            for name in ("good", "sae"):
                shutil.copytree(base / "sae", place / "s" / "tensors" / "sae" / name)
            change(place / "s" / "tensors" / "sae" / "sae")

        return make

    changes: dict[str, tuple[Act, bool]] = {"good": (lambda f: None, False)}
    for key in config:
        for value in (None, [], {}, 10**30, -1, 0, "x", float("nan"), True, 1.5):
            if draw.random() < 0.4:
                changes[f"cfg.json {key} = {str(value)[:12]!r}"] = (
                    written("cfg.json", json.dumps({**config, key: value})),
                    False,
                )
        rest = {k: v for k, v in config.items() if k != key}
        changes[f"cfg.json without {key}"] = (written("cfg.json", json.dumps(rest)), False)
    for file in ("cfg.json", "workbench.json"):
        for name, content in {"empty": "", "torn": '{"a"', "list": "[]", "null": "null", "not UTF-8": b"\xff", "deep": "[" * 100_000, "number": "1",
                              "surrogate": '{"name": "\\ud800", "row": {}}', "names of wrong types": '{"name": [1], "row": 3}', "huge number": '{"row": {"model_id": ' + "9" * 5000 + "}}"}.items():  # fmt: skip
            changes[f"{file} {name}"] = (written(file, content), file == "cfg.json")
        changes[f"{file} is a pipe"] = (
            lambda f, file=file: ((f / file).unlink(), os.mkfifo(f / file)),
            file == "cfg.json",
        )  # type: ignore[misc]
        changes[f"{file} is a folder"] = (
            lambda f, file=file: ((f / file).unlink(), (f / file).mkdir()),
            file == "cfg.json",
        )  # type: ignore[misc]
        changes[f"{file} is /dev/zero"] = (
            lambda f, file=file: ((f / file).unlink(), (f / file).symlink_to("/dev/zero")),
            file == "cfg.json",
        )  # type: ignore[misc]
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
        "weights gone": (lambda f: (f / weights).unlink(), True),
        "weights empty": (written(weights, b""), True),
        "weights cut": (written(weights, raw[:-10]), True),
        "weights cut in the head": (written(weights, raw[:20]), True),
        "weights longer": (written(weights, raw + b"x"), True),
        "weights with a huge head": (written(weights, struct.pack("<Q", 2**62) + raw[8:]), True),
        "weights with a head that is no JSON": (written(weights, raw[:8] + b"x" * size + raw[8 + size :]), True),
        "weights not numbers": (weights_of(lambda t: t["W_enc"].fill_(float("nan"))), True),
        "weights infinite": (weights_of(lambda t: t["b_dec"].fill_(float("inf"))), True),
        "weights of another shape": (weights_of(lambda t: t.update(W_dec=t["W_dec"][:, :3])), True),
        "weights of whole numbers": (weights_of(lambda t: t.update(b_dec=t["b_dec"].long())), False),
        "weights without one": (weights_of(lambda t: t.pop("W_dec")), True),
        "weights a folder": (lambda f: ((f / weights).unlink(), (f / weights).mkdir()), True),
        "weights a pipe": (lambda f: ((f / weights).unlink(), os.mkfifo(f / weights)), True),
        "the folder is a file": (lambda f: (shutil.rmtree(f), f.write_text("x")), True),
        "the folder is empty": (lambda f: (shutil.rmtree(f), f.mkdir()), True),
        "the folder is a loop": (lambda f: (shutil.rmtree(f), f.symlink_to(f.name)), True),
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
        return lambda place: (shutil.copytree(base / "embedded", place / "model"), change(place / "model"))

    def cfg(**changes: Any) -> Act:
        return written("config.json", json.dumps({**config, **changes}))

    weights = next(path.name for path in (base / "embedded").iterdir() if path.suffix == ".safetensors")
    raw = (base / "embedded" / weights).read_bytes()
    layers = next(key for key in ("num_hidden_layers", "n_layer") if key in config)
    changes: dict[str, tuple[Act, bool]] = {
        "good": (lambda f: None, False),
        "empty folder": (lambda f: (shutil.rmtree(f), f.mkdir()), True),
        "a file": (lambda f: (shutil.rmtree(f), f.write_text("x")), True),
        "gone": (shutil.rmtree, True),
        "no config.json": (lambda f: (f / "config.json").unlink(), True),
        "no weights": (lambda f: (f / weights).unlink(), True),
        "weights cut": (written(weights, raw[: len(raw) // 2]), True),
        "weights empty": (written(weights, b""), True),
        "weights of a pipe": (lambda f: ((f / weights).unlink(), os.mkfifo(f / weights)), True),
        "config.json is a pipe": (lambda f: ((f / "config.json").unlink(), os.mkfifo(f / "config.json")), True),
        "config.json is /dev/zero": (lambda f: ((f / "config.json").unlink(), (f / "config.json").symlink_to("/dev/zero")), True),
        "one layer less": (cfg(**{layers: config[layers] - 1}), True),
        "one layer more": (cfg(**{layers: config[layers] + 1}), True),
        "0 layers": (cfg(**{layers: 0}), True),
        "another width": (cfg(hidden_size=config.get("hidden_size", 64) * 2), True),
        "an unknown type": (cfg(model_type="nonsense", architectures=["Nonsense"]), True),
        "type a list": (cfg(model_type=["gpt2"]), True),
        "custom code": (lambda f: (cfg(model_type="own", auto_map={"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"})(f), (f / "own.py").write_text("raise SystemExit('owned')\n")), True),
        "custom code of a known type": (lambda f: (cfg(auto_map={"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"})(f), (f / "own.py").write_text("raise SystemExit('owned')\n")), False),
        "weights not numbers": (_nan_weights(weights), True),
    }  # fmt: skip
    tokenizers = [
        p.name for p in (base / "embedded").iterdir() if "token" in p.name or p.name in ("vocab.json", "merges.txt")
    ]
    for name in tokenizers:
        changes[f"{name} torn"] = (written(name, '{"a"'), False)
        changes[f"{name} gone"] = (lambda f, name=name: (f / name).unlink(), False)  # type: ignore[misc]
    for name, content in {
        "empty": "",
        "torn": '{"a"',
        "list": "[]",
        "null": "null",
        "not UTF-8": b"\xff",
        "deep": "[" * 100_000,
    }.items():
        changes[f"config.json {name}"] = (written("config.json", content), True)
    for key in draw.sample(sorted(config), min(8, len(config))):
        for value in draw.sample([None, [], -1, 0, "x", 1e300, {}], 2):
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
