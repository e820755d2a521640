"""The model's activations at each word and at the end of its prompt, and its answers (2409.14507, first letters)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.letters.encoding import EncodedPrompts, Encoding, answer_token_ids
from saetui.letters.vocabulary import LETTERS, Word
from saetui.lm.memory import halving

if TYPE_CHECKING:
    from saetui.lm import LanguageModel

Progress = Callable[[int, int], None]


T = TypeVar("T")


def halving_prompts(
    model: LanguageModel, tokens: Int[Tensor, "prompt position"], size: int, work: Callable[[slice], T]
) -> Iterator[T]:
    """What ``work`` gives for one slice of prompts after another; fewer at once where memory runs out (ModelError)."""
    length, needs = tokens.shape[1], "a pass through the model needs more"
    return halving(model.device, len(tokens), size, work, thing="prompt", length=length, needs=needs)


def letter_indices(words: Sequence[Word]) -> Int[Tensor, " word"]:
    """0 for a … 25 for z."""
    return torch.tensor([word.letter_index for word in words], dtype=torch.long)


@dataclass(frozen=True)
class WordReadings:
    """One forward pass per word: its activations and the model's answer; on the CPU, float32, in model units."""

    words: list[Word]
    """In the order of the encoding's groups; all tensors have one row per word."""
    answer_logits: Float[Tensor, "word 26"]
    """Logits of " A" … " Z" at the last position."""
    at_word: dict[str, Float[Tensor, "word d"]]
    """By hook point: the activation at the word."""
    at_last: dict[str, Float[Tensor, "word d"]]
    """By hook point: the activation at the last position, to which the letter moves in later layers."""

    @property
    def letters(self) -> Int[Tensor, " word"]:
        return letter_indices(self.words)

    @property
    def margins(self) -> Float[Tensor, " word"]:
        """Logit of the right letter minus the mean of the 25 others."""
        return letter_margins(self.answer_logits, self.letters)

    @property
    def correct(self) -> Bool[Tensor, " word"]:
        """Whether the highest of the 26 logits is the right letter's."""
        return self.answer_logits.argmax(1) == self.letters

    @property
    def accuracy(self) -> float:
        return float(self.correct.float().mean())


def letter_margins(answer_logits: Float[Tensor, "word 26"], letters: Int[Tensor, " word"]) -> Float[Tensor, " word"]:
    """The metric of the study: the logit of the right letter minus the mean of the 25 others (2409.14507 §6)."""
    right = answer_logits.gather(1, letters[:, None])[:, 0]
    return right - (answer_logits.sum(1) - right) / (len(LETTERS) - 1)


def best_rivals(
    answer_logits: Float[Tensor, "word 26"], letters: Int[Tensor, " word"]
) -> tuple[Int[Tensor, " word"], Float[Tensor, " word"]]:
    """The best of the 25 other letters, 0 for A, and by how many logits the right one leads it; below 0 it is named."""
    right = answer_logits.gather(1, letters[:, None])[:, 0]
    best = answer_logits.scatter(1, letters[:, None], float("-inf")).max(1)
    return best.indices, right - best.values


def read_words(
    model: LanguageModel,
    encoding: Encoding,
    hook_names: Sequence[str],
    *,
    batch_size: int = 64,
    progress: Progress | None = None,
) -> WordReadings:
    """Read every prompt once. ``batch_size`` is in prompts; ``progress`` gets the words done and in all.

    Raises LettersError where an answer is not a single token, HookPointError for an unknown hook point.
    """
    answer_ids = answer_token_ids(model).to(model.device)
    words: list[Word] = []
    answers: list[Tensor] = []
    at_word: dict[str, list[Tensor]] = {name: [] for name in hook_names}
    at_last: dict[str, list[Tensor]] = {name: [] for name in hook_names}
    total = sum(len(group.prompts) for group in encoding.groups)
    for group in encoding.groups:

        def read(part: slice, group: EncodedPrompts = group) -> tuple[slice, Tensor, list[tuple[Tensor, Tensor]]]:
            logits, sites = model.logits_and_activations(group.tokens[part].to(model.device), hook_names, last=1)
            found = [sites[name] for name in hook_names]
            pairs = [(site[:, group.word_position].float().cpu(), site[:, -1].float().cpu()) for site in found]
            return part, logits[:, -1, answer_ids].float().cpu(), pairs

        for part, logits, pairs in halving_prompts(model, group.tokens, batch_size, read):
            answers.append(logits)
            for name, (word, last) in zip(hook_names, pairs, strict=True):
                at_word[name].append(word)
                at_last[name].append(last)
            words += [prompt.word for prompt in group.prompts[part]]
            if progress is not None:
                progress(len(words), total)
    return WordReadings(
        words,
        torch.cat(answers),
        {name: torch.cat(parts) for name, parts in at_word.items()},
        {name: torch.cat(parts) for name, parts in at_last.items()},
    )
