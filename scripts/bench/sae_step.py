"""Training tokens per second of a TopK SAE: ours beside the same step with dense latents in plain PyTorch autograd.

Both start from the same weights, see the same batches with the same loss (AuxK included), learning rate, clipping,
fused Adam and unit decoder rows, and take turns step by step, so that other work on the machine slows both.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from saetui.sae.trainees.topk_gradients import TopKTrainee
from saetui.sae.training.initialization import FirstTokens, random_unit_rows
from saetui.sae.training.learner import Learner
from saetui.sae.training.recipe import TopKRecipe
from tests.sae.dense import DenseTopK

WARM_UP = 2


def batches(d_in: int, batch: int, count: int) -> list[torch.Tensor]:
    """Sparse sums of random directions, and noise."""
    generator = torch.Generator().manual_seed(0)
    directions = random_unit_rows(4 * d_in, d_in, 1)
    made = []
    for _ in range(count):
        on = torch.rand(batch, 4 * d_in, generator=generator) < 20 / (4 * d_in)
        made.append(on.float() @ directions + 0.5 * torch.randn(batch, d_in, generator=generator) / d_in**0.5 + 0.1)
    return made


def timed(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def compare(d_in: int, width: int, k: int, batch: int, steps: int, dead: int) -> tuple[list[float], list[float], float]:
    """Seconds of our steps and of the dense ones, and the largest relative difference of their losses."""
    recipe = TopKRecipe(width=width, k=k, steps=1000, b_dec_init="mean", normalize="none", dead_tokens=1_000_000)
    data = batches(d_in, batch, steps)
    norm = float(data[0].square().sum(dim=1).mean()) ** 0.5
    data = [x / norm for x in data]
    learner = Learner(recipe, FirstTokens(data[0]), batch)
    assert isinstance(learner.trainee, TopKTrainee)
    ours = learner.trainee.parameters
    # Biased down until they never fire, and silent for long: the latents that AuxK is for.
    ours.b_enc[:dead] = -0.2
    learner._silent[:dead] = 1_000_000
    dense = DenseTopK(
        ours.W_enc.T.contiguous(),
        ours.W_dec.clone(),
        ours.b_enc.clone(),
        ours.b_dec.clone(),
        recipe,
        dead_after=1_000_000,
    )
    dense.silent.copy_(learner._silent)
    seconds: tuple[list[float], list[float]] = ([], [])
    losses: list[float] = []

    def our_step(x: torch.Tensor) -> None:
        with torch.no_grad():
            learner.learn(x, (x - x.mean(dim=0)).square().sum() / x.shape[0])
            learner.collect(learner.pending().tolist(), finite=True)

    def their_step(x: torch.Tensor) -> None:
        losses.append(dense.step(x))

    for x in data:
        seconds[0].append(timed(partial(our_step, x)))
        seconds[1].append(timed(partial(their_step, x)))
    apart = max(abs(row.loss / loss - 1) for row, loss in zip(learner.log, losses, strict=True))
    return seconds[0][WARM_UP:], seconds[1][WARM_UP:], apart


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--d-in", type=int, default=512)
    parser.add_argument("--width", type=int, default=8192)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(
        f"d_in {args.d_in}, width {args.width}, k {args.k}, batch {args.batch}, {args.threads} threads;"
        f" median of {args.steps} steps, taken in turn\n"
    )
    print(
        f"{'dead latents':>12} {'ours tok/s':>11} {'dense tok/s':>12} {'ratio':>6} {'of best':>8} {'losses differ':>14}"
    )
    for dead in (0, args.width // 8):
        ours, dense, apart = compare(args.d_in, args.width, args.k, args.batch, args.steps + WARM_UP, dead)
        fast, slow = statistics.median(ours), statistics.median(dense)
        print(
            f"{dead:>12,} {args.batch / fast:>11,.0f} {args.batch / slow:>12,.0f} {slow / fast:>6.2f}"
            f" {min(dense) / min(ours):>8.2f} {apart:>14.1e}"
        )


if __name__ == "__main__":
    main()
