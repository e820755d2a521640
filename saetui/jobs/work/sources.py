"""What a task works on besides SAEs: models and corpora, kept warm between the jobs of a worker."""

from saetui.jobs.context import TaskContext
from saetui.jobs.sources_state import path_state
from saetui.lm import Corpus, LanguageModel, TokenizedCorpus, load_corpus, load_model, tokenize


def warm_model(context: TaskContext, source: str, dtype: str) -> LanguageModel:
    """The language model of a spec in a number format, on the worker's device."""
    import torch

    context.progress("load", 0, None, "models")
    return context.warm.get(
        ("model", source, path_state(source), context.device, dtype),
        lambda: load_model(source, device=context.device, dtype=getattr(torch, dtype)),
    )


def warm_tokens(
    context: TaskContext, model: LanguageModel, source: str, context_length: int, max_tokens: int | None
) -> TokenizedCorpus:
    """The corpus of a spec, cut into contexts for the model; a context is never longer than the model reads."""
    length = min(context_length, model.context_length)

    def cut() -> TokenizedCorpus:
        corpus: Corpus = load_corpus(source)
        return tokenize(corpus, model, context_length=length, max_tokens=max_tokens)

    return context.warm.get(("tokens", model.model_id, source, path_state(source), length, max_tokens), cut)
