"""The programs of ``scripts`` still start and measure; the product moves under them, and nobody runs them every day."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
PROGRAMS = sorted(
    str(path.relative_to(SCRIPTS)) for path in SCRIPTS.rglob("*.py") if '__name__ == "__main__"' in path.read_text()
)
# All in one process, since most of the time goes into importing torch.
ASK_ALL = """
import contextlib, io, json, runpy, sys
from pathlib import Path
scripts, answers, path = Path(sys.argv[1]), {}, list(sys.path)
for name in sys.argv[2:]:
    sys.argv, sys.path[:], said = [name, "--help"], [str((scripts / name).parent), *path], io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_path(str(scripts / name), run_name="__main__")
        code = "went on"
    except SystemExit as end:
        code = end.code
    except Exception as error:
        code = repr(error)
    answers[name] = [code, said.getvalue()]
print(json.dumps(answers))
"""
SMALL_RUNS = {
    "attribution.py": "--words 40 --plain-words 1 --rounds 1 --width 64 --threads 1",
    "commit.py": "--rows 4000",
    "hard_tokens.py": "--tokens 6400 --repeats 1",
    "pursuit.py": "--d 16 --width 64 --l0 2 --tokens 64 --dense-tokens 4 --threads 1",
    "sae_step.py": "--d-in 8 --width 32 --k 2 --batch 16 --steps 2 --threads 1",
    "sparse_probes.py": "--child ours 400 128 8 1",
    "start.py": "--runs 1",
}


@pytest.fixture(scope="module")
def answers() -> dict[str, tuple[object, str]]:
    """The exit code and the output of each program that is asked for help."""
    command = [sys.executable, "-c", ASK_ALL, str(SCRIPTS), *PROGRAMS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, tuple[object, str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_programs_are_found() -> None:
    assert {"bench/start.py", "stress/kill.py", "train_embedded_model.py"} <= set(PROGRAMS)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_starts_and_answers_help(program: str, answers: dict[str, tuple[object, str]]) -> None:
    code, said = answers[program]
    assert code == 0
    assert said.startswith(f"usage: {Path(program).name}")


@pytest.mark.slow
@pytest.mark.parametrize("program", SMALL_RUNS)
def test_a_bench_measures_a_small_case(program: str) -> None:
    command = [sys.executable, str(SCRIPTS / "bench" / program), *SMALL_RUNS[program].split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert any(character.isdigit() for character in done.stdout)
