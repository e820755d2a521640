from string import ascii_lowercase

import pytest
from transformers import PreTrainedTokenizerFast

from saetui.letters.vocabulary import Word, first_letter_words, is_word, words_of_surfaces, words_per_letter
from saetui.lm.surfaces import token_surfaces
from tests.lm.tokenizers_of_kinds import byte_level, sentencepiece, word_level, wordpiece


def words_of(tokenizer: PreTrainedTokenizerFast, *, leading_space: bool | None = None) -> list[Word]:
    return first_letter_words(tokenizer, token_surfaces(tokenizer, len(tokenizer)), leading_space=leading_space)


def test_keeps_ascii_words_and_repairs_the_leading_space() -> None:
    pieces = [" a", "b1", "", "▁Dog", " null", "é", " X"]
    kept = [word.surface for word in words_of(word_level(pieces, unknown="b1"))]
    assert kept == [" a", " Dog", " null", " X"]


@pytest.mark.parametrize(
    ("surface", "word"),
    [
        (" short", True),
        ("short", True),
        (" ", False),
        ("  two", False),
        ("##ing", False),
        ("can't", False),
        ("", False),
    ],
)
def test_a_word_is_one_optional_space_and_letters(surface: str, word: bool) -> None:
    assert is_word(surface) == word


def test_the_lowest_id_keeps_a_surface() -> None:
    assert words_of_surfaces([(9, " cat"), (4, " cat")]) == [Word(4, " cat", "c")]


@pytest.mark.parametrize("kind", ["prepend", "metaspace"])
def test_bytes_and_special_tokens_are_no_words_and_space_can_be_asked_for(kind: str) -> None:
    tokenizer = sentencepiece(kind, ("cat",))
    tokenizer.add_special_tokens({"eos_token": "stop"})
    ids = tokenizer.get_vocab()
    cat = [word for word in words_of(tokenizer) if word.surface.endswith("cat")]
    assert cat == [Word(ids["cat"], "cat", "c"), Word(ids["▁cat"], " cat", "c")]
    assert all(word.leading_space for word in words_of(tokenizer, leading_space=True))
    assert Word(ids["▁cat"], " cat", "c") not in words_of(tokenizer, leading_space=False)
    assert {word.token_id for word in words_of(tokenizer)}.isdisjoint([ids["<0x6A>"], ids["stop"]])
    assert [word.token_id for word in words_of(tokenizer) if word.surface == "j"] == [ids["j"]]


def test_a_vocabulary_is_read_the_same_with_a_decoder_and_without() -> None:
    assert words_of(byte_level()) == words_of(byte_level(decoder=False))
    assert {" short", "short", " A"} <= {word.surface for word in words_of(byte_level(decoder=False))}


def test_insides_of_words_are_no_words() -> None:
    words = words_of(wordpiece(["[UNK]", *ascii_lowercase, "cat", "##ing"]))
    assert [word.surface for word in words] == [*ascii_lowercase, "cat"]


def test_words_that_the_model_has_no_embedding_for_are_left_out() -> None:
    tokenizer = sentencepiece("prepend", ("cat", "dog"))
    size = tokenizer.get_vocab()["dog"]
    words = first_letter_words(tokenizer, token_surfaces(tokenizer, size))
    assert "cat" in {word.surface for word in words}
    assert max(word.token_id for word in words) < size


def test_label_is_the_lower_case_first_letter() -> None:
    (word,) = words_of_surfaces([(7, " Zebra")])
    assert (word.letter, word.letter_index) == ("z", 25)


def test_words_per_letter_counts_absent_letters_as_zero() -> None:
    counts = words_per_letter(words_of_surfaces([(1, " ax"), (2, " at"), (3, " be")]))
    assert (counts["a"], counts["b"], counts["z"], len(counts)) == (2, 1, 0, 26)
