"""Kills saetui with SIGKILL at drawn steps of everything it does, recovers as the next start would, and looks.

Each try plays a phase from the same beginning: a spool is flushed, a store made, upgraded or committed to, jobs are
submitted, run, cancelled and run again, SAEs trained and saved, a session recorded, tables exported. One process (the
client, the worker, the runner, or the only one) dies as it is about to do a drawn step, or at a drawn moment. Then
another process does what a person would do next, and must find every result once, nobody running, no device taken,
and each job in the state that is true.

Prints a table: for each phase the kills, what was lost, doubled, stuck or wrong, what was left over, and the seconds.
Exit code 1 where any of lost, doubled, stuck, wrong is not 0. ``--only PHASE[:TRY]`` plays a phase, or one try, again.
"""

import os
import random
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import forks
import kit
from steps import Steps, Target

KINDS = ("lost", "doubled", "stuck", "wrong")


@dataclass(frozen=True)
class Phase:
    """What is there before, what is played, and what must hold afterwards."""

    name: str
    share: int
    before: Callable[[Path], None]
    play: Callable[[Path], None]
    after: Callable[[Path], None]
    family: bool = False  # workers and runners are started
    torch: bool = False
    moments: float = 0.2  # share of the kills that come at a moment and not at a step
    roles: tuple[str, ...] = ()  # whose steps are drawn; all if empty


@dataclass(frozen=True)
class Try:
    """One kill: at a step, or when a share of the usual time has passed."""

    number: int
    phase: Phase
    target: Target | None
    role: str
    moment: float

    def __str__(self) -> str:
        return str(self.target) if self.target is not None else f"{self.role}: after {self.moment:.3f} s"


@dataclass(frozen=True)
class Outcome:
    """What a try showed: the kind of trouble, or ""; whether the process was killed at all."""

    killed: bool
    kind: str
    text: str


def phases() -> list[Phase]:
    import job_scenes as jobs
    import paper_scenes as papers
    import sae_scenes as saes

    from tests.store import killed

    shares = {"flush": 8, "commit": 8, "bulk": 4, "write": 4, "create": 5, "upgrade": 6}
    found = [
        Phase(name, shares.get(name, 4), *scene, moments=1.0 if name == "bulk" else 0.15)
        for name, scene in killed.SCENES.items()
    ]
    found += [
        Phase("jobs", 22, jobs.made, jobs.play_chain, jobs.recover_chain, family=True),
        Phase("cancel", 7, jobs.made, lambda r: jobs.play_cancel(r, now=False), jobs.recover_cancel, family=True),
        Phase("cancel now", 5, jobs.made, lambda r: jobs.play_cancel(r, now=True), jobs.recover_cancel, family=True),
        Phase("retry", 11, jobs.made, jobs.play_retry, jobs.recover_retry, family=True),
        Phase("session", 5, papers.before, papers.play_session, papers.recover_session),
        Phase("export", 4, papers.before_export, papers.play_export, papers.recover_export),
        Phase("save SAE", 7, saes.before_save, saes.play_save, saes.recover_save, torch=True),
        Phase("train", 4, saes.before_train, saes.play_train, saes.recover_train, family=True, torch=True,
              roles=("runner", "worker")),
    ]  # fmt: skip
    return found


class UnplayableError(Exception):
    """A phase fails without any kill."""


