"""Tokens per second of the error statistics: several SAEs at once beside one pass for each, and that the figures agree.

A pass reads the text through the model, runs the SAEs and decomposes their errors. Only the SAEs' own part grows with
their number; reading and the activations' Gram matrix are shared. The second line leaves model and SAEs out:
activations and reconstructions are at hand, and only the statistics are counted. The two ways take turns, so that other
work on the machine slows both.
"""

import argparse
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))

from saetui.dark_matter import (
    Decomposition,
    ErrorBatch,
    ErrorsWarning,
    Reconstructions,
    decompose_errors,
    split_contexts,
)
from saetui.lm import LanguageModel, TokenizedCorpus, load_corpus, load_model, tokenize
from saetui.sae import SAE
from saetui.sae.architectures.topk import TopKSAE
from saetui.sae.training.initialization import random_unit_rows


def random_saes(widths: list[int], k: int, x: torch.Tensor, hook_name: str) -> dict[str, SAE]:
    """Untrained SAEs: their figures are bad, their speed is that of trained ones."""
    saes: dict[str, SAE] = {}
    for i, width in enumerate(widths):
        decoder = random_unit_rows(width, x.shape[1], i)
        saes[f"w{width} {i}"] = TopKSAE(
            W_enc=decoder.T.contiguous(),
            W_dec=decoder,
            b_enc=torch.zeros(width),
            b_dec=x.mean(dim=0),
            latents_kept=k,
            metadata={"hook_name": hook_name},
        )
    return saes


def timed(run: Callable[[], list[Decomposition]]) -> tuple[float, list[Decomposition]]:
    start = time.perf_counter()
    studies = run()
    return time.perf_counter() - start, studies


def largest_difference(together: Decomposition, passes: list[Decomposition]) -> float:
    """Of all figures and their intervals."""
    worst = 0.0
    for one in passes:
        for name, fit in one.fits.items():
            for figure, estimate in fit.estimates.items():
                other = together.fits[name].estimates[figure]
                pairs = ((estimate.value, other.value), (estimate.low, other.low), (estimate.high, other.high))
                worst = max(worst, *(abs(a - b) for a, b in pairs if a is not None and b is not None))
    return worst


class Kept:
    """Batches that were read before, with some of their SAEs."""

    def __init__(self, batches: dict[tuple[int, ...], list[ErrorBatch]], names: list[str]) -> None:
        self._batches, self._names = batches, names

    def __call__(self, contexts: torch.Tensor) -> Iterable[ErrorBatch]:
        for batch in self._batches[tuple(contexts.tolist())]:
            yield ErrorBatch(
                batch.activations,
                {name: batch.reconstructions[name] for name in self._names},
                batch.context,
                batch.position,
            )


def compare(model: LanguageModel, corpus: TokenizedCorpus, saes: dict[str, SAE], rounds: int) -> None:
    split = split_contexts(corpus.n_contexts)

    def from_text(names: list[str]) -> Decomposition:
        return decompose_errors(Reconstructions(model, corpus, {name: saes[name] for name in names}), split)

    read = Reconstructions(model, corpus, saes)
    batches = {tuple(side.tolist()): list(read(side)) for side in (split.train, split.test)}

    def from_memory(names: list[str]) -> Decomposition:
        return decompose_errors(Kept(batches, names), split)

    names = list(saes)
    print(f"{'':>18} {'at once tok/s':>14} {'passes tok/s':>13} {'ratio':>6} {'figures differ':>15}")
    for title, study in (("text to figures", from_text), ("statistics alone", from_memory)):
        together, apart, worst = [], [], 0.0
        study(names[:1])  # What is slow only once is not counted.
        for _ in range(rounds):
            seconds, (all_at_once,) = timed(lambda: [study(names)])  # noqa: B023 - called at once
            together.append(seconds)
            seconds, one_by_one = timed(lambda: [study([name]) for name in names])  # noqa: B023
            apart.append(seconds)
            worst = max(worst, largest_difference(all_at_once, one_by_one))
        fast, slow = statistics.median(together), statistics.median(apart)
        n = corpus.n_tokens
        print(f"{title:>18} {n / fast:>14,.0f} {n / slow:>13,.0f} {slow / fast:>6.2f} {worst:>15.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--hook-name", default="blocks.1.hook_resid_post")
    parser.add_argument("--text", help="a text file; default: the English of Python's standard library")
    parser.add_argument("--widths", type=int, nargs="+", default=[512, 512, 1024, 1024, 2048, 2048])
    parser.add_argument("--k", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    warnings.simplefilter("ignore", ErrorsWarning)
    model = load_model(args.model)
    corpus = tokenize(load_corpus(args.text or "stdlib"), model, max_tokens=args.tokens)
    x = model.activations(corpus.token_ids[:8], args.hook_name).flatten(0, 1)
    saes = random_saes(args.widths, args.k, x, args.hook_name)
    print(
        f"{model.name}, {args.hook_name}, d {x.shape[1]}, {corpus.n_tokens:,} tokens, {len(saes)} SAEs of widths"
        f" {', '.join(map(str, args.widths))}, k {args.k}, {args.threads} threads; median of {args.rounds} rounds\n"
    )
    compare(model, corpus, saes, args.rounds)


if __name__ == "__main__":
    main()
