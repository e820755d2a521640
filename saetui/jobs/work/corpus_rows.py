"""Rows that describe a model and a corpus: their identity, the vocabulary, the tokens in context."""

from datetime import UTC, datetime

import polars as pl
import torch

from saetui.jobs.context import TaskContext
from saetui.letters import first_letter_words
from saetui.lm import LanguageModel, TokenizedCorpus


def spool_model(context: TaskContext, model: LanguageModel) -> None:
    """The model's row."""
    context.spool.add(
        "model",
        pl.DataFrame(
            {
                "model_id": [model.model_id],
                "name": [model.name],
                "source": [model.source],
                "family": [model.family],
                "n_layers": [model.n_layers],
                "d_model": [model.d_model],
                "context_length": [model.context_length],
                "vocabulary_size": [model.vocabulary_size],
                "added": [datetime.now(UTC).replace(tzinfo=None)],
            }
        ),
    )


def spool_corpus(context: TaskContext, model: LanguageModel, corpus: TokenizedCorpus) -> None:
    """The corpus's row, all its tokens in context, and the vocabulary with how often each token occurs in it."""
    context.spool.add(
        "corpus",
        pl.DataFrame(
            {
                "corpus_id": [corpus.corpus_id],
                "model_id": [model.model_id],
                "name": [corpus.name],
                "source": [corpus.source],
                "context_length": [corpus.context_length],
                "n_contexts": [corpus.n_contexts],
                "n_tokens": [corpus.n_tokens],
                "token_hash": [corpus.token_hash],
                "added": [datetime.now(UTC).replace(tzinfo=None)],
            }
        ),
    )
    # Special tokens are kept here, for a context is read with them; padding is not.
    present = torch.arange(corpus.context_length) < corpus.lengths[:, None]
    row, position = present.nonzero(as_tuple=True)
    context.spool.add(
        "token",
        pl.DataFrame(
            {
                "context": row.numpy().astype("uint32"),
                "position": position.numpy().astype("uint16"),
                "token_id": corpus.token_ids[row, position].numpy().astype("uint32"),
            }
        ).with_columns(corpus_id=pl.lit(corpus.corpus_id)),
    )
    letters: list[str | None] = [None] * model.vocabulary_size
    for word in first_letter_words(model.tokenizer, model.token_surfaces):
        letters[word.token_id] = word.letter
    counts = torch.bincount(corpus.token_ids[corpus.mask], minlength=model.vocabulary_size)
    context.spool.add(
        "vocabulary",
        pl.DataFrame(
            {
                "token_id": torch.arange(model.vocabulary_size).numpy().astype("uint32"),
                "surface": model.token_surfaces,
                "letter": pl.Series(letters, dtype=pl.String),
                "frequency": counts.numpy().astype("uint64"),
            }
        ).with_columns(model_id=pl.lit(model.model_id)),
    )
