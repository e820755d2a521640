import pytest

from saetui.letters.split import split_words
from saetui.letters.vocabulary import Word

WORDS = [Word(100 * i + j, f" {c}{j}", c) for i, c in enumerate("abc") for j in range((50, 25, 12)[i])]


def test_each_letter_is_split_in_the_same_share() -> None:
    split = split_words(WORDS)
    per_letter = {c: sum(w.letter == c for w in split.test) for c in "abc"}
    assert per_letter == {"a": 10, "b": 5, "c": 2}
    assert sorted([*split.train, *split.test]) == sorted(WORDS)


def test_letters_with_too_few_words_are_listed() -> None:
    skipped = split_words(WORDS).skipped_letters
    assert "c" in skipped
    assert "z" in skipped
    assert not {"a", "b"} & set(skipped)


def test_the_seed_decides_the_split() -> None:
    assert split_words(WORDS, seed=1) == split_words(WORDS, seed=1)
    assert split_words(WORDS, seed=1) != split_words(WORDS, seed=2)


def test_share_must_be_a_share() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        split_words(WORDS, test_share=1.0)
