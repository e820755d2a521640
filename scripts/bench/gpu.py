"""What a GPU does per second: its raw rates, and stages of the studies at the sizes of Gemma-2-2B and a wide SAE.

"ratio" is against the named alternative on the same GPU, the same work, in the same run. ``--small --device cpu``
only shows that everything runs. ``--memory`` fills the GPU and shows that passes then go on with fewer contexts.
"""

import argparse
import logging
import time
from collections.abc import Callable

import torch
from torch import Tensor

from saetui.lm import load_model
from saetui.lm.memory import in_batches
from saetui.pursuit import Atoms, gradient_pursuit
from saetui.regression.statistics import Predictors
from saetui.sae.architectures.topk import TopKSAE
from saetui.sae.training.initialization import FirstTokens, random_unit_rows
from saetui.sae.training.learner import Learner
from saetui.sae.training.recipe import TopKRecipe
from scripts.bench.pursuit import dense_pursuit
from tests.sae.dense import DenseTopK

GIB = 1 << 30


def seconds(call: Callable[[], object], device: torch.device, repeats: int = 5) -> float:
    """The shortest time of some calls, after one to warm up."""
    call()
    best = float("inf")
    for _ in range(repeats):
        _wait(device)
        start = time.perf_counter()
        call()
        _wait(device)
        best = min(best, time.perf_counter() - start)
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def line(what: str, figure: str, beside: str = "") -> None:
    print(f"{what:<46} {figure:>18}  {beside}", flush=True)


def raw_rates(device: torch.device, size: int) -> None:
    """Products by number format, and copies."""
    for dtype, name in ((torch.float32, "float32"), (torch.bfloat16, "bfloat16"), (torch.float64, "float64")):
        a = torch.randn(size, size, device=device).to(dtype)
        took = seconds(lambda a=a: a @ a, device)  # type: ignore[misc]
        line(f"products of {name}", f"{2 * size**3 / took / 1e12:.2f} TFLOP/s")
    big = torch.zeros(size * size * 16, device=device)
    took = seconds(lambda: big.clone(), device)
    line("copies on the device, read and written", f"{2 * big.numel() * 4 / took / 1e12:.3f} TB/s")
    if device.type == "cuda":
        host = torch.zeros(size * size * 4)
        pinned = host.pin_memory()
        for name, source in (("ordinary", host), ("pinned", pinned)):
            took = seconds(lambda source=source: source.to(device, non_blocking=True), device)  # type: ignore[misc]
            line(f"copies from {name} memory", f"{source.numel() * 4 / took / 1e9:.1f} GB/s")


