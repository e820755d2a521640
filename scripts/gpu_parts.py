"""The parts of ``scripts/gpu_check``: each is a few commands, which run one after another with a limit of time."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

LIMIT_S = 520
ROOT = Path(__file__).parents[1]
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--durations=5"]
SAETUI = [sys.executable, "-m", "saetui"]
TORCH = "import torch; print(torch.__version__, torch.version.cuda, torch.cuda.device_count(), 'GPUs')"
TOY = """
schema = 1
kind = "train"
store = {store}
hook_name = "blocks.1.hook_resid_post"
max_tokens = 20_000
tokens = 20_000
recipes = [{{ width = 256, k = 4 }}]
"""


@dataclass(frozen=True)
class Part:
    """What is shown, the commands on a GPU, and those of a dry run where they are other ones."""

    shows: str
    commands: Sequence[Sequence[str]]
    dry: Sequence[Sequence[str]] | None = field(default=None)


def bench(name: str, *arguments: str) -> list[str]:
    return [sys.executable, f"scripts/bench/{name}.py", *arguments]


def demo(store: str, device: str) -> list[str]:
    return [*SAETUI, "demo", "--headless", "--store", store, "--device", device]


def parts(work: Path) -> dict[str, Part]:
    """All parts, by name; ``work`` is a folder for what they make."""
    store = str(work / "demo")
    dry_tests = ["tests/pretended_cuda", "tests/pursuit/test_in_step.py", "tests/lm/test_activation_stream.py"]
    spec = work / "toy.toml"
    spec.write_text(TOY.format(store=json.dumps(str(work / "toy"))), encoding="utf-8")
    a_store = [sys.executable, "-c", f"from store import Store; Store.open({str(work / 'toy')!r}, create=True).close()"]
    a_train_job = [*SAETUI, "run", str(spec)]
    return {
        "machine": Part(
            "what saetui, torch and the driver see",
            [[*SAETUI, "doctor"], [sys.executable, "-c", TORCH], ["nvidia-smi"]],
            dry=[[*SAETUI, "doctor"], [sys.executable, "-c", TORCH]],
        ),
        "methods": Part(
            "pursuit, training and streams give what a CPU gives",
            [[*PYTEST, "tests/pursuit", "tests/sae/training", "tests/lm/test_activation_stream.py"]],
            dry=[[*PYTEST, *dry_tests]],
        ),
        "jobs": Part(
            "every kind of job gives the rows of a CPU",
            [[*PYTEST, "-n", "4", "tests/jobs/kinds", "-k", "cuda or on_gpu"]],
            dry=[[*PYTEST, "tests/jobs/kinds/test_on_gpu.py", "-k", "wherever"]],
        ),
        "rates": Part(
            "raw rates, stages at the size of Gemma-2-2B, whether bits repeat",
            [bench("gpu")],
            dry=[bench("gpu", "--device", "cpu", "--small")],
        ),
        "waits": Part("waits, as torch itself reports them", [bench("waits", "--real")], dry=[bench("waits")]),
        "memory": Part(
            "passes that go on when memory runs out",
            [bench("gpu", "--memory")],
            dry=[[*PYTEST, "tests/lm/test_memory.py"]],
        ),
        "worker": Part(
            "a job by a worker of its own, and what it holds",
            [a_store, a_train_job, [*SAETUI, "jobs", "--store", str(work / "toy")], [*SAETUI, "doctor"]],
            dry=[a_store, [*a_train_job, "--device", "cpu"], [*SAETUI, "jobs", "--store", str(work / "toy")]],
        ),
        "demo": Part("the demo study, to compare with README's table", [demo(store, "cuda:0")], dry=[]),
    }


def run(name: str, part: Part, *, dry: bool, report: Path) -> bool:
    """Run the commands of a part and add what they print to the report; False where one failed or took too long."""
    commands = part.dry if dry and part.dry is not None else part.commands
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    if not dry:
        environment["SAETUI_TEST_GPU"] = "real"
    well, began = True, time.monotonic()
    with report.open("a", encoding="utf-8") as file:
        file.write(f"\n== {name}: {part.shows}\n")
        for command in commands:
            shown = " ".join(command).replace(sys.executable, "python")
            file.write(f"\n$ {shown}\n")
            file.flush()
            left = LIMIT_S - (time.monotonic() - began)
            code: int | str
            try:
                done = subprocess.run(
                    command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT, timeout=max(1, left),
                    check=False,
                )  # fmt: skip
                code = done.returncode
            except subprocess.TimeoutExpired:
                code = "cut off by the limit of time"
            except FileNotFoundError:
                code = "not installed"
            file.write(f"[{code}]\n")
            well &= code == 0
    took = time.monotonic() - began
    outcome = "not part of a dry run" if not commands else "well" if well else "FAILED"
    print(f"{name:<10} {outcome:<22} {took:6.0f} s  {part.shows}", flush=True)
    return well


def main() -> int:
    parser = argparse.ArgumentParser(description="Tests, benchmarks and the demo on cuda:0.")
    parser.add_argument("--part", action="append", help="only this part; can be given more than once")
    parser.add_argument("--list", action="store_true", help="name the parts")
    parser.add_argument("--dry-run", action="store_true", help="small sizes, on the CPU and a pretended GPU")
    parser.add_argument("--out", type=Path, default=Path("gpu_report.txt"), help="the report (gpu_report.txt)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="saetui-gpu-") as folder:
        known = parts(Path(folder))
        if options.list:
            print("\n".join(f"{name:<10} {part.shows}" for name, part in known.items()))
            return 0
        unknown = [name for name in options.part or () if name not in known]
        if unknown:
            parser.error(f"--part {unknown[0]}: the parts are {', '.join(known)}")
        report: Path = options.out.absolute()
        head = f"saetui on {platform.node()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d %H:%M')}"
        report.write_text(f"{head}{', a dry run' if options.dry_run else ''}\n", encoding="utf-8")
        chosen = {name: part for name, part in known.items() if not options.part or name in options.part}
        # Not all([...]) of a generator, which would stop at the first part that fails.
        ended = [run(name, part, dry=options.dry_run, report=report) for name, part in chosen.items()]
    print(f"The report is {report}")
    return 0 if all(ended) else 1


if __name__ == "__main__":
    sys.exit(main())
