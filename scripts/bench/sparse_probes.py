"""k-sparse probes of 26 letters: time and peak memory beside the straightforward dense way, and cost against width.

Words fire a letter latent or its twin (one in seven fires neither) and background latents of a Zipf distribution, L0 in
all. The dense way is the authors' steps as one would write them: an L1 probe on the dense (words × width) array with
autograd, then scikit-learn's regression for each letter and k; it takes as many steps of as many words as ours. Each
runs in a process of its own, which reports the peak of its memory above what it held before.
"""

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2]))

from saetui.letters import SparseLatents, SparseProbe, n_main, sparse_probes, train_probes
from saetui.letters.selection_probe import SELECTION

N_LETTERS, TWINS = 26, 2
MISSED = 0.15
TRAIN_SHARE = 0.8
KS = range(1, 16)


@dataclass(frozen=True)
class Words:
    """Latents and letters of words; the first four fifths train."""

    latents: SparseLatents
    letters: Tensor

    @property
    def train(self) -> Tensor:
        return torch.arange(len(self.letters)) < TRAIN_SHARE * len(self.letters)


def words(n: int, width: int, l0: int) -> Words:
    """Latents 0 … 25 are those of the letters, 26 … 51 their twins, the rest background."""
    generator = torch.Generator().manual_seed(0)
    letters = torch.randint(N_LETTERS, (n,), generator=generator)
    planted = N_LETTERS * TWINS
    frequency = 1 / (torch.arange(width - planted) + 20.0)
    background = planted + torch.multinomial(frequency, n * (l0 - 1), replacement=True, generator=generator)
    background = background.view(n, l0 - 1).sort(dim=1).values
    values = 0.2 + 3 * torch.rand(n, l0 - 1, generator=generator)
    values[:, 1:][background[:, 1:] == background[:, :-1]] = 0
    twin = N_LETTERS * (torch.rand(n, generator=generator) < 0.3)
    fires = torch.rand(n, generator=generator) >= MISSED
    own = fires * (1 + torch.rand(n, generator=generator))
    indices = torch.cat([(letters + twin)[:, None], background], dim=1)
    return Words(SparseLatents(indices, torch.cat([own[:, None], values], dim=1), width), letters)


def ours(given: Words) -> list[list[float]]:
    """F1 of each letter at each k."""
    train = given.train
    probes: dict[int, SparseProbe] = sparse_probes(
        given.latents.rows(train), given.letters[train], given.latents.rows(~train), given.letters[~train], KS
    )
    return [probe.f1 for probe in probes.values()]


def dense_way(given: Words) -> list[list[float]]:
    """The same from dense latents, with autograd and scikit-learn."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score

    latents = torch.zeros(len(given.letters), given.latents.width)
    latents.scatter_add_(1, given.latents.indices, given.latents.values)
    train = given.train
    probe = train_probes(latents[train], given.letters[train], SELECTION)
    found = []
    for letter in range(N_LETTERS):
        ranked = probe.weight[letter].topk(max(KS)).indices
        positive = (given.letters == letter).numpy()
        f1 = []
        for k in KS:
            columns = latents[:, ranked[:k]].numpy()
            regression = LogisticRegression(class_weight="balanced", max_iter=500)
            regression.fit(columns[train.numpy()], positive[train.numpy()])
            f1.append(float(f1_score(positive[~train.numpy()], regression.predict(columns[~train.numpy()]))))
        found.append(f1)
    return found


WAYS: dict[str, Callable[[Words], list[list[float]]]] = {"ours": ours, "dense": dense_way}


@dataclass(frozen=True)
class Measured:
    seconds: float
    megabytes: float
    """Peak above what the process held before."""
    mean_main: float
    mean_f1: float
    """Of the main latents."""


def measure_here(way: str, n: int, width: int, l0: int) -> Measured:
    """In this process, which should do nothing else: its peak of memory is set back first."""
    given = words(n, width, l0)
    # Libraries are loaded and threads started before the clock is.
    WAYS[way](words(400, 128, 8))
    Path("/proc/self/clear_refs").write_text("5")
    before = _memory("VmRSS")
    start = time.perf_counter()
    f1 = WAYS[way](given)
    seconds = time.perf_counter() - start
    main = [n_main(row) for row in f1]
    mean_f1 = sum(row[k - 1] for row, k in zip(f1, main, strict=True)) / len(f1)
    return Measured(seconds, _memory("VmHWM") - before, sum(main) / len(main), mean_f1)


def _memory(name: str) -> float:
    """A figure of /proc/self/status in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return math.nan


def measure(way: str, arguments: argparse.Namespace, width: int) -> Measured:
    """In a new process."""
    sizes = [str(size) for size in (arguments.words, width, arguments.l0, arguments.threads)]
    done = subprocess.run(
        [sys.executable, __file__, "--child", way, *sizes], capture_output=True, text=True, check=True
    )
    return Measured(*map(float, done.stdout.split()))


def exponent(widths: Sequence[int], costs: Sequence[float]) -> float:
    """Slope of log cost against log width, by least squares."""
    x, y = [math.log(width) for width in widths], [math.log(cost) for cost in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    above = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    return above / sum((a - mean_x) ** 2 for a in x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=5000)
    parser.add_argument("--width", type=int, default=16_384)
    parser.add_argument("--l0", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--child", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        way, *sizes = arguments.child
        n, width, l0, threads = map(int, sizes)
        torch.set_num_threads(threads)
        measured = measure_here(way, n, width, l0)
        print(measured.seconds, measured.megabytes, measured.mean_main, measured.mean_f1)
        return
    print(f"{arguments.words:,} words, L0 {arguments.l0}, k = 1 … {max(KS)}, {arguments.threads} threads\n")
    head = f"{'width':>8} {'way':>6} {'seconds':>8} {'peak MB':>8} {'main latents':>13} {'their F1':>9}"
    print(head)
    found = {way: measure(way, arguments, arguments.width) for way in WAYS}
    for way, row in found.items():
        _print(arguments.width, way, row)
    us, dense = found["ours"], found["dense"]
    print(f"\n{dense.seconds / us.seconds:.1f} times as fast, {dense.megabytes / us.megabytes:.1f} times less memory\n")
    print(head)
    widths = [1 << power for power in range(10, 18)]
    rows = []
    for width in widths:
        rows.append(measure("ours", arguments, width))
        _print(width, "ours", rows[-1])
    print(
        f"\ncost grows with width to the power of {exponent(widths, [row.seconds for row in rows]):.2f} in time,"
        f" {exponent(widths[-4:], [row.seconds for row in rows[-4:]]):.2f} over the last four;"
        f" {exponent(widths, [row.megabytes for row in rows]):.2f} in memory"
    )


def _print(width: int, way: str, row: Measured) -> None:
    print(
        f"{width:>8,} {way:>6} {row.seconds:>8.2f} {row.megabytes:>8.0f} {row.mean_main:>13.2f} {row.mean_f1:>9.3f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
