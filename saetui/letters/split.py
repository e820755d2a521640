"""Train and test words: a seeded split, stratified by letter (2409.14507, probing)."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from saetui.letters.vocabulary import LETTERS, Word

TEST_SHARE = 0.2
MIN_TRAIN = 10
MIN_TEST = 5


@dataclass(frozen=True)
class Split:
    """Words on either side, and the letters that have too few to be measured."""

    train: list[Word]
    test: list[Word]
    skipped_letters: list[str]


def split_words(words: Sequence[Word], *, test_share: float = TEST_SHARE, seed: int = 42) -> Split:
    """Put ``test_share`` of each letter's words on the test side; order within a side is shuffled.

    A letter with fewer than 10 train or 5 test words is listed in ``skipped_letters``; its words stay, as negatives.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"test_share is a share between 0 and 1, not {test_share}")
    random = Random(seed)
    train: list[Word] = []
    test: list[Word] = []
    skipped = []
    for letter in LETTERS:
        of_letter = sorted(word for word in words if word.letter == letter)
        random.shuffle(of_letter)
        n_test = round(len(of_letter) * test_share)
        test += of_letter[:n_test]
        train += of_letter[n_test:]
        if n_test < MIN_TEST or len(of_letter) - n_test < MIN_TRAIN:
            skipped.append(letter)
    random.shuffle(train)
    random.shuffle(test)
    return Split(train, test, skipped)