class Theatre:
    """Plays one phase from the same beginning again and again."""

    def __init__(self, phase: Phase, template: Path) -> None:
        self.phase, self.template = phase, template

    def prepare(self) -> None:
        shutil.rmtree(self.template, ignore_errors=True)
        self.template.mkdir(parents=True)

        def play() -> None:
            kit.set_home(self.template)
            self.phase.before(self.template / "s")

        ended = kit.run(play, self.template.parent / "before.txt", 120)
        if ended.how != "good":
            raise UnplayableError(f"{self.phase.name}: the beginning cannot be made\n{ended.text}")

    def rehearse(self, folder: Path) -> tuple[list[Target], float]:
        """All steps of the play, and the seconds it takes."""
        root = self._fresh(folder)
        steps = Steps(root)
        ended = kit.end(self._begin(root, folder, steps), folder / "play.txt", 90)
        if ended.how != "good":
            raise UnplayableError(f"{self.phase.name}: the play itself fails\n{ended.text}")
        after = self._recover(root, folder)
        if after.kind:
            raise UnplayableError(f"{self.phase.name}: without a kill, {after.text}")
        targets = [t for t in steps.targets() if not self.phase.roles or t.role in self.phase.roles]
        return targets, ended.seconds

    def kill(self, one: Try, folder: Path) -> Outcome:
        root = self._fresh(folder)
        steps = Steps(root, fatal=one.target)
        pid = self._begin(root, folder, steps)
        killed = False
        if one.target is None:
            killed = _kill_at(pid, root.parent / "pids", one)
        ended = kit.end(pid, folder / "play.txt", 100)
        killed = killed or steps.killed
        if ended.how == "endless" or (ended.how == "failed" and "BrokenError" in ended.text):
            _kill_all(root.parent / "pids")
            return Outcome(killed, "stuck", f"who survived did not come to an end: {kit.last_line(ended.text)}")
        if ended.how == "failed" or ended.how == "died":
            _kill_all(root.parent / "pids")
            return Outcome(killed, "wrong", f"who survived ended badly: {kit.last_line(ended.text)}")
        outcome = self._recover(root, folder)
        _kill_all(root.parent / "pids")
        return Outcome(killed, outcome.kind, outcome.text)

    def _fresh(self, folder: Path) -> Path:
        shutil.rmtree(folder / "run", ignore_errors=True)
        shutil.copytree(self.template, folder / "run", symlinks=True)
        (folder / "play.txt").unlink(missing_ok=True)
        return folder / "run" / "s"

    def _begin(self, root: Path, folder: Path, steps: Steps) -> int:
        def play() -> None:
            kit.without_sync()
            kit.set_home(root.parent)
            if self.phase.family:
                forks.start_by_fork(root.parent / "pids", steps)
            steps.install("client" if self.phase.family else "alone")
            self.phase.play(root)

        return kit.begin(play, folder / "play.txt")

    def _recover(self, root: Path, folder: Path) -> Outcome:
        from job_scenes import BrokenError

        told = folder / "told.txt"
        told.unlink(missing_ok=True)

        def play() -> None:
            kit.without_sync()
            kit.set_home(root.parent)
            if self.phase.family:
                forks.start_by_fork(root.parent / "pids")
            try:
                self.phase.after(root)
            except BrokenError as broken:
                told.write_text(f"{broken.kind}\n{broken}")

        ended = kit.run(play, folder / "recovery.txt", 100)
        if told.exists():
            kind, _, text = told.read_text().partition("\n")
            return Outcome(False, kind, text)
        if ended.how == "endless":
            return Outcome(False, "stuck", "the next start does not come to an end")
        return Outcome(False, "" if ended.how == "good" else "wrong", kit.last_line(ended.text) or ended.how)


