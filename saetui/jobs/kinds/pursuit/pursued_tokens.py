"""The tokens of a pursuit, and their activations: only the contexts and prompts that they stand in are read."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.work.words import warm_words
from saetui.lm import LanguageModel, TokenizedCorpus, harvest

Place = tuple[int, int]


@dataclass(frozen=True)
class NamedTokens:
    """Tokens in the order in which they were named: places, then words; those of words have context -1."""

    activations: Float[Tensor, "n d"]
    context: Int[Tensor, " n"]
    position: Int[Tensor, " n"]
    token_id: Int[Tensor, " n"]

    def __len__(self) -> int:
        return len(self.token_id)

    @property
    def finite(self) -> Bool[Tensor, " n"]:
        """Tokens without NaN or infinity."""
        return torch.isfinite(self.activations).all(1).cpu()


def read_tokens(
    spec: PursuitSpec,
    context: TaskContext,
    model: LanguageModel,
    corpus: TokenizedCorpus,
    held_out: Int[Tensor, " m"] | None,
) -> NamedTokens:
    """The tokens that a spec names; random ones are of the ``held_out`` contexts, where these are known.

    Raises:
        JobError: a place is not in the corpus or holds no token that counts, or a word is not of the task.
    """
    places = list(dict.fromkeys(spec.places)) or _random_places(spec, corpus, held_out)
    parts = [_at_places(spec, context, model, corpus, places)] if places else []
    if spec.words:
        parts.append(_at_words(spec, context, model, list(dict.fromkeys(spec.words))))
    return NamedTokens(
        *(torch.cat(column) for column in zip(*((p.activations, *_columns(p)) for p in parts), strict=True))
    )


def _columns(tokens: NamedTokens) -> tuple[Tensor, Tensor, Tensor]:
    return tokens.context, tokens.position, tokens.token_id


def _random_places(spec: PursuitSpec, corpus: TokenizedCorpus, held_out: Int[Tensor, " m"] | None) -> list[Place]:
    if not spec.random_tokens:
        return []
    contexts = torch.arange(corpus.n_contexts) if held_out is None else held_out
    rows, positions = corpus.mask[contexts].nonzero(as_tuple=True)
    if spec.random_tokens > len(rows):
        raise JobError(f"random_tokens: there are {len(rows):,} tokens to draw from, not {spec.random_tokens:,}")
    drawn = torch.randperm(len(rows), generator=torch.Generator().manual_seed(spec.seed))[: spec.random_tokens]
    return list(zip(contexts[rows[drawn]].tolist(), positions[drawn].tolist(), strict=True))


def _at_places(
    spec: PursuitSpec, context: TaskContext, model: LanguageModel, corpus: TokenizedCorpus, places: Sequence[Place]
) -> NamedTokens:
    for row, position in places:
        if row >= corpus.n_contexts or position >= corpus.context_length or not bool(corpus.mask[row, position]):
            raise JobError(
                f"places: {row}:{position} is no token of {corpus.name}; it has {corpus.n_contexts:,} contexts of "
                f"{corpus.context_length} positions, where special tokens and padding do not count"
            )
    slot_of = {place: slot for slot, place in enumerate(places)}
    contexts = sorted({row for row, _ in places})
    found = torch.empty(len(places), model.site(spec.hook_name).width, device=model.device)
    done = 0
    for batch in harvest(model, corpus, spec.hook_name, contexts=contexts):
        read = list(zip(batch.context.tolist(), batch.position.tolist(), strict=True))
        wanted = [(index, slot_of[place]) for index, place in enumerate(read) if place in slot_of]
        if wanted:
            index, slots = (torch.tensor(column, device=model.device) for column in zip(*wanted, strict=True))
            found[slots] = batch.activations[spec.hook_name][index].to(found)
        done += len(wanted)
        context.progress("read", done, len(places), "tokens")
    rows, positions = torch.tensor(places).T
    return NamedTokens(found, rows, positions, corpus.token_ids[rows, positions])


def _at_words(spec: PursuitSpec, context: TaskContext, model: LanguageModel, surfaces: Sequence[str]) -> NamedTokens:
    words = warm_words(spec, context, model)
    unknown = [surface for surface in surfaces if surface not in words.rows_of]
    if unknown:
        raise JobError(
            f"words: {unknown[0]!r} is not one of the {len(words.words)} words of the first-letter task on "
            f"{model.name}; write it with its leading space, if it has one"
        )
    rows = torch.tensor([words.rows_of[surface] for surface in surfaces])
    found = torch.empty(len(rows), model.site(spec.hook_name).width, device=model.device)
    done = 0
    for slots, tokens, position in words.prompts_of(rows):
        for part in torch.split(torch.arange(len(slots)), spec.batch_size):
            read = model.activations(tokens[part], spec.hook_name)
            found[slots[part].to(model.device)] = read[:, position].to(found)
            done += len(part)
            context.progress("read", done, len(rows), "words")
    nowhere = torch.full((len(rows),), -1)
    return NamedTokens(found, nowhere, nowhere.clone(), torch.tensor([words.words[row].token_id for row in rows]))
