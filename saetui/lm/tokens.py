"""Text cut into contexts of tokens, kept on disk for the next time."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy.typing import NDArray
from platformdirs import user_cache_path
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from saetui.lm.corpus import Corpus
from saetui.lm.exceptions import CorpusError
from saetui.lm.language_model import LanguageModel
from saetui.lm.stdlib_text import Document, is_held_out

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# Longer contexts are cut to this by default: what most public SAEs were trained on, and enough for most models.
DEFAULT_CONTEXT_LENGTH = 128
_BATCH_DOCUMENTS = 256
# Grows when the way of cutting changes, so that older files on disk are not read.
_VERSION = 1


@dataclass(frozen=True)
class TokenizedCorpus:
    """A corpus as contexts of equal length; each begins with the model's BOS token where it has one.

    Documents follow one another, with the tokenizer's end-of-text token between them. ``mask`` is True on tokens that
    count in statistics: neither special tokens nor padding, which only the last context can have.
    """

    corpus_id: str
    name: str
    source: str
    token_ids: Int[Tensor, "n_ctx t"]
    mask: Bool[Tensor, "n_ctx t"]
    lengths: Int[Tensor, "n_ctx"]
    token_hash: str

    @property
    def n_contexts(self) -> int:
        return self.token_ids.shape[0]

    @property
    def context_length(self) -> int:
        return self.token_ids.shape[1]

    @property
    def n_tokens(self) -> int:
        """Number of tokens that count."""
        return int(self.mask.sum())

    def attention_mask(self, contexts: Int[Tensor, "b"]) -> Bool[Tensor, "b t"] | None:
        """True where there is a token and no padding; None where these contexts have no padding at all."""
        present = torch.arange(self.context_length) < self.lengths[contexts, None]
        return None if bool(present.all()) else present


def tokenize(
    corpus: Corpus,
    model: LanguageModel,
    context_length: int | None = None,
    max_tokens: int | None = None,
    held_out: bool | None = None,
) -> TokenizedCorpus:
    """A corpus cut into contexts for a model, read from the user's cache where the same text was cut before.

    ``context_length`` counts special tokens and defaults to 128, or what the model reads at most. ``max_tokens`` ends
    the text after that many tokens that count. ``held_out`` keeps only documents that are (True) or are not (False)
    held out; None keeps all. Raises CorpusError for a text that cannot be read, is empty, or does not fit the model.
    """
    if context_length is None:
        context_length = min(DEFAULT_CONTEXT_LENGTH, model.context_length)
    frame = _Frame.of(model)
    if not frame.size < context_length <= model.context_length:
        raise CorpusError(
            f"context_length = {context_length} does not fit {model.name}: it must be from "
            f"{frame.size + 1} to {model.context_length}"
        )
    if max_tokens is not None and max_tokens < 1:
        raise CorpusError(f"max_tokens = {max_tokens} keeps nothing. Give a positive number, or leave it out")

    texts = (corpus.fingerprint(), held_out, max_tokens)
    key = _hash(repr((_VERSION, texts, _tokenizer_hash(model.tokenizer), frame, context_length)))
    path = user_cache_path("saetui") / "tokens" / f"{key[:32]}.safetensors"
    tensors = _read_cache(path)
    if tensors is None:
        stream, counts = _token_stream(corpus, model, frame, max_tokens, held_out)
        tensors = _cut(stream, counts, frame, context_length)
        _write_cache(path, tensors)
    token_ids = tensors["token_ids"].long()
    token_hash = hashlib.sha256(tensors["token_ids"].numpy().tobytes() + tensors["mask"].numpy().tobytes()).hexdigest()
    corpus_id = _hash(f"{model.model_id} {context_length} {token_hash}")[:16]
    return TokenizedCorpus(
        corpus_id=corpus_id,
        name=corpus.name,
        source=corpus.source,
        token_ids=token_ids,
        mask=tensors["mask"].bool(),
        lengths=tensors["lengths"].long(),
        token_hash=token_hash,
    )


@dataclass(frozen=True)
class _Frame:
    """Special tokens around a context: what it begins and ends with, what separates documents, what pads it."""

    begin: int | None
    end: int | None
    between: int | None
    padding: int

    @classmethod
    def of(cls, model: LanguageModel) -> "_Frame":
        def first(*ids: int | None) -> int | None:
            return next((i for i in ids if i is not None and i < model.vocabulary_size), None)

        known = model.tokenizer
        between = first(known.eos_token_id, known.sep_token_id, model.bos_token_id)
        return cls(
            begin=model.bos_token_id,
            # Encoders such as BERT were trained with a separator at the end as well.
            end=None if model.is_causal else first(known.sep_token_id),
            between=between,
            padding=first(known.pad_token_id, between) or 0,
        )

    @property
    def size(self) -> int:
        return (self.begin is not None) + (self.end is not None)


def _token_stream(
    corpus: Corpus, model: LanguageModel, frame: _Frame, max_tokens: int | None, held_out: bool | None
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """All tokens one after another, and which of them count."""
    documents = (d for d in corpus.documents() if held_out is None or is_held_out(d) == held_out)
    special = np.array(sorted(set(model.tokenizer.all_special_ids)), dtype=np.int32)
    pieces: list[NDArray[np.int32]] = []
    counted = 0
    for ids in _encode(documents, model.tokenizer):
        if frame.between is not None and pieces:
            pieces.append(np.array([frame.between], dtype=np.int32))
        pieces.append(ids)
        counted += len(ids) - int(np.isin(ids, special).sum())
        if max_tokens is not None and counted >= max_tokens:
            break
    if not counted:
        part = {None: "", True: "held-out ", False: "not held-out "}[held_out]
        raise CorpusError(
            f"The corpus {corpus.source} has no {part}text that gives a token of {model.name}. Give more text"
        )
    stream = np.concatenate(pieces)
    if int(stream.max()) >= model.vocabulary_size:
        raise CorpusError(
            f"The tokenizer of {model.name} makes token {stream.max()}, but the model knows only "
            f"{model.vocabulary_size}. Use the tokenizer.json that belongs to the model"
        )
    counts = ~np.isin(stream, special)
    if max_tokens is not None and counted > max_tokens:
        last = int(np.flatnonzero(counts)[max_tokens - 1])
        stream, counts = stream[: last + 1], counts[: last + 1]
    return stream, counts


def _encode(documents: Iterator[Document], tokenizer: "PreTrainedTokenizerBase") -> Iterator[NDArray[np.int32]]:
    while batch := [document.text for document in islice(documents, _BATCH_DOCUMENTS)]:
        encoded = tokenizer(batch, add_special_tokens=False, return_attention_mask=False, verbose=False)
        for ids in encoded["input_ids"]:
            if ids:
                yield np.array(ids, dtype=np.int32)


def _cut(stream: NDArray[np.int32], counts: NDArray[np.bool_], frame: _Frame, context_length: int) -> dict[str, Tensor]:
    text = context_length - frame.size
    n_contexts = -(-len(stream) // text)
    first = int(frame.begin is not None)
    token_ids = np.full((n_contexts, context_length), frame.padding, dtype=np.int32)
    mask = np.zeros((n_contexts, context_length), dtype=np.uint8)
    filled = n_contexts * text
    for target, values, fill in ((token_ids, stream, frame.padding), (mask, counts, 0)):
        padded = np.full(filled, fill, dtype=target.dtype)
        padded[: len(values)] = values
        target[:, first : first + text] = padded.reshape(n_contexts, text)
    lengths = np.full(n_contexts, context_length, dtype=np.int32)
    lengths[-1] = context_length - (filled - len(stream))
    if frame.begin is not None:
        token_ids[:, 0] = frame.begin
    if frame.end is not None:
        token_ids[np.arange(n_contexts), lengths - 1] = frame.end
    arrays = {"token_ids": token_ids, "mask": mask, "lengths": lengths}
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _tokenizer_hash(tokenizer: "PreTrainedTokenizerBase") -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    content = backend.to_str() if backend is not None else repr(sorted(tokenizer.get_vocab().items()))
    return _hash(f"{content} {sorted(set(tokenizer.all_special_ids))}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_cache(path: Path) -> dict[str, Tensor] | None:
    try:
        return load_file(path) if path.is_file() else None
    except (OSError, SafetensorError):
        return None  # A damaged file is written again.


def _write_cache(path: Path, tensors: dict[str, Tensor]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        save_file(tensors, part)
        part.replace(path)
    except (OSError, SafetensorError):
        pass  # A read-only or full home folder only costs the next start some seconds.
