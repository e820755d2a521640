"""The words of the first-letter task: every vocabulary token of plain ASCII letters (2409.14507)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import ascii_letters, ascii_lowercase
from typing import Any, Protocol

from saetui.lm.surfaces import is_byte_piece

LETTERS = ascii_lowercase
_ASCII_LETTERS = frozenset(ascii_letters)


class Vocabulary(Protocol):
    """The part of a Hugging Face tokenizer that the word list needs."""

    @property
    def all_special_ids(self) -> list[int]: ...
    def convert_ids_to_tokens(self, ids: list[int]) -> Any: ...


@dataclass(frozen=True, order=True)
class Word:
    """A token that is a word or the start of one, e.g. ``Word(4711, " short", "s")``."""

    token_id: int
    surface: str
    letter: str

    @property
    def leading_space(self) -> bool:
        return self.surface.startswith(" ")

    @property
    def letter_index(self) -> int:
        """0 for a … 25 for z: the row of the letter's probe."""
        return LETTERS.index(self.letter)


def is_word(surface: str) -> bool:
    """Whether a token's text is one optional space and then ASCII letters."""
    letters = surface.removeprefix(" ")
    return bool(letters) and _ASCII_LETTERS.issuperset(letters)


def words_of_surfaces(surfaces: Iterable[tuple[int, str]]) -> list[Word]:
    """Words of ``(token id, surface)`` pairs, without duplicates of a surface (the lowest id stays), sorted by id."""
    words: dict[str, Word] = {}
    for token_id, surface in sorted(surfaces):
        if is_word(surface) and surface not in words:
            words[surface] = Word(token_id, surface, surface.strip()[0].lower())
    return list(words.values())


def first_letter_words(
    tokenizer: Vocabulary, surfaces: Sequence[str], *, leading_space: bool | None = None
) -> list[Word]:
    """All words of a vocabulary whose tokens have these texts, by their ids (``LanguageModel.token_surfaces``).

    Special tokens and single bytes are no words. ``leading_space`` keeps only words with (True) or without (False) a
    leading space; None keeps both, as the paper does: " short" and "short" are different items.
    """
    special = set(tokenizer.all_special_ids)
    pieces = tokenizer.convert_ids_to_tokens(list(range(len(surfaces))))
    words = words_of_surfaces(
        (i, surface)
        for i, (piece, surface) in enumerate(zip(pieces, surfaces, strict=True))
        if i not in special and piece is not None and not is_byte_piece(piece)
    )
    return words if leading_space is None else [w for w in words if w.leading_space == leading_space]


def words_per_letter(words: Sequence[Word]) -> dict[str, int]:
    """Number of words of each of the 26 letters, zeros included."""
    counts = Counter(word.letter for word in words)
    return {letter: counts[letter] for letter in LETTERS}
