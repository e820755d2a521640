"""The words of the first-letter task: every vocabulary token of plain ASCII letters (2409.14507)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_letters, ascii_lowercase
from typing import Protocol

LETTERS = ascii_lowercase
_ASCII_LETTERS = frozenset(ascii_letters)
# Byte-level BPE writes a leading space as "Ġ", SentencePiece as "▁".
_SPACE_MARKS = ("Ġ", "▁")
# WordPiece marks the inside of a word; such a piece is not a word.
_CONTINUATION = "##"


class Vocabulary(Protocol):
    """The part of a Hugging Face tokenizer that the word list needs."""

    @property
    def all_special_ids(self) -> list[int]: ...
    def get_vocab(self) -> dict[str, int]: ...


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


def word_surface(piece: str) -> str | None:
    """The surface of a raw vocabulary piece, or None where it is not one optional space followed by ASCII letters."""
    if piece.startswith(_CONTINUATION):
        return None
    surface = piece
    for mark in _SPACE_MARKS:
        if piece.startswith(mark):
            surface = " " + piece.removeprefix(mark)
    letters = surface.removeprefix(" ")
    return surface if letters and _ASCII_LETTERS.issuperset(letters) else None


def words_of_pieces(pieces: Sequence[tuple[int, str]]) -> list[Word]:
    """Words of ``(token id, raw piece)`` pairs, without duplicates of a surface (the lowest id stays), sorted by id."""
    words: dict[str, Word] = {}
    for token_id, piece in sorted(pieces):
        surface = word_surface(piece)
        if surface is not None and surface not in words:
            words[surface] = Word(token_id, surface, surface.strip()[0].lower())
    return list(words.values())


def first_letter_words(tokenizer: Vocabulary, *, leading_space: bool | None = None) -> list[Word]:
    """All words of a tokenizer's vocabulary.

    ``leading_space`` keeps only words with (True) or without (False) a leading space; None keeps both, as the paper
    does: " short" and "short" are different items.
    """
    special = set(tokenizer.all_special_ids)
    pieces = [(i, piece) for piece, i in tokenizer.get_vocab().items() if i not in special]
    words = words_of_pieces(pieces)
    return words if leading_space is None else [w for w in words if w.leading_space == leading_space]


def words_per_letter(words: Sequence[Word]) -> dict[str, int]:
    """Number of words of each of the 26 letters, zeros included."""
    counts = Counter(word.letter for word in words)
    return {letter: counts[letter] for letter in LETTERS}
