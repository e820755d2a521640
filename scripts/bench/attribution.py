"""Words per second of latent attribution: ours beside one prompt at a time, one step after the other, whole passes.

Both integrate gradients over the same steps on the same words, in turn, so that other work on the machine slows both.
The plain way is that of the paper's code: in each step the whole model runs, the SAE encodes and decodes the whole
prompt densely, and logits are those of the whole vocabulary. Effects, leading latents and verdicts are compared.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from saetui.letters import (
    LETTERS,
    WordEffects,
    answer_token_ids,
    encode_prompts,
    first_letter_prompts,
    first_letter_words,
    letter_margins,
    word_effects,
)
from saetui.letters.effects import Attribution
from saetui.lm import LanguageModel, load_model
from saetui.sae import SAE, load_sae
from saetui.sae.architectures.topk import TopKSAE
from saetui.sae.training.initialization import random_unit_rows

POSITION, STEPS = -6, 6
# A word is absorbed where the first effect leads the second by as many logits.
LEAD = 1.0
NAMES = ("ours", "ours, exact", "plain", "one pass alone", "one pass in a batch")


def random_sae(d_in: int, width: int, k: int) -> SAE:
    """Random directions: what a word costs does not depend on what they mean."""
    rows = random_unit_rows(width, d_in, 0)
    return TopKSAE(
        W_enc=rows.T.contiguous(),
        W_dec=rows,
        b_enc=torch.zeros(width),
        b_dec=torch.zeros(d_in),
        latents_kept=k,
    )


def own_words(model: LanguageModel, count: int) -> tuple[Tensor, Tensor]:
    """Token ids of prompts of one length, and the letters of their words."""
    words = first_letter_words(model.tokenizer, model.token_surfaces)
    words = words[:: max(1, len(words) // (2 * count))]
    group = max(encode_prompts(model, first_letter_prompts(words, words)).groups, key=lambda g: len(g.prompts))
    letters = torch.tensor([prompt.word.letter_index for prompt in group.prompts])
    return group.tokens[:count], letters[:count]


def reference_words(model: LanguageModel, folder: Path) -> tuple[Tensor, Tensor]:
    """The judged words of a reference folder; those of the most frequent length."""
    absorption = json.loads((folder / "expected.json").read_text())["absorption"]
    cases = [(case["prompt"], LETTERS.index(letter)) for letter in absorption for case in absorption[letter]["cases"]]
    ids = model.tokenizer([prompt for prompt, _ in cases], add_special_tokens=False)["input_ids"]
    length = statistics.mode(map(len, ids))
    rows = [[model.bos_token_id, *row] for row in ids if len(row) == length]
    return torch.tensor(rows), torch.tensor([n for row, (_, n) in zip(ids, cases, strict=True) if len(row) == length])


def plain_effects(model: LanguageModel, sae: SAE, hook_name: str, tokens: Tensor, letter: Tensor) -> Tensor:
    """Effects of all latents (d_sae,) on one prompt (1, t)."""
    answers = answer_token_ids(model)
    total = torch.zeros(sae.d_sae)
    for step in range(STEPS):
        scale = torch.ones(tokens.shape[1], 1)
        scale[POSITION] = 1 - step / STEPS
        read: list[Tensor] = []

        def insert(site: Tensor, scale: Tensor = scale, read: list[Tensor] = read) -> Tensor:
            latents = sae.encode(site)
            error = site - sae.decode(latents)
            read += [latents, (scale * latents).requires_grad_()]
            return sae.decode(read[1]) + scale * error

        logits = model.logits_with(tokens, hook_name, insert)[:, -1, answers]
        (gradient,) = torch.autograd.grad(letter_margins(logits, letter).sum(), read[1])
        total -= (read[0] * gradient)[0, POSITION] / STEPS
    return total


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def absorbed(effects: Tensor) -> bool:
    """Whether one latent's effect leads; effects of all latents."""
    first, second = effects.topk(2, largest=False).values.tolist()
    return bool(first < 0 and -first - max(0.0, -second) >= LEAD)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="embedded", help="a name or folder; the model that ships with saetui")
    parser.add_argument("--sae", type=Path, help="an SAE's folder; without it one of random directions")
    parser.add_argument(
        "--reference", type=Path, help="a folder with model/, sae/ and expected.json, used for all three"
    )
    parser.add_argument("--hook-name", default="blocks.1.hook_resid_post", help="where the SAE does not say")
    parser.add_argument("--width", type=int, default=2048)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--words", type=int, default=400)
    parser.add_argument("--plain-words", type=int, default=8, help="words that the plain way gets in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = load_model(args.reference / "model" if args.reference else args.model)
    folder = args.reference / "sae" if args.reference else args.sae
    sae = load_sae(folder) if folder else random_sae(model.d_model, args.width, args.k)
    hook_name = sae.hook_name or args.hook_name
    tokens, letters = reference_words(model, args.reference) if args.reference else own_words(model, args.words)
    print(
        f"{model.name}, {hook_name}, {sae}\n{len(tokens)} words in prompts of {tokens.shape[1]} tokens, {STEPS} steps,"
        f" {args.threads} threads; median of {args.rounds} rounds, taken in turn\n"
    )

    def ours(count: int = len(tokens), attribution: Attribution = "ig") -> WordEffects:
        return word_effects(
            model,
            sae,
            hook_name,
            tokens[:count],
            letters[:count],
            steps=STEPS,
            attribution=attribution,
            batch_size=args.batch_size,
        )

    plain: list[Tensor] = []

    def plainly(rows: list[tuple[Tensor, Tensor]]) -> None:
        plain.extend(plain_effects(model, sae, hook_name, *row) for row in rows)

    def pass_alone(rows: list[tuple[Tensor, Tensor]]) -> None:
        for row, _ in rows:
            model.logits(row)

    # The first call also compares the fast way with whole passes.
    first = timed(lambda: ours(4))
    sparse = ours()
    seconds: dict[str, list[float]] = {name: [] for name in NAMES}
    for round_ in range(args.rounds):
        chosen = [(round_ * args.plain_words + i) % len(tokens) for i in range(args.plain_words)]
        rows = [(tokens[i : i + 1], letters[i : i + 1]) for i in chosen]
        seconds["ours"].append(timed(ours) / len(tokens))
        seconds["ours, exact"].append(timed(lambda: ours(attribution="exact")) / len(tokens))
        seconds["plain"].append(timed(partial(plainly, rows)) / len(rows))
        seconds["one pass alone"].append(timed(partial(pass_alone, rows)) / len(rows))
        batch = tokens[: 2 * args.plain_words]
        seconds["one pass in a batch"].append(timed(partial(model.logits, batch, last=1)) / len(batch))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    print(f"{'':<22}{'words/s':>9}{'ms/word':>10}{'against ours':>14}")
    for name, value in median.items():
        ratio = "" if name == "ours" else f"{value / median['ours']:.1f}x"
        print(f"{name:<22}{1 / value:>9.1f}{value * 1000:>10.2f}{ratio:>14}")
    effects = torch.zeros(len(tokens), sae.d_sae).scatter_add(1, sparse.indices, sparse.effects)
    same = torch.stack([effects[i % len(tokens)] for i in range(len(plain))])
    reference = torch.stack(plain)
    apart = float((same - reference).abs().max() / reference.abs().max())
    leading = sum(int(a.argmin()) == int(b.argmin()) for a, b in zip(same, reference, strict=True))
    verdicts = sum(absorbed(a) == absorbed(b) for a, b in zip(same, reference, strict=True))
    print(
        f"\nof {len(plain)} words: largest difference of effects {apart:.1e} of the largest effect,"
        f" {leading} leading latents the same, {verdicts} verdicts the same; first call {first:.1f} s"
    )


if __name__ == "__main__":
    main()
