"""What the model holds at each word, and what it answers (2409.14507, first-letter task)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.letters.encoding import Encoding, answer_token_ids
from saetui.letters.vocabulary import LETTERS, Word

if TYPE_CHECKING:
    from saetui.lm import LanguageModel

Progress = Callable[[int, int], None]


def letter_indices(words: list[Word]) -> Int[Tensor, " word"]:
    """0 for a … 25 for z."""
    return torch.tensor([word.letter_index for word in words])


def word_activations(
    model: LanguageModel,
    encoding: Encoding,
    hook_name: str,
    *,
    batch_size: int = 128,
    progress: Progress | None = None,
) -> tuple[list[Word], Float[Tensor, "word d"]]:
    """The words of an encoding and their activations at the word position, float32 in model units on the CPU."""
    words: list[Word] = []
    parts = []
    total = sum(len(group.prompts) for group in encoding.groups)
    for group in encoding.groups:
        for start in range(0, len(group.prompts), batch_size):
            tokens = group.tokens[start : start + batch_size].to(model.device)
            site = model.activations(tokens, hook_name)
            parts.append(site[:, group.word_position].float().cpu())
            words += [prompt.word for prompt in group.prompts[start : start + batch_size]]
            if progress is not None:
                progress(len(words), total)
    return words, torch.cat(parts)


@dataclass(frozen=True)
class Answers:
    """The model's own answers, one a word."""

    words: list[Word]
    logits: Float[Tensor, "word 26"]
    """Logits of " A" … " Z" at the last position."""

    @property
    def margins(self) -> Float[Tensor, " word"]:
        """Logit of the right letter minus the mean of the 25 others."""
        right = self.logits.gather(1, letter_indices(self.words)[:, None])[:, 0]
        return right - (self.logits.sum(1) - right) / (len(LETTERS) - 1)

    @property
    def correct(self) -> Bool[Tensor, " word"]:
        """Whether the highest of the 26 logits is the right letter's."""
        return self.logits.argmax(1) == letter_indices(self.words)

    @property
    def accuracy(self) -> float:
        return float(self.correct.float().mean())


def model_answers(
    model: LanguageModel, encoding: Encoding, *, batch_size: int = 32, progress: Progress | None = None
) -> Answers:
    """Ask the model for every word's first letter. Raises LettersError where an answer is not a single token."""
    answer_ids = answer_token_ids(model.tokenizer).to(model.device)
    words: list[Word] = []
    parts = []
    total = sum(len(group.prompts) for group in encoding.groups)
    for group in encoding.groups:
        for start in range(0, len(group.prompts), batch_size):
            logits = model.logits(group.tokens[start : start + batch_size].to(model.device), last=1)
            parts.append(logits[:, -1, answer_ids].float().cpu())
            words += [prompt.word for prompt in group.prompts[start : start + batch_size]]
            if progress is not None:
                progress(len(words), total)
    return Answers(words, torch.cat(parts))
