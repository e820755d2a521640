"""What a person types or opens: recorded sessions, links, options, filters, command lines."""

import json
import random
from pathlib import Path
from typing import Any

import kit
from inputs import Act, Input, both, command, link, pipe, with_store, written


def sessions(base: Path, draw: random.Random) -> list[Input]:
    good = (kit.CHECKOUT / "sessions" / "first-look.jsonl").read_text()
    rows = good.splitlines()
    header = rows[0]

    def give(place: Path) -> None:
        from saetui.commands.session import load, replay
        from saetui.workbench.workbench import Workbench

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
    header_values: tuple[Any, ...] = (None, [], {}, 10**30, "x", -1, float("nan"), True)
    for key in ("format", "session", "saetui", "store", "parent", "started"):
        for value in header_values:
            if key in ("session", "saetui", "store", "parent") and value == "x":
                continue
            found.append(made(f"header {key} = {str(value)[:12]!r}", changed(**{key: value}), fail=False))
        without = {k: v for k, v in json.loads(header).items() if k != key}
        found.append(made(f"header without {key}", json.dumps(without) + "\n" + "\n".join(rows[1:]), fail=False))
    step_values: tuple[Any, ...] = (None, [], {}, 10**400, "x", -1, float("nan"), [1], {"letter": {}}, {"nope": 1})
    for key in ("t", "command", "args", "digest", "visit"):
        for value in step_values:
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
    "", "?", "???", "letters?sae=", "letters?sae=none", "nowhere", "letters/s/412/1/2/3", "hard_tokens/1", "hard_tokens/x/y",
    "hard_tokens/" + "9" * 400 + "/1", "hard_tokens/4294967296/99999999999", "absorption/s?tau=nan", "absorption/s?tau=inf",
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
    odd = both(pipe("pipe"), link("loop", "loop"))
    make = with_store(base, odd)

    def read(text: str) -> Act:
        def give(place: Path) -> None:
            from saetui.commands.dispatch import dispatch
            from saetui.commands.navigate import Open
            from saetui.workbench.workbench import Workbench

            bench = Workbench.open(place / "s", inline=True)
            dispatch(bench, Open(text))
            for _, query in bench.view().tables:
                sql, parameters = query.window(0, 5)
                bench.store.fetch(sql, **parameters)
            bench.close()

        return give

    def moved(name: str) -> Act:
        return lambda place: (place / "s").rename(place / name)

    found = [
        Input("links and options", f"link {i} {text[:24]!r}", make, read(text), False) for i, text in enumerate(_LINKS)
    ]
    found += [
        Input("links and options", f"open --at {i} {text[:24]!r}", make, command("open", "s", "--at", text), False)
        for i, text in enumerate(_LINKS)
        if len(text) < 100_000
    ]
    found += [
        Input("links and options", " ".join(w[:20] for w in words), make, command(*words), words not in _MAY_PASS)
        for words in _OPTIONS
    ]
    for name in ("a?b", "a*b", "a[b]", "a\\b", "a'b", 'a"b', "a%20b", "a b", "k=16", "a\nb", "ü", "a$b", "-a"):
        make = both(with_store(base), moved(name))
        found.append(Input("links and options", f"store called {name!r}", make, command("open", "--", name), False))
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

    def gives(line: str) -> Act:
        def give(place: Path) -> None:
            from saetui.commands.dispatch import dispatch
            from saetui.jobs.client import JobClient
            from saetui.workbench.workbench import Workbench

            JobClient.ensure_workers = lambda self: None  # type: ignore[method-assign]
            bench = Workbench.open(place / "s", inline=True)
            dispatch(bench, "screen letters")
            dispatch(bench, "letter s")
            try:
                dispatch(bench, line)
                for _, query in bench.view().tables:
                    sql, parameters = query.window(0, 5)
                    bench.store.fetch(sql, **parameters)
            finally:
                bench.poll()

        return give

    def complete(line: str) -> Act:
        def give(place: Path) -> None:
            from saetui.commands.completion import completions
            from saetui.workbench.workbench import Workbench

            bench = Workbench.open(place / "s", inline=True)
            print(len(completions(line, bench)))

        return give

    make = with_store(base)
    group = "filters and lines"
    found = [Input(group, f"filter {i} {f[:24]!r}", make, gives(f"filter {f}"), False) for i, f in enumerate(filters)]
    found += [Input(group, f"line {i} {w[:24]!r}", make, gives(w), False) for i, w in enumerate(words)]
    return found + [Input(group, f"completion {i} {w[:24]!r}", make, complete(w), False) for i, w in enumerate(words)]
