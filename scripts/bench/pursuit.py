"""Gradient pursuit in tokens per second, beside the step as its authors run it: dense weights, three products a step.

Both take the same tokens and must end on the same atoms (variant "dark_matter"). "cold" pays for the products between
atoms, which are taken once for a dictionary; "warm" is a further pursuit of some of the tokens with these at hand.
"planted" signals are sums of atoms and noise; "gaussian" ones have nothing to do with the dictionary, the hardest case
for bounds. "saved" is the share of a plain pursuit's products, one for each token and step, that was not taken.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn.functional import normalize

from saetui.pursuit import Atoms, gradient_pursuit

NOISE = 0.3
T = TypeVar("T")


def dense_pursuit(signals: Tensor, dictionary: Tensor, steps: int) -> Tensor:
    """The authors' pursuit: every weight and every product at every step."""
    weights = torch.zeros(len(signals), len(dictionary))
    rows = torch.arange(len(signals))
    for _ in range(steps):
        residual = signals - weights @ dictionary
        products = residual @ dictionary.T
        member = weights != 0
        member[rows, products.argmax(dim=1)] = True
        gradient = products * member
        direction = gradient @ dictionary
        size = (direction * residual).sum(1) / direction.square().sum(1)
        weights = (weights + size[:, None] * gradient).clamp_(min=0)
    return weights


def make(kind: str, n: int, width: int, d: int, l0: int) -> tuple[Tensor, Tensor]:
    """Signals (n, d) and a dictionary of unit rows (width, d)."""
    generator = torch.Generator().manual_seed(0)
    dictionary = normalize(torch.randn(width, d, generator=generator), dim=1)
    noise = torch.randn(n, d, generator=generator)
    if kind == "gaussian":
        return noise, dictionary
    signals = torch.zeros(n, d)
    for _ in range(l0):
        atoms = torch.randint(width, (n,), generator=generator)
        signals += (torch.rand(n, 1, generator=generator) + 0.5) * dictionary[atoms]
    return signals + NOISE * signals.norm(dim=1).mean() * d**-0.5 * noise, dictionary


@dataclass(frozen=True)
class Row:
    """Tokens per second on one kind of signals, and on how many tokens both ended on the same atoms."""

    dense: float
    cold: float
    warm: float
    cold_saved: float
    warm_saved: float
    same: int
    compared: int


def measure(kind: str, args: argparse.Namespace) -> Row:
    """The dense pursuit runs before and after ours, so that other work on the machine slows both."""
    signals, dictionary = make(kind, args.tokens, args.width, args.d, args.l0)
    few, some = signals[: args.dense_tokens], signals[: args.tokens // 4]
    atoms = Atoms(dictionary)
    dense_before, weights = timed(lambda: dense_pursuit(few, dictionary, args.l0))
    seconds, cold = timed(lambda: gradient_pursuit(signals, atoms, args.l0, "dark_matter"))
    warm_seconds, warm = timed(lambda: gradient_pursuit(some, atoms, args.l0, "dark_matter"))
    dense_after, _ = timed(lambda: dense_pursuit(few, dictionary, args.l0))
    ours = cold.to_dense(args.width)[: len(few)]
    return Row(
        dense=2 * len(few) / (dense_before + dense_after),
        cold=len(signals) / seconds,
        warm=len(some) / warm_seconds,
        cold_saved=cold.work.saved,
        warm_saved=warm.work.saved,
        same=int(((ours > 0) == (weights > 0)).all(1).sum()),
        compared=len(few),
    )


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds that a call takes, and what it returns."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=["planted", "gaussian"], help="planted, gaussian")
    parser.add_argument("--d", type=int, default=512)
    parser.add_argument("--width", type=int, default=16384)
    parser.add_argument("--l0", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=16384)
    parser.add_argument("--dense-tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(
        f"d {args.d}, width {args.width:,}, L0 {args.l0}, {args.tokens:,} tokens, {args.threads} threads;"
        " tokens per second\n"
    )
    print(
        f"{'signals':<9} {'dense':>6}", *(f"{name:>7} {'ratio':>6} {'saved':>7}" for name in ("cold", "warm")), "same"
    )
    for kind in args.kinds:
        row = measure(kind, args)
        ours = ((row.cold, row.cold_saved), (row.warm, row.warm_saved))
        figures = (f"{rate:>7,.0f} {rate / row.dense:>6.1f} {saved:>7.1%}" for rate, saved in ours)
        print(f"{kind:<9} {row.dense:>6.1f}", *figures, f"{row.same} of {row.compared}", flush=True)


if __name__ == "__main__":
    main()
