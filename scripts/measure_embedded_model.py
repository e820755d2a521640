"""Measure the embedded model against what it is meant to show, and write the figures into its model card.

Usage: python scripts/measure_embedded_model.py [--model DIR] [--hook NAME]. Exits 1 where a figure misses its bound.
"""

import argparse
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.letters import (
    LetterProbes,
    encode_prompts,
    first_letter_prompts,
    first_letter_words,
    probe_metrics,
    read_words,
    split_words,
    train_probes,
    words_per_letter,
)
from saetui.letters.encoding import EncodedPrompts, answer_token_ids
from saetui.letters.readings import letter_indices
from saetui.lm import LanguageModel, load_model
from saetui.lm.stdlib_text import is_held_out, standard_library_documents

HOOK = "blocks.1.hook_resid_post"


@dataclass(frozen=True)
class Figure:
    """One measured number and the bound it must meet."""

    name: str
    value: float
    bound: str
    met: bool
    digits: int = 3

    def row(self) -> str:
        return f"| {self.name} | {self.value:,.{self.digits}f} | {self.bound} |"


def text_loss(model: LanguageModel, texts: list[str]) -> float:
    """Mean next-token loss in nats on consecutive windows of held-out text."""
    end = model.tokenizer.eos_token_id
    ids = [i for text in texts for i in [*model.tokenizer(text, add_special_tokens=False)["input_ids"], end]]
    length = model.context_length - 1
    rows = torch.tensor(ids[: len(ids) // length * length]).view(-1, length)
    bos = model.bos_token_id
    if bos is None:
        raise SystemExit(f"{model.name} has no beginning-of-text token")
    rows = torch.cat([torch.full((len(rows), 1), bos), rows], dim=1)
    total = 0.0
    for batch in torch.split(rows, 16):
        logits = model.logits(batch)[:, :-1]
        total += float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten(), reduction="sum"))
    return total / (len(rows) * length)


def accuracy_without(
    model: LanguageModel, groups: list[EncodedPrompts], hook: str, directions: Float[Tensor, "direction d"]
) -> float:
    """Share of words answered right when the span of ``directions`` is projected out at the word position alone."""
    basis = torch.linalg.qr(directions.T.double()).Q.float()
    answer_ids = answer_token_ids(model)
    right = total = 0
    for group in groups:

        def project(x: Tensor, position: int = group.word_position) -> Tensor:
            edited = x.clone()
            edited[:, position] -= (edited[:, position] @ basis) @ basis.T
            return edited

        for start in range(0, len(group.prompts), 32):
            tokens = group.tokens[start : start + 32]
            logits = model.logits_with(tokens, hook, project, last=1)[:, -1, answer_ids]
            letters = letter_indices([p.word for p in group.prompts[start : start + 32]])
            right += int((logits.argmax(1) == letters).sum())
            total += len(tokens)
    return right / total


def measure(model: LanguageModel, hook: str) -> list[Figure]:
    """All figures of the model card."""
    words = first_letter_words(model.tokenizer, model.token_surfaces)
    spaced = [word for word in words if word.leading_space]
    split = split_words(words)
    encoding = encode_prompts(model, first_letter_prompts(spaced, split.train))
    answers = read_words(model, encoding, [])
    train = read_words(model, encode_prompts(model, first_letter_prompts(split.train, split.train)), [hook])
    test = read_words(model, encode_prompts(model, first_letter_prompts(split.test, split.train)), [hook])
    x_test = test.at_word[hook]
    probes: LetterProbes = train_probes(train.at_word[hook], train.letters)
    predicted = probes.logits(x_test).argmax(1)
    probe_accuracy = float((predicted == test.letters).float().mean())
    f1 = [m.f1 for m in probe_metrics(probes, x_test, test.letters) if m.support >= 5]
    random = torch.randn(26, model.d_model, generator=torch.Generator().manual_seed(0))
    without_probes = accuracy_without(model, encoding.groups, hook, probes.directions)
    without_random = accuracy_without(model, encoding.groups, hook, random)
    loss = text_loss(model, [d.text for d in standard_library_documents() if is_held_out(d)])
    letters = sum(count >= 20 for count in words_per_letter(spaced).values())
    return [
        Figure("single-token words with a leading space", len(spaced), "at least 3,500", len(spaced) >= 3500, 0),
        Figure("letters with at least 20 of them", letters, "at least 22", letters >= 22, 0),
        Figure("letter accuracy on all of them", answers.accuracy, "at least 0.99", answers.accuracy >= 0.99),
        Figure("held-out text loss, nats per token", loss, "under 4.6", loss < 4.6),
        Figure(f"held-out probe accuracy at {hook}", probe_accuracy, "at least 0.95", probe_accuracy >= 0.95),
        Figure("mean held-out probe F1 over letters", sum(f1) / len(f1), "", True),
        Figure(
            "letter accuracy, 26 probe directions projected out there at the word alone",
            without_probes,
            "under 0.3",
            without_probes < 0.3,
        ),
        Figure("the same with 26 random directions", without_random, "", True),
    ]


CARD = """---
license: mit
library_name: transformers
pipeline_tag: text-generation
---
# The speller

A language model of {parameters:,} parameters that ships with saetui, so that every study can be tried on any machine
within minutes. It knows one thing well, the first letter of each word in its vocabulary, and some English.

**Made by** `scripts/train_embedded_model.py` in {steps} steps on two processor cores. **From** the English of Python's
own standard library (docstrings of all modules and the help topics; Python {python}), half of each batch, and
first-letter prompts (` short has the first letter: S`, one per line), the other half. One document in twenty was held
out, chosen by its name.

**Layout.** Qwen2, 4 layers, width 128, 4 heads, RoPE, byte-level BPE of 8,192 tokens, untied. The first two layers see
only their own token (`layer_types` sliding, sliding, full, full; `sliding_window` 1), so a word's letter is worked out
at the word itself and read from there by the later layers: what is removed at the word is gone. This also means that up
to `blocks.1.hook_resid_post` an activation depends on the token alone; from `blocks.2` on it depends on the context.

**Not for** anything but looking inside. It writes no sensible text.

## As measured
By `scripts/measure_embedded_model.py` with {torch}.

| figure | value | bound |
|---|---|---|
{rows}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path(__file__).parents[1] / "saetui" / "embedded")
    parser.add_argument("--hook", default=HOOK)
    parser.add_argument("--steps", type=int, default=1800, help="as it was trained, for the card")
    arguments = parser.parse_args()
    model = load_model(str(arguments.model))
    figures = measure(model, arguments.hook)
    rows = "\n".join(figure.row() for figure in figures)
    print(rows)
    parameters = sum(p.numel() for p in model.bridge.original_model.parameters())
    card = CARD.format(
        parameters=parameters,
        steps=f"{arguments.steps:,}",
        python=platform.python_version(),
        torch=f"PyTorch {torch.__version__}",
        rows=rows,
    )
    (arguments.model / "README.md").write_text(card, encoding="utf-8")
    missed = [figure.name for figure in figures if not figure.met]
    if missed:
        print("missed:", "; ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
