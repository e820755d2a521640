"""Tokenizers of each kind, made here: byte-level BPE, SentencePiece with the space before a text, and WordPiece."""

from string import ascii_letters, ascii_uppercase

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

TEXT = [
    "a short cat ¶ 😀 é naïve   many    spaces\n\nshort cat\tdog A B C",
    "the 😀😃 cat: S\n short has the first letter: S",
]
TEMPLATE = ("has", "the", "first", "letter")


def byte_level(*, decoder: bool = True) -> PreTrainedTokenizerFast:
    """As GPT-2's; ``decoder`` is left out by those who build a tokenizer by hand."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    if decoder:
        backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>"], initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(TEXT * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>")


def sentencepiece(kind: str, words: tuple[str, ...], *, spaces: tuple[int, ...] = (2, 4)) -> PreTrainedTokenizerFast:
    """A space before every text, and pieces of bytes; ``words`` are pieces with and without a space before them.

    ``kind`` is "prepend" (Llama 2's tokenizer.json) or "metaspace" (what newer exports write). The beginning-of-text
    token has the last id.
    """
    letters = [*"▁:", *ascii_letters]
    vocabulary = {piece: i for i, piece in enumerate(["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters])}
    merges: list[tuple[str, str]] = []

    def join(first: str, second: str) -> str:
        if first + second not in vocabulary:
            vocabulary[first + second] = len(vocabulary)
            merges.append((first, second))
        return first + second

    for count in spaces:
        half = "▁" * (count // 2)
        join(half, half)
    for word in (*words, *TEMPLATE):
        piece = word[0]
        for letter in word[1:]:
            piece = join(piece, letter)
        join("▁", piece)
    for letter in ascii_uppercase:
        join("▁", letter)
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True, unk_token="<unk>"))
    if kind == "prepend":
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        backend.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        )
    else:
        backend.pre_tokenizer = pre_tokenizers.Metaspace()
        backend.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Metaspace()])
    backend.add_special_tokens(["<s>"])
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", bos_token="<s>")


def word_level(pieces: list[str], *, unknown: str) -> PreTrainedTokenizerFast:
    """The pieces as they are, "▁" standing for a space; ``unknown`` is the one for words that are none of them."""
    backend = Tokenizer(models.WordLevel({piece: i for i, piece in enumerate(pieces)}, unk_token=unknown))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?\w+"), "isolated")
    backend.decoder = decoders.Metaspace(prepend_scheme="always")
    return PreTrainedTokenizerFast(tokenizer_object=backend)


def wordpiece(pieces: list[str]) -> PreTrainedTokenizerFast:
    """As BERT's."""
    backend = Tokenizer(models.WordPiece({piece: i for i, piece in enumerate(pieces)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.decoder = decoders.WordPiece()
    return PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]")