def training(device: torch.device, d: int, width: int, k: int, batch: int) -> None:
    """A TopK step with 1% of the latents dead, beside the same step by dense autograd."""
    x = torch.randn(batch, d, device=device)
    recipe = TopKRecipe(width=width, k=k, steps=1000, dead_tokens=1_000_000_000, seed=0)
    learner = Learner(recipe, FirstTokens(x), batch)
    variance = (x - x.mean(dim=0)).square().sum() / batch
    dead = max(1, width // 100)
    learner._silent[:dead] = 2_000_000_000

    def ours() -> None:
        with torch.no_grad():
            learner.learn(x, variance)

    took = seconds(ours, device)
    rows = random_unit_rows(width, d, 0).to(device)
    zeros = torch.zeros(width, device=device), torch.zeros(d, device=device)
    dense = DenseTopK(rows.T.contiguous(), rows.clone(), *zeros, recipe, dead_after=1_000_000_000)
    dense.silent = dense.silent.to(device)
    dense.silent[:dead] = 2_000_000_000
    theirs = seconds(lambda: dense.step(x), device)
    line("training step, TopK", f"{batch / took:,.0f} tokens/s", f"ratio {theirs / took:.2f} to dense autograd")


def encoding(device: torch.device, d: int, width: int, k: int, n: int) -> None:
    rows = random_unit_rows(width, d, 0).to(device)
    sae = TopKSAE(
        W_enc=rows.T.contiguous(), W_dec=rows, b_enc=torch.zeros(width, device=device),
        b_dec=torch.zeros(d, device=device), latents_kept=k,
    )  # fmt: skip
    x = torch.randn(n, d, device=device)

    def plain() -> Tensor:
        pre = x @ sae.W_enc + sae.b_enc
        values, indices = pre.topk(k)
        return torch.zeros_like(pre).scatter_(1, indices, values.relu()) @ sae.W_dec

    took = seconds(lambda: sae.decode_sparse(*sae.encode_sparse(x)), device)
    theirs = seconds(plain, device)
    line("encode and decode, TopK", f"{n / took:,.0f} tokens/s", f"ratio {theirs / took:.2f} to dense latents")


def pursuit(device: torch.device, d: int, width: int, l0: int, n: int) -> None:
    dictionary = random_unit_rows(width, d, 0).to(device)
    signals = torch.randn(n, d, generator=torch.Generator().manual_seed(1)).to(device)
    atoms = Atoms(dictionary)
    took = seconds(lambda: gradient_pursuit(signals, atoms, l0), device, repeats=2)
    few = signals[: max(8, n // 16)]

    def dense() -> Tensor:
        with torch.device(device):
            return dense_pursuit(few, dictionary, l0)

    theirs = seconds(dense, device, repeats=2)
    ratio = (n / took) / (len(few) / theirs)
    line(f"gradient pursuit, L0 {l0}", f"{n / took:,.0f} tokens/s", f"ratio {ratio:.1f} to the published dense step")


def statistics(device: torch.device, d: int, n: int) -> None:
    """The Gram matrix of the linear error, in float64."""
    x = torch.randn(n, d, device=device)
    predictors = Predictors()
    took = seconds(lambda: predictors.add(predictors.shifted(x)), device)
    rough = x.clone()
    theirs = seconds(lambda: rough.T @ rough, device)
    line("least squares, float64", f"{n / took:,.0f} tokens/s", f"{took / theirs:.1f} x the time of float32 products")


def repeats(device: torch.device, d: int, width: int) -> None:
    """Whether the same work gives the same bits."""
    x = torch.randn(512, d, generator=torch.Generator().manual_seed(0)).to(device)

    def trained() -> Tensor:
        learner = Learner(TopKRecipe(width=width, k=8, steps=30, dead_tokens=512, seed=0), FirstTokens(x), len(x))
        with torch.no_grad():
            for _ in range(30):
                learner.learn(x, x.square().sum() / len(x))
        return learner.trainee.W_dec

    dictionary = random_unit_rows(width, d, 0).to(device)
    same = {
        "training": torch.equal(trained(), trained()),
        "pursuit": torch.equal(
            gradient_pursuit(x, dictionary, 8).values, gradient_pursuit(x, Atoms(dictionary), 8).values
        ),
    }
    for what, equal in same.items():
        line(f"{what} twice", "the same bits" if equal else "OTHER BITS")


def out_of_memory(device: torch.device) -> None:
    """Logits where hardly anything is free: fewer contexts at once, and the same losses."""
    logging.basicConfig(format="%(message)s")
    model = load_model("embedded", device=str(device))
    tokens = torch.randint(10, 1000, (64, 128), generator=torch.Generator().manual_seed(0))

    def losses() -> Tensor:
        def read(part: slice) -> Tensor:
            return model.logits(tokens[part]).float().logsumexp(-1).sum(1).cpu()

        return torch.cat(list(in_batches(model, 128, len(tokens), 64, read)))

    with torch.no_grad():
        whole = losses()
        free, _ = torch.cuda.mem_get_info(device)
        needed = 64 * 128 * model.vocabulary_size * 8
        hog = torch.empty(max(0, free - needed // 4), dtype=torch.uint8, device=device)
        found = losses()
    apart = float((found - whole).abs().max())
    line("losses with a full GPU", f"off by {apart:.1e}", f"{hog.numel() / GIB:.1f} GiB taken by others")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda:0")
    parser.add_argument("--small", action="store_true", help="sizes that a laptop can do")
    parser.add_argument("--memory", action="store_true", help="only the part about memory that runs out")
    args = parser.parse_args()
    device = torch.device(args.device)
    torch.manual_seed(0)
    if args.memory:
        out_of_memory(device)
        return
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    d, width, k = (32, 512, 4) if args.small else (2304, 65536, 64)
    batch, n = (256, 64) if args.small else (4096, 2048)
    print(f"{name}, torch {torch.__version__}; d {d:,}, width {width:,}, k {k}, batches of {batch:,}\n")
    raw_rates(device, 256 if args.small else 8192)
    training(device, d, width, k, batch)
    encoding(device, d, width, k, batch)
    pursuit(device, d, width, 4 if args.small else 64, n)
    statistics(device, d, 16 * batch)
    repeats(device, 32, 256)


if __name__ == "__main__":
    main()
