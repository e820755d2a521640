"""A short run of each program of ``scripts/stress``, the same every time; the long ones are run by hand."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
STRESS = Path(__file__).parents[2] / "scripts" / "stress"


def ran(program: str, *options: str, timeout_s: float = 240) -> str:
    """What a program of the kit printed; it must have found nothing."""
    command = [sys.executable, str(STRESS / program), "--light", "--seed", "7", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("phase", "n"), [("jobs", 10), ("retry", 5), ("cancel now", 4), ("session", 4), ("export", 3)])
def test_nothing_is_lost_doubled_stuck_or_wrong_after_a_kill(phase: str, n: int) -> None:
    assert f"{phase} " in ran("kill.py", "--only", phase, "--n", str(n), "--parallel", "2")


@pytest.mark.slow
def test_bad_input_ends_in_a_message() -> None:
    assert "60 inputs" in ran("bad_input.py", "--n", "60", "--parallel", "2")


@pytest.mark.slow
def test_a_store_of_a_stranger_touches_nothing_outside() -> None:
    assert "12 stores" in ran("hostile_store.py", "--n", "12", "--parallel", "2")


@pytest.mark.slow
def test_a_full_disk_loses_nothing() -> None:
    assert "kB of room" in ran("full_disk.py", "--rooms", "0,40,128", "--parallel", "2")


@pytest.mark.slow
def test_a_workbench_and_an_interface_work_on_a_store_with_much_in_it() -> None:
    options = ("--minutes", "0.1", "--activations", "50000", "--jobs", "20", "--notes", "100")
    assert ran("load.py", *options).count("not judged") == 2


@pytest.mark.parametrize(("mb_per_minute", "flat"), [(0.0, True), (0.5, True), (10.0, False)])
def test_memory_that_grows_is_told_from_memory_that_is_flat(mb_per_minute: float, flat: bool) -> None:
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import load
memory = [(s / 60, 150 + min(s, 20) * 2 + float(sys.argv[2]) * s / 60 + s % 3) for s in range(600)]
sys.exit(0 if load.judged(memory)[-1] == (sys.argv[3] == "True") else 1)
"""
    command = [sys.executable, "-c", code, str(STRESS), str(mb_per_minute), str(flat)]
    judged = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert judged.returncode == 0, judged.stderr


@pytest.mark.slow
def test_the_kit_finds_what_is_wrong() -> None:
    """A store that forgets to sweep a result is seen; a kit that sees nothing would pass all tests above."""
    code = """
import sys
sys.path.insert(0, sys.argv[1])
import kill, kit, store.commit
store.commit._remove = lambda folder: None
sys.exit(0 if kill.main(3, 7, "jobs", 1) else 1)
"""
    command = [sys.executable, "-c", code, str(STRESS)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert found.returncode == 0, found.stdout + found.stderr
