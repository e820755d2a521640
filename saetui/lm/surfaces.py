"""Readable text of every token of a vocabulary."""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
# SentencePiece writes bytes of characters that it has no piece for so.
_BYTE_PIECE = re.compile(r"<0x([0-9A-F]{2})>")
_NO_TEXT = re.compile(r"[\udc80-\udcff]+")
# Texts that show how a tokenizer writes spaces and characters of several bytes.
_SPACED, _SEVERAL_BYTES = "a a", " ¶"


class SurfaceTokenizer(Protocol):
    """The part of a Hugging Face tokenizer that turns ids into text."""

    @property
    def all_special_ids(self) -> list[int]: ...
    @property
    def added_tokens_decoder(self) -> Any: ...
    def convert_ids_to_tokens(self, ids: list[int]) -> Any: ...
    def batch_decode(self, sequences: Any, *, clean_up_tokenization_spaces: bool) -> Any: ...
    def __call__(self, text: list[str], *, add_special_tokens: bool) -> Any: ...


def token_surfaces(tokenizer: SurfaceTokenizer, vocabulary_size: int) -> list[str]:
    """The text of ids 0 … ``vocabulary_size - 1`` as each stands within a text, so with its leading spaces.

    The tokenizer's own decoder says what it is; one without a decoder is asked how it writes spaces and bytes. Bytes
    that are only part of a character are named, as in "⟨F0 9F⟩". Special tokens, and pieces that decode to nothing, are
    shown as they are called. An id that the tokenizer does not know (padding of the embedding matrix) reads ``<id>``.
    """
    ids = list(range(vocabulary_size))
    pieces = tokenizer.convert_ids_to_tokens(ids)
    alone = _decoded(tokenizer, [[i] for i in ids])
    special = set(tokenizer.all_special_ids)
    changed = [i for i in ids if pieces[i] is not None and i not in special and alone[i] != pieces[i]]
    within = dict(zip(changed, _within_text(tokenizer, pieces, alone, changed), strict=True))
    habits = _Habits(tokenizer)
    surfaces = []
    for i, piece in enumerate(pieces):
        if piece is None:
            surfaces.append(f"<{i}>")
        elif i in special:
            surfaces.append(piece)
        elif i in within:
            surfaces.append(_text(piece, within[i], added=i in habits.added))
        else:
            surfaces.append(habits.undecoded(i, piece))
    return surfaces


def is_byte_piece(piece: str) -> bool:
    """Whether a piece is one byte, by SentencePiece's name of it."""
    return _BYTE_PIECE.fullmatch(piece) is not None


def _decoded(tokenizer: SurfaceTokenizer, sequences: list[list[int]]) -> list[str]:
    texts: list[str] = tokenizer.batch_decode(sequences, clean_up_tokenization_spaces=False)
    return texts


def _within_text(
    tokenizer: SurfaceTokenizer, pieces: Sequence[str | None], alone: Sequence[str], ids: Sequence[int]
) -> list[str]:
    """What tokens add to a text; decoders drop the space before a text, and tokens with it."""
    special = set(tokenizer.all_special_ids)
    anchors = [i for i, text in enumerate(alone) if text.isalnum() and i not in special]
    # The text of a piece that is itself has no space before or after it that the decoder could have dropped.
    anchor = next((i for i in anchors if alone[i] == pieces[i]), next(iter(anchors), None))
    if anchor is None:
        return [alone[i] for i in ids]
    together = _decoded(tokenizer, [[anchor, i] for i in ids])
    before = alone[anchor]
    return [
        text.removeprefix(before) if text.startswith(before) else alone[i]
        for i, text in zip(ids, together, strict=True)
    ]


def _text(piece: str, decoded: str, *, added: bool) -> str:
    """The decoded text of a piece, with its bytes where they are no whole characters."""
    if _REPLACEMENT not in decoded:
        return decoded or piece
    content = None if added else _bytes(piece)
    # Other pieces may happen to consist of the letters that stand for bytes: the decoder says what they are.
    return piece if content is None or content.decode("utf-8", "replace") != decoded else _named_bytes(content)


def _bytes(piece: str) -> bytes | None:
    if found := _BYTE_PIECE.fullmatch(piece):
        return bytes.fromhex(found[1])
    known = _byte_of_letter()
    return bytes(known[letter] for letter in piece) if all(letter in known for letter in piece) else None


def _named_bytes(content: bytes) -> str:
    """Bytes as text; those that are no part of a whole character by their numbers."""
    text = content.decode("utf-8", "surrogateescape")
    return _NO_TEXT.sub(lambda run: f"⟨{run[0].encode('utf-8', 'surrogateescape').hex(' ').upper()}⟩", text)


@cache
def _byte_of_letter() -> dict[str, int]:
    """The byte that each letter of byte-level BPE stands for."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    return {letter: byte for byte, letter in bytes_to_unicode().items()}  # type: ignore[no-untyped-call]


class _Habits:
    """How a tokenizer writes what its decoder leaves as it is, seen in what it makes of two texts."""

    def __init__(self, tokenizer: SurfaceTokenizer) -> None:
        self.added = set(tokenizer.added_tokens_decoder)

        def written(text: str) -> str:
            (ids,) = tokenizer([text], add_special_tokens=False)["input_ids"]
            return "".join(piece or "" for piece in tokenizer.convert_ids_to_tokens(ids))

        self._writes_bytes = _bytes(written(_SEVERAL_BYTES)) == _SEVERAL_BYTES.encode()
        marks = set(written(_SPACED)) - set(_SPACED)
        self._space = marks.pop() if len(marks) == 1 else None

    def undecoded(self, token_id: int, piece: str) -> str:
        """The text of a piece that its decoder does not change."""
        if token_id in self.added:
            return piece
        content = _bytes(piece) if self._writes_bytes else None
        if content is not None:
            return _named_bytes(content)
        return piece if self._space is None else piece.replace(self._space, " ")
