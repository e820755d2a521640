from typing import ClassVar

import pytest

from saetui.letters.vocabulary import Word, first_letter_words, word_surface, words_of_pieces, words_per_letter


class Tokenizer:
    all_special_ids: ClassVar = [0]

    def get_vocab(self) -> dict[str, int]:
        return {"<bos>": 0, "a": 1, "▁a": 2, "ing": 3, "<0x6A>": 4, "##ing": 5, "▁": 6}


def test_keeps_ascii_words_and_repairs_the_leading_space() -> None:
    pieces = [" a", "b1", "", "▁Dog", " null", "é", " X"]
    kept = [word.surface for word in words_of_pieces(list(enumerate(pieces)))]
    assert kept == [" a", " Dog", " null", " X"]


@pytest.mark.parametrize(
    ("piece", "surface"),
    [("Ġshort", " short"), ("short", "short"), ("Ġ", None), ("ĠĠtwo", None), ("##ing", None), ("can't", None)],
)
def test_surface_of_a_raw_piece(piece: str, surface: str | None) -> None:
    assert word_surface(piece) == surface


def test_the_lowest_id_keeps_a_surface() -> None:
    assert words_of_pieces([(9, "▁cat"), (4, "Ġcat")]) == [Word(4, " cat", "c")]


def test_special_tokens_are_no_words_and_space_can_be_asked_for() -> None:
    tokenizer = Tokenizer()
    assert [w.surface for w in first_letter_words(tokenizer)] == ["a", " a", "ing"]
    assert [w.surface for w in first_letter_words(tokenizer, leading_space=True)] == [" a"]
    assert [w.surface for w in first_letter_words(tokenizer, leading_space=False)] == ["a", "ing"]


def test_label_is_the_lower_case_first_letter() -> None:
    (word,) = words_of_pieces([(7, "ĠZebra")])
    assert (word.letter, word.letter_index) == ("z", 25)


def test_words_per_letter_counts_absent_letters_as_zero() -> None:
    counts = words_per_letter(words_of_pieces([(1, "Ġax"), (2, "Ġat"), (3, "Ġbe")]))
    assert (counts["a"], counts["b"], counts["z"], len(counts)) == (2, 1, 0, 26)
