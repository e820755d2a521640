"""The tokens of a pursuit, and their activations: only the contexts and prompts that they stand in are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.lm import harvest
from saetui.pursuit.exceptions import PursuitError
from saetui.pursuit.search import Progress

if TYPE_CHECKING:
    from saetui.letters import LetterWords
    from saetui.lm import LanguageModel, TokenizedCorpus

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

    @classmethod
    def joined(cls, parts: Sequence[NamedTokens]) -> NamedTokens:
        """Several, one after another."""
        columns = [(part.activations, part.context, part.position, part.token_id) for part in parts]
        return cls(*(torch.cat(column) for column in zip(*columns, strict=True)))


def random_places(corpus: TokenizedCorpus, n: int, *, held_out: Int[Tensor, " m"] | None, seed: int) -> list[Place]:
    """``n`` places drawn from the ``held_out`` contexts, or from all where these are not known.

    Raises:
        PursuitError: there are fewer tokens.
    """
    contexts = torch.arange(corpus.n_contexts) if held_out is None else held_out
    rows, positions = corpus.mask[contexts].nonzero(as_tuple=True)
    if n > len(rows):
        raise PursuitError(f"random_tokens: there are {len(rows):,} tokens to draw from, not {n:,}")
    drawn = torch.randperm(len(rows), generator=torch.Generator().manual_seed(seed))[:n]
    return list(zip(contexts[rows[drawn]].tolist(), positions[drawn].tolist(), strict=True))


def tokens_at_places(
    model: LanguageModel,
    corpus: TokenizedCorpus,
    hook_name: str,
    places: Sequence[Place],
    *,
    progress: Progress = lambda *_: None,
) -> NamedTokens:
    """The tokens at these places (context, position) of a corpus, each place named once.

    Raises:
        PursuitError: a place is not in the corpus, or holds no token that counts.
    """
    for row, position in places:
        if row >= corpus.n_contexts or position >= corpus.context_length or not bool(corpus.mask[row, position]):
            raise PursuitError(
                f"places: {row}:{position} is no token of {corpus.name}; it has {corpus.n_contexts:,} contexts of "
                f"{corpus.context_length} positions, where special tokens and padding do not count"
            )
    slot_of = {place: slot for slot, place in enumerate(places)}
    contexts = sorted({row for row, _ in places})
    found = torch.empty(len(places), model.site(hook_name).width, device=model.device)
    done = 0
    for batch in harvest(model, corpus, hook_name, contexts=contexts):
        read = list(zip(batch.context.tolist(), batch.position.tolist(), strict=True))
        wanted = [(index, slot_of[place]) for index, place in enumerate(read) if place in slot_of]
        if wanted:
            index, slots = (torch.tensor(column, device=model.device) for column in zip(*wanted, strict=True))
            found[slots] = batch.activations[hook_name][index].to(found)
        done += len(wanted)
        progress(done, len(places))
    rows, positions = torch.tensor(places).T
    return NamedTokens(found, rows, positions, corpus.token_ids[rows, positions])


def tokens_of_words(
    words: LetterWords,
    hook_name: str,
    surfaces: Sequence[str],
    *,
    batch_size: int = 64,
    progress: Progress = lambda *_: None,
) -> NamedTokens:
    """Words of the first-letter task, in their prompts; each named once.

    Raises:
        PursuitError: a word is not of the task.
    """
    model = words.model
    unknown = [surface for surface in surfaces if surface not in words.rows_of]
    if unknown:
        raise PursuitError(
            f"words: {unknown[0]!r} is not one of the {len(words.words)} words of the first-letter task on "
            f"{model.name}; write it with its leading space, if it has one"
        )
    rows = torch.tensor([words.rows_of[surface] for surface in surfaces])
    found = torch.empty(len(rows), model.site(hook_name).width, device=model.device)
    done = 0
    for slots, tokens, position in words.prompts_of(rows):
        for part in torch.split(torch.arange(len(slots)), batch_size):
            read = model.activations(tokens[part], hook_name)
            found[slots[part].to(model.device)] = read[:, position].to(found)
            done += len(part)
            progress(done, len(rows))
    nowhere = torch.full((len(rows),), -1)
    return NamedTokens(found, nowhere, nowhere.clone(), torch.tensor([words.words[row].token_id for row in rows]))
