"""Readable text of every token of a vocabulary."""

from typing import Any, Protocol

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class Decoder(Protocol):
    """The part of a Hugging Face tokenizer that turns ids into text."""

    def convert_ids_to_tokens(self, ids: list[int]) -> Any: ...
    def batch_decode(self, sequences: Any, *, clean_up_tokenization_spaces: bool) -> Any: ...


def token_surfaces(tokenizer: Decoder, vocabulary_size: int) -> list[str]:
    """The text of ids 0 … ``vocabulary_size - 1``, leading space kept; a piece of a character is shown raw.

    An id that the tokenizer does not know (padding of the embedding matrix) reads ``<id>``.
    """
    ids = list(range(vocabulary_size))
    pieces = tokenizer.convert_ids_to_tokens(ids)
    texts = tokenizer.batch_decode([[i] for i in ids], clean_up_tokenization_spaces=False)
    surfaces = []
    for i, piece, text in zip(ids, pieces, texts, strict=True):
        if piece is None:
            surfaces.append(f"<{i}>")
        elif piece.startswith("▁") and not text.startswith(" "):
            # SentencePiece drops the leading space of a text that is one token.
            surfaces.append(f" {text}")
        else:
            surfaces.append(piece if not text or _REPLACEMENT in text else text)
    return surfaces
