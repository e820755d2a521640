"""How often the program waits for the GPU, by stage, counted on a pretended one; no time is taken and no GPU is needed.

A wait is a place where Python needs a result that the GPU has not computed yet: the queue of work runs dry, and the
GPU stands idle until Python has sent more. "operators" are the kernels, roughly, that a stage sends. "unordered" are
sums of floats by several threads, whose last digits differ between runs. Needs a development environment (tests/).
"""

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from saetui.pursuit import Atoms, gradient_pursuit, orthogonal_matching_pursuit
from saetui.sae import TrainingRecipe, train_saes
from saetui.sae.architectures.topk import TopKSAE
from saetui.sae.evaluation import evaluate
from tests.pretended_cuda import Machine
from tests.pretended_cuda.waits import Waits

GPU = "cuda:0"


@dataclass(frozen=True)
class Stage:
    """Runs on a machine; ``units`` of ``unit`` are done in all."""

    unit: str
    run: Callable[[Machine], int]


def train(machine: Machine, steps: int = 60, n_saes: int = 3, architecture: str = "topk") -> int:
    """SAEs on one stream, with dead latents from the first steps on."""
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randn(256, 32, generator=generator).to(GPU) for _ in range(steps + 1)]
    recipes = [
        TrainingRecipe(
            architecture=architecture, width=256, k=4 if architecture == "topk" else None, steps=steps, seed=seed,
            dead_tokens=512, auxk=8 if architecture == "topk" else 0,
        )
        for seed in range(n_saes)
    ]  # fmt: skip
    machine.waits.clear()
    train_saes(batches, recipes, device=GPU)
    return steps


def pursue(machine: Machine, orthogonal: bool) -> int:
    """One batch of tokens, from the first step to the last."""
    generator = torch.Generator().manual_seed(0)
    signals = torch.randn(1024, 64, generator=generator).to(GPU)
    dictionary = torch.nn.functional.normalize(torch.randn(2048, 64, generator=generator), dim=1).to(GPU)
    atoms = Atoms(dictionary)
    machine.waits.clear()
    steps = 16
    (orthogonal_matching_pursuit if orthogonal else gradient_pursuit)(signals, atoms, steps)
    return steps


def sae(width: int) -> TopKSAE:
    generator = torch.Generator().manual_seed(0)
    decoder = torch.nn.functional.normalize(torch.randn(width, 64, generator=generator), dim=1)
    return TopKSAE(
        W_enc=decoder.T.contiguous().to(GPU), W_dec=decoder.to(GPU), b_enc=torch.zeros(width).to(GPU),
        b_dec=torch.zeros(64).to(GPU), latents_kept=32,
    )  # fmt: skip


def encode(machine: Machine, width: int) -> int:
    """Sparse codes of 1,024 tokens."""
    coder = sae(width)
    x = torch.randn(1024, 64, generator=torch.Generator().manual_seed(1)).to(GPU)
    machine.waits.clear()
    coder.encode_sparse(x)
    return 1


def measure(machine: Machine) -> int:
    """L0, FVU and dead latents of three SAEs on eight batches."""
    saes = [sae(2048) for _ in range(3)]
    batches = [torch.randn(1024, 64).to(GPU) for _ in range(8)]
    machine.waits.clear()
    evaluate(saes, batches)
    return 8


STAGES = {
    "training, 3 TopK SAEs": Stage("step", lambda machine: train(machine)),
    "training, 1 TopK SAE": Stage("step", lambda machine: train(machine, n_saes=1)),
    "training, 3 ReLU SAEs": Stage("step", lambda machine: train(machine, architecture="standard")),
    "gradient pursuit": Stage("step", lambda machine: pursue(machine, orthogonal=False)),
    "orthogonal pursuit": Stage("step", lambda machine: pursue(machine, orthogonal=True)),
    "encoding, width 65,536": Stage("1,024 tokens", lambda machine: encode(machine, 65536)),
    "evaluation, 3 SAEs": Stage("1,024 tokens", lambda machine: measure(machine)),
}


@dataclass
class ReportedWaits(Waits):
    """Waits that torch has warned of since the last ``clear``."""

    caught: list[warnings.WarningMessage] = field(default_factory=list)

    def clear(self) -> None:
        self.caught.clear()

    @property
    def n_waits(self) -> int:
        return sum("synchronizing CUDA operation" in str(warning.message) for warning in self.caught)


def on_real_gpu(only: str) -> None:
    print(f"{'stage':<26} {'waits':>8}  per, on {torch.cuda.get_device_name(0)}")
    for name, stage in STAGES.items():
        if only not in name:
            continue
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            counter = Machine()
            counter.waits = waits = ReportedWaits(caught=caught)
            units = stage.run(counter)
            torch.cuda.set_sync_debug_mode("default")
        print(f"{name:<26} {waits.n_waits / units:>8.2f}  {stage.unit}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--where", action="store_true", help="name the lines that wait")
    parser.add_argument("--only", default="", help="stages whose name contains this")
    parser.add_argument("--real", action="store_true", help="on cuda:0, by what torch reports; only waits are counted")
    args = parser.parse_args()
    if args.real:
        on_real_gpu(args.only)
        return
    print(f"{'stage':<26} {'waits':>8} {'operators':>10} {'unordered':>10}  per")
    for name, stage in STAGES.items():
        if args.only not in name:
            continue
        machine = Machine()
        with machine.on():
            units = stage.run(machine)
        waits = machine.waits
        counts = ((waits.n_waits, ">8.2f"), (waits.operators, ">10.1f"), (waits.unordered.total(), ">10.1f"))
        print(f"{name:<26}", *(format(count / units, shape) for count, shape in counts), f" {stage.unit}", flush=True)
        if args.where:
            print(waits.report())


if __name__ == "__main__":
    main()