def _kill_at(pid: int, pids: Path, one: Try) -> bool:
    """Kill the process that plays a part, at a moment after the play began; False where it is not there."""
    time.sleep(one.moment)
    if one.role in ("client", "alone"):
        victim: int | None = pid
    else:
        lines = [line.split() for line in pids.read_text().splitlines()] if pids.exists() else []
        living = set(forks.living(pids))
        victim = next((int(p) for p, role in reversed(lines) if role == one.role and int(p) in living), None)
    if victim is None:
        return False
    try:
        os.kill(victim, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def _kill_all(pids: Path) -> None:
    """End what a play has left running; only its own processes are in the list."""
    for pid in forks.living(pids):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def draw(phase: Phase, targets: list[Target], seconds: float, n: int, seed: int) -> list[Try]:
    """The tries of a phase: at its steps, each once before any comes again, and at moments."""
    random_ = random.Random(f"{seed} {phase.name}")
    roles = phase.roles or (("client", "worker", "runner") if phase.family else ("alone",))
    n_moments = round(n * phase.moments) if targets else n
    chosen: list[Target] = []
    while len(chosen) < n - n_moments:
        chosen += random_.sample(targets, min(len(targets), n - n_moments - len(chosen)))
    tries = [Try(i, phase, target, target.role, 0.0) for i, target in enumerate(chosen)]
    tries += [
        Try(len(tries) + i, phase, None, random_.choice(roles), random_.random() * seconds) for i in range(n_moments)
    ]
    return tries


def play_phase(
    phase: Phase, n: int, seed: int, folder: Path, parallel: int, only: int | None
) -> tuple[int, list[tuple[Try, Outcome]]]:
    """The steps that a phase has, and its tries with what they showed."""
    theatre = Theatre(phase, folder / "template")
    theatre.prepare()
    targets, seconds = theatre.rehearse(folder)
    tries = draw(phase, targets, seconds, n, seed)
    if only is not None:
        tries = [one for one in tries if one.number == only]
    outcomes = kit.in_parallel(tries, theatre.kill, folder, parallel)
    return len(targets), list(zip(tries, outcomes, strict=True))


def main(
    n: int = 1000, seed: int = 0, only: str = "", parallel: int = 3, *, verbose: bool = False, torch: bool = True
) -> int:
    """Kill ``n`` times; the number of phases in which something was lost, doubled, stuck or wrong."""
    wanted, _, number = only.partition(":")
    chosen = [
        p for p in phases() if wanted in p.name and (torch or not p.torch) and (":" not in only or p.name == wanted)
    ]
    shares = sum(p.share for p in chosen)
    rows, bad, kills = [], 0, 0
    kit.preload()
    with kit.workplace("kill") as folder:
        for phase in chosen:
            started = time.monotonic()
            if phase.torch:
                import torch as _torch

                import saetui.jobs.kinds.train.task  # noqa: F401
                from saetui.lm import load_model

                _torch.set_num_threads(1)
                load_model("embedded", "cpu")  # So that no child has to import what that takes.
            of_phase = max(1, round(n * phase.share / shares))
            place = folder / phase.name.replace(" ", "-")
            try:
                steps, found = play_phase(phase, of_phase, seed, place, parallel, int(number) if number else None)
            except UnplayableError as error:
                print(f"  {error}", file=sys.stderr)
                steps, found = 0, [(Try(-1, phase, None, "", 0.0), Outcome(False, "wrong", "cannot be played"))]
            shutil.rmtree(place, ignore_errors=True)
            counts = Counter(outcome.kind for _, outcome in found)
            n_killed = sum(outcome.killed for _, outcome in found)
            kills += n_killed
            bad += any(counts[kind] for kind in KINDS)
            rows.append(
                [phase.name, steps, n_killed, *(counts[k] for k in (*KINDS, "left over")), time.monotonic() - started]
            )
            print(f"  {phase.name}: {n_killed} kills, {dict(counts)}", file=sys.stderr, flush=True)
            seen: Counter[str] = Counter()
            for one, outcome in found:
                if verbose or outcome.kind:
                    said = f"{outcome.kind or 'good'}: {outcome.text}"[:300]
                    seen[said] += 1
                    if verbose or seen[said] <= 3:
                        print(f"  {phase.name}:{one.number} at {one} -> {said}", file=sys.stderr)
    kit.print_table(("phase", "steps", "kills", *KINDS, "left over", "seconds"), [*rows, kit.totals(rows)])
    print(f"{kills} kills; {kit.load()}")
    return bad


if __name__ == "__main__":
    options = kit.arguments(__doc__, n=1000, parallel=(int, 3, "tries at the same time"))
    sys.exit(
        1
        if main(
            options.n, options.seed, options.only, options.parallel, verbose=options.verbose, torch=not options.light
        )
        else 0
    )
