"""First-letter prompts as token ids, with the word's position found and verified (2409.14507, first-letter task)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from jaxtyping import Int
from torch import Tensor

from saetui.exceptions import SaetuiError
from saetui.letters.prompts import UNANSWERED, Prompt, answer_strings
from saetui.letters.vocabulary import Word


class LettersError(SaetuiError):
    """The first-letter task cannot be asked of this model; the message says why and what to do."""


class PromptTokenizer(Protocol):
    """The part of a Hugging Face tokenizer that prompts need."""

    def __call__(self, text: list[str], *, add_special_tokens: bool) -> Any: ...


class PromptModel(Protocol):
    """The part of a ``LanguageModel`` that prompts need."""

    @property
    def tokenizer(self) -> PromptTokenizer: ...
    @property
    def bos_token_id(self) -> int | None: ...
    @property
    def vocabulary_size(self) -> int: ...


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


def answer_token_ids(model: PromptModel) -> Int[Tensor, "26"]:
    """Token ids of " A" … " Z" where they answer a prompt: some tokenizers cut a text otherwise at its beginning.

    Raises LettersError where one of them is not a single token that the model knows: the behavioural metric is then
    undefined.
    """
    question = UNANSWERED.format(word="a")
    before, *answered = _encode(model.tokenizer, [question, *(question + answer for answer in answer_strings())])
    found = [_continuation(ids, before) for ids in answered]
    several = [
        text
        for text, ids in zip(answer_strings(), found, strict=True)
        if ids is None or len(ids) != 1 or ids[0] >= model.vocabulary_size
    ]
    if several:
        raise LettersError(
            f"the answers {', '.join(map(repr, several))} are not single tokens of this tokenizer, so the model's "
            "answer cannot be read from one logit; use a model whose vocabulary has them"
        )
    return torch.tensor([ids[0] for ids in found if ids])


def template_tokens(tokenizer: PromptTokenizer, prompts: Sequence[Prompt]) -> list[int]:
    """Token ids of the template after the word, " has the first letter:", as they stand at the end of prompts.

    Empty where the tokenizer joins the template with the word before it in every prompt.
    """
    template = UNANSWERED.format(word="")
    for prompt in prompts:
        before, whole = _encode(tokenizer, [prompt.text.removesuffix(template), prompt.text])
        if suffix := _continuation(whole, before):
            return suffix
    return []


def encode_prompts(model: PromptModel, prompts: Sequence[Prompt]) -> Encoding:
    """Token ids of every prompt, the beginning-of-text token first where the model has one.

    A prompt is kept where its word is one token at the place before the template, and the model has an embedding for
    each of its tokens; other words are listed. Raises LettersError where no prompt is left.
    """
    suffix = template_tokens(model.tokenizer, prompts)
    position = -len(suffix) - 1
    bos = [] if model.bos_token_id is None else [model.bos_token_id]
    by_length: dict[int, list[tuple[list[int], Prompt]]] = {}
    split_words = []
    encoded = _encode(model.tokenizer, [prompt.text for prompt in prompts])
    for prompt, ids in zip(prompts, encoded, strict=True):
        if suffix and ids[position:] == [prompt.word.token_id, *suffix] and max(ids) < model.vocabulary_size:
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


def _encode(tokenizer: PromptTokenizer, texts: list[str]) -> list[list[int]]:
    encoded: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
    return encoded


def _continuation(whole: list[int], before: list[int]) -> list[int] | None:
    """The tokens after ``before``; None where the text is not cut at that place."""
    return whole[len(before) :] if whole[: len(before)] == before else None
