from dataclasses import dataclass
from random import Random
from string import ascii_uppercase

import pytest

from saetui.letters.encoding import LettersError, PromptTokenizer, answer_token_ids, encode_prompts, template_tokens
from saetui.letters.prompts import draw_examples, first_letter_prompt, first_letter_prompts
from saetui.letters.vocabulary import Word, first_letter_words
from saetui.lm.surfaces import token_surfaces
from tests.lm.tokenizers_of_kinds import sentencepiece

SHORT = Word(5, " short", "s")
POOL = [Word(i, surface, surface.strip()[0]) for i, surface in enumerate([" apple", " bear", " cat", " dog"])]
TEMPLATE = [100, 101, 102, 103, 104]


class Tokenizer:
    """Words of POOL are their ids, the template is five tokens, and " split" is two."""

    def __init__(self, answers: int = 1) -> None:
        self.answers = answers

    def __call__(self, text: list[str], *, add_special_tokens: bool) -> dict[str, list[list[int]]]:
        assert not add_special_tokens
        return {"input_ids": [self.encode(t) for t in text]}

    def encode(self, text: str) -> list[int]:
        ids = []
        for line in text.split("\n"):
            word, template, answer = line.partition(" has the first letter:")
            known = {w.surface: [w.token_id] for w in [*POOL, SHORT]} | {"": []}
            ids += [*known.get(word, [55, 56]), *(TEMPLATE if template else [])]
            ids += [200 + ord(answer[1])] * self.answers if answer else []
        return ids


@dataclass(frozen=True)
class Model:
    tokenizer: PromptTokenizer
    bos_token_id: int | None = 9
    vocabulary_size: int = 300


MODEL = Model(Tokenizer())
WORDS = ("short", "cat", "dog", "bear", "apple", "ant", "bat")


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
    encoding = encode_prompts(MODEL, first_letter_prompts([SHORT], POOL, examples=2))
    (group,) = encoding.groups
    assert group.word_position == -6
    assert group.tokens[0, 0] == 9
    assert group.tokens[0, group.word_position] == SHORT.token_id


def test_a_word_of_several_tokens_is_listed_and_left_out() -> None:
    several = Word(7, " split", "s")
    encoding = encode_prompts(MODEL, first_letter_prompts([SHORT, several], POOL, examples=2))
    assert encoding.split_words == [several]
    assert [p.word for group in encoding.groups for p in group.prompts] == [SHORT]


def test_only_split_words_is_an_error() -> None:
    with pytest.raises(LettersError, match="none of 1 words is one token"):
        encode_prompts(MODEL, first_letter_prompts([Word(7, " split", "s")], POOL, examples=2))


def test_answers_of_several_tokens_are_refused() -> None:
    assert answer_token_ids(MODEL).tolist() == [200 + ord(c) for c in ascii_uppercase]
    with pytest.raises(LettersError, match="' A', ' B'"):
        answer_token_ids(Model(Tokenizer(answers=2)))


def test_answers_that_the_model_does_not_know_are_refused() -> None:
    with pytest.raises(LettersError, match="answers ' Y', ' Z' are not"):
        answer_token_ids(Model(Tokenizer(), vocabulary_size=200 + ord("Y")))


def test_prompts_with_tokens_that_the_model_does_not_know_are_listed() -> None:
    """A word's example lines end in "A", which is token 265, or in "B", which is token 266."""
    prompts = [first_letter_prompt(SHORT, [POOL[0]]), first_letter_prompt(POOL[2], [POOL[1]])]
    assert encode_prompts(Model(Tokenizer(), vocabulary_size=267), prompts).split_words == []
    assert encode_prompts(Model(Tokenizer(), vocabulary_size=266), prompts).split_words == [POOL[2]]


@pytest.mark.parametrize("kind", ["prepend", "metaspace"])
def test_a_tokenizer_that_begins_every_text_with_a_space_can_be_asked(kind: str) -> None:
    """Alone, " has" and " A" would be cut into "▁▁" and "has", and "▁▁" and "A"."""
    tokenizer = sentencepiece(kind, WORDS)
    model = Model(tokenizer, bos_token_id=tokenizer.bos_token_id, vocabulary_size=len(tokenizer))
    ids = tokenizer.get_vocab()
    assert answer_token_ids(model).tolist() == [ids[f"▁{letter}"] for letter in ascii_uppercase]
    words = [w for w in first_letter_words(tokenizer, token_surfaces(tokenizer, len(tokenizer))) if len(w.surface) > 2]
    whole = [word for word in words if word.surface.strip() in WORDS]
    assert {word.surface for word in whole} == {f"{space}{word}" for word in WORDS for space in ("", " ")}
    prompts = first_letter_prompts(whole, whole, examples=3)
    assert template_tokens(tokenizer, prompts) == [ids[piece] for piece in ("▁has", "▁the", "▁first", "▁letter", ":")]
    encoding = encode_prompts(model, prompts)
    assert encoding.split_words == []
    for group in encoding.groups:
        assert group.word_position == -6
        assert group.tokens[:, 0].eq(ids["<s>"]).all()
        assert group.tokens[:, -6].tolist() == [prompt.word.token_id for prompt in group.prompts]
