"""Gives saetui bad input of every kind, each in a child with little time and memory, and looks at how it ends.

Groups: specs, model folders, SAE folders, corpora, recorded sessions, links and options, filters and command lines, job
folders, store folders. A good end is a message of saetui's own: an error class of ours, or exit code 1 or 2 with a
sentence that names the file. Bad ends are a traceback, an error that is nobody's, no end, no memory left, a sentence
that shows the insides of Python, one that does not name the file, and taking in what must be refused.

Prints a table by group. Exit code 1 where there is a traceback, an endless one, one without memory, or one taken in
wrongly. ``--only GROUP`` or ``--only 'GROUP: NAME'`` plays a part again; what is drawn at random is drawn by
``--seed``.
"""

import os
import re
import shutil
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import kit
from inputs import READ_RIGHTLY, Input

KINDS = ("message", "taken in", "traceback", "endless", "memory", "raw", "unnamed", "wrongly taken")
BAD = ("traceback", "endless", "memory", "wrongly taken")
_LIMIT_S, _MEMORY = 20.0, 3 << 30
VERBOSE = False
# What a person should never read.
_RAW = re.compile(
    r"unexpected error|object has no attribute|NoneType|not subscriptable|not iterable|unhashable|codec can't|Errno|"
    r"\b(Key|Type|Value|Attribute|Index|Unicode\w*|Recursion|Overflow|Assertion|Runtime|Memory|JSONDecode|OS)Error\b|"
    r"<class '|must be str, not"
)


@dataclass(frozen=True)
class Outcome:
    """How one input ended."""

    name: str
    kind: str
    text: str


def one(bad: Input, folder: Path) -> Outcome:
    """Give one input, and look."""
    place = folder / "run"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    output = folder / "output.txt"

    def play() -> None:
        kit.set_home(place)
        kit.without_sync()
        os.chdir(place)
        bad.make(place)
        fd = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(fd, 1)
        os.dup2(fd, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False, buffering=1)
        try:
            bad.give(place)
        except Exception as error:
            if not is_ours(error):
                raise
            print(f"saetui: {error}", file=sys.stderr)
            raise SystemExit(1) from None

    output.unlink(missing_ok=True)
    ended = kit.run(play, folder / "report.txt", _LIMIT_S, memory=_MEMORY)
    said = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
    outcome = Outcome(bad.title, *judged(bad, ended, said))
    if outcome.kind not in ("message", "taken in") or VERBOSE:
        print(f"  {outcome.name} -> {outcome.kind}: {outcome.text[:260]}", file=sys.stderr)
    return outcome


def judged(bad: Input, ended: kit.Ended, said: str) -> tuple[str, str]:
    """The kind of end, and what shows it."""
    if ended.how == "endless":
        return "endless", ended.text
    if "MemoryError" in ended.text or "bad_alloc" in said or "not enough memory" in said:
        return "memory", kit.last_line(ended.text or said)
    if ended.how in ("died", "killed"):
        return "traceback", f"{ended.text} {kit.last_line(said)}"
    if ended.text or "Traceback (most recent call last)" in said:
        return "traceback", kit.last_line(ended.text or said)
    if ended.code == READ_RIGHTLY:
        return "taken in", "read rightly"
    if ended.code == 0:
        return ("wrongly taken" if bad.must_fail else "taken in"), kit.last_line(said)
    if match := _RAW.search(said):
        return "raw", f"{match.group()!r} in {kit.last_line(said)}"
    if not said.strip():
        return "unnamed", f"exit code {ended.code} without a word"
    if bad.names and bad.names not in said:
        return "unnamed", f"no {bad.names!r} in {kit.last_line(said)}"
    return "message", kit.last_line(said)


def is_ours(error: Exception) -> bool:
    """Whether it is one of our own errors, which are written for people; known by name, since some come with torch."""
    return any(cls.__module__.startswith(("saetui.", "store.")) for cls in type(error).__mro__)


def main(n: int = 600, seed: int = 0, only: str = "", parallel: int = 2, *, torch: bool = True) -> int:
    """Give ``n`` inputs at most; the number of those that end badly."""
    import random

    from bad_inputs import all_inputs

    with kit.workplace("bad") as folder:
        kit.preload()
        inputs = [one for one in all_inputs(seed, folder, torch=torch) if only in one.title]
        if len(inputs) > n:
            inputs = random.Random(seed).sample(inputs, n)
        groups = list(dict.fromkeys(one.group for one in inputs))
        light = [i for i in inputs if not i.torch]
        heavy = [i for i in inputs if i.torch]
        outcomes = kit.in_parallel(light, one, folder, parallel)
        if heavy:
            import torch as _torch

            import saetui.jobs.kinds.train.task  # noqa: F401
            from saetui.lm import load_model

            _torch.set_num_threads(1)
            load_model("embedded", "cpu")
            outcomes += kit.in_parallel(heavy, one, folder, parallel)
    rows = []
    for group in groups:
        counts = Counter(outcome.kind for outcome in outcomes if outcome.name.startswith(f"{group}: "))
        rows.append([group, sum(counts.values()), *(counts[kind] for kind in KINDS)])
    kit.print_table(("group", "inputs", *KINDS), [*rows, kit.totals(rows)])
    print(f"{len(outcomes)} inputs; {kit.load()}")
    return sum(outcome.kind in BAD for outcome in outcomes)


if __name__ == "__main__":
    options = kit.arguments(__doc__, n=2000, parallel=(int, 2, "inputs at the same time"))
    VERBOSE = options.verbose
    sys.exit(1 if main(options.n, options.seed, options.only, options.parallel, torch=not options.light) else 0)
