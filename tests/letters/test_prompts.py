from random import Random
from typing import ClassVar

import pytest

from saetui.letters.encoding import LettersError, answer_token_ids, encode_prompts
from saetui.letters.prompts import draw_examples, first_letter_prompt, first_letter_prompts
from saetui.letters.vocabulary import Word

SHORT = Word(5, " short", "s")
POOL = [Word(i, surface, surface.strip()[0]) for i, surface in enumerate([" apple", " bear", " cat", " dog"])]
TEMPLATE = [100, 101, 102, 103, 104]


class Tokenizer:
    """Words of POOL are their ids, the template is five tokens, and " split" is two."""

    all_special_ids: ClassVar = [9]
    bos_token_id: int | None = 9

    def __init__(self, answers: int = 1) -> None:
        self.answers = answers

    def get_vocab(self) -> dict[str, int]:
        return {}

    def __call__(self, text: list[str], *, add_special_tokens: bool) -> dict[str, list[list[int]]]:
        assert not add_special_tokens
        return {"input_ids": [self.encode(t) for t in text]}

    def encode(self, text: str) -> list[int]:
        if len(text) == 2:
            return [200 + ord(text[1])] * self.answers
        ids = []
        for line in text.split("\n"):
            word = line.split(" has")[0]
            known = {w.surface: [w.token_id] for w in [*POOL, SHORT]} | {"": []}
            ids += [*known.get(word, [55, 56]), *TEMPLATE, *([300, 301] if not line.endswith(":") else [])]
        return ids


def test_prompt_reads_as_in_the_paper() -> None:
    prompt = first_letter_prompt(SHORT, POOL[:2])
    assert prompt.text == (
        " apple has the first letter: A\n bear has the first letter: B\n short has the first letter:"
    )


def test_examples_never_contain_the_word() -> None:
    for seed in range(50):
        assert POOL[0] not in draw_examples(POOL[0], POOL, 3, Random(seed))


def test_too_small_a_pool_is_refused() -> None:
    with pytest.raises(ValueError, match="4 example words are needed beside ' apple'"):
        draw_examples(POOL[0], POOL, 4, Random(0))


def test_prompts_are_the_same_for_the_same_seed() -> None:
    first, again, other = (first_letter_prompts(POOL, POOL, examples=2, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_the_word_is_found_before_the_template() -> None:
    encoding = encode_prompts(Tokenizer(), first_letter_prompts([SHORT], POOL, examples=2))
    (group,) = encoding.groups
    assert group.word_position == -6
    assert group.tokens[0, 0] == 9
    assert group.tokens[0, group.word_position] == SHORT.token_id


def test_a_word_of_several_tokens_is_listed_and_left_out() -> None:
    several = Word(7, " split", "s")
    encoding = encode_prompts(Tokenizer(), first_letter_prompts([SHORT, several], POOL, examples=2))
    assert encoding.split_words == [several]
    assert [p.word for group in encoding.groups for p in group.prompts] == [SHORT]


def test_only_split_words_is_an_error() -> None:
    with pytest.raises(LettersError, match="none of 1 words is one token"):
        encode_prompts(Tokenizer(), first_letter_prompts([Word(7, " split", "s")], POOL, examples=2))


def test_answers_of_several_tokens_are_refused() -> None:
    assert answer_token_ids(Tokenizer()).tolist() == [200 + ord(c) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
    with pytest.raises(LettersError, match="' A', ' B'"):
        answer_token_ids(Tokenizer(answers=2))
