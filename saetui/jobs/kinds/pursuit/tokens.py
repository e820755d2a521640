"""The tokens of a pursuit job: places in a corpus, and words in prompts."""

from jaxtyping import Int
from torch import Tensor

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.work.words import warm_words
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.pursuit import named_tokens
from saetui.pursuit.named_tokens import NamedTokens


def read_tokens(
    spec: PursuitSpec,
    context: TaskContext,
    model: LanguageModel,
    corpus: TokenizedCorpus,
    held_out: Int[Tensor, " m"] | None,
) -> NamedTokens:
    """The tokens that a spec names: places, then words."""
    places = list(dict.fromkeys(spec.places))
    if not places and spec.random_tokens:
        places = named_tokens.random_places(corpus, spec.random_tokens, held_out=held_out, seed=spec.seed)
    parts = []
    if places:
        parts.append(
            named_tokens.tokens_at_places(
                model,
                corpus,
                spec.hook_name,
                places,
                progress=lambda done, total: context.progress("read", done, total, "tokens"),
            )
        )
    if spec.words:
        parts.append(
            named_tokens.tokens_of_words(
                warm_words(spec, context, model),
                spec.hook_name,
                list(dict.fromkeys(spec.words)),
                batch_size=spec.batch_size,
                progress=lambda done, total: context.progress("read", done, total, "words"),
            )
        )
    return NamedTokens.joined(parts)


def require_same_tokens(spec: PursuitSpec, corpus: TokenizedCorpus) -> None:
    if spec.corpus_id not in (None, corpus.corpus_id):
        raise JobError(
            f"corpus_id: {spec.corpus} gives the token set {corpus.corpus_id} with context_length "
            f"{spec.context_length}, but the places are in {spec.corpus_id}; name the text, context_length and "
            "max_tokens that it was made with"
        )
