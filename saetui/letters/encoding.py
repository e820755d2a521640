"""First-letter prompts as token ids, with the word's position found and verified (2409.14507, first-letter task)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from jaxtyping import Int
from torch import Tensor

from saetui.exceptions import SaetuiError
from saetui.letters.prompts import UNANSWERED, Prompt, answer_strings
from saetui.letters.vocabulary import Vocabulary, Word


class LettersError(SaetuiError):
    """The first-letter task cannot be asked of this model; the message says why and what to do."""


class PromptTokenizer(Vocabulary, Protocol):
    """The part of a Hugging Face tokenizer that prompts need."""

    @property
    def bos_token_id(self) -> int | None: ...
    def __call__(self, text: list[str], *, add_special_tokens: bool) -> dict[str, list[list[int]]]: ...


@dataclass(frozen=True)
class EncodedPrompts:
    """Prompts of one length as token ids."""

    tokens: Int[Tensor, "prompt position"]
    prompts: list[Prompt]
    word_position: int
    """Index of the word from the end, the same in every prompt (-6 where the template is five tokens)."""


@dataclass(frozen=True)
class Encoding:
    """All prompts, grouped by length, and the words that the tokenizer does not keep whole."""

    groups: list[EncodedPrompts]
    split_words: list[Word]


def answer_token_ids(tokenizer: PromptTokenizer) -> Int[Tensor, "26"]:
    """Token ids of " A" … " Z".

    Raises LettersError where one of them is not a single token: the behavioural metric is then undefined.
    """
    encoded = tokenizer(answer_strings(), add_special_tokens=False)["input_ids"]
    several = [text for text, ids in zip(answer_strings(), encoded, strict=True) if len(ids) != 1]
    if several:
        raise LettersError(
            f"the answers {', '.join(map(repr, several))} are not single tokens of this tokenizer, so the model's "
            "answer cannot be read from one logit; use a model whose vocabulary has them"
        )
    return torch.tensor([ids[0] for ids in encoded])


def template_tokens(tokenizer: PromptTokenizer) -> list[int]:
    """Token ids of the template after the word: " has the first letter:"."""
    return tokenizer([UNANSWERED.format(word="")], add_special_tokens=False)["input_ids"][0]


def encode_prompts(tokenizer: PromptTokenizer, prompts: Sequence[Prompt]) -> Encoding:
    """Token ids of every prompt, the beginning-of-text token first where the model has one.

    A prompt is kept where its word is one token at the place before the template; other words are listed.
    Raises LettersError where no prompt is left.
    """
    suffix = template_tokens(tokenizer)
    position = -len(suffix) - 1
    bos = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    by_length: dict[int, list[tuple[list[int], Prompt]]] = {}
    split_words = []
    encoded = tokenizer([prompt.text for prompt in prompts], add_special_tokens=False)["input_ids"]
    for prompt, ids in zip(prompts, encoded, strict=True):
        if ids[position:] == [prompt.word.token_id, *suffix]:
            by_length.setdefault(len(ids), []).append(([*bos, *ids], prompt))
        else:
            split_words.append(prompt.word)
    if not by_length:
        raise LettersError(
            f"none of {len(prompts)} words is one token before {UNANSWERED.format(word='')!r}; "
            "this tokenizer joins words with the template, so the task cannot be asked of it"
        )
    groups = [
        EncodedPrompts(torch.tensor([ids for ids, _ in rows]), [prompt for _, prompt in rows], position)
        for _, rows in sorted(by_length.items())
    ]
    return Encoding(groups, split_words)
