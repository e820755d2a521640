"""Words in their prompts, read up to a hook point and taken apart by an SAE, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.letters.contributions import Contributions, contributions
from saetui.letters.encoding import answer_token_ids
from saetui.letters.readings import halving_prompts, letter_margins
from saetui.letters.vocabulary import LETTERS
from saetui.lm.memory import halving
from saetui.lm.resume import Tail, positions_at_once, read_tail

if TYPE_CHECKING:
    from saetui.lm import LanguageModel
    from saetui.sae import SAE

T = TypeVar("T")

# Rows per word in one pass where the batch size is given.
_ROWS_OF_WORD = 8


@dataclass(frozen=True)
class WordBatch:
    """Some words: the rest of the forward pass of each, and the parts of its activation."""

    tail: Tail
    parts: Contributions
    letters: Int[Tensor, " word"]
    rows_at_once: int
    """Rows that one pass through the tail can take."""

    def __len__(self) -> int:
        return len(self.letters)

    def answers(
        self, words: Int[Tensor, " row"], activations: Float[Tensor, "row d"]
    ) -> tuple[Float[Tensor, " row"], Int[Tensor, " row"]]:
        """Margin and answer (0 for A … 25 for Z) with the activation of ``words[i]`` replaced by row i."""
        logits = self.tail.logits(words, activations)
        return letter_margins(logits, self.letters[words]), logits.argmax(1)

    @torch.no_grad()
    def without(
        self, words: Int[Tensor, " row"], slots: Int[Tensor, " row"]
    ) -> tuple[Float[Tensor, " row"], Int[Tensor, " row"]]:
        """Margin and answer without what the latent in ``slots[i]`` writes on ``words[i]``, for any number of rows.

        Slot -1 removes nothing.
        """
        logits = self.logits_without(words, slots)
        return letter_margins(logits, self.letters[words]), logits.argmax(1)

    @torch.no_grad()
    def logits_without(self, words: Int[Tensor, " row"], slots: Int[Tensor, " row"]) -> Float[Tensor, "row 26"]:
        """Logits of the 26 answers without what the latent in ``slots[i]`` writes on ``words[i]``; slot -1: nothing."""

        def read(part: slice) -> Tensor:
            rows = words[part]
            return self.tail.logits(rows, self.parts.x[rows] - self.parts.written(rows, slots[part]))

        nothing = self.parts.x.new_zeros(0, len(LETTERS))
        return torch.cat([nothing, *self.halving(len(words), self.rows_at_once, read)])

    def halving(self, n: int, size: int, work: Callable[[slice], T]) -> Iterator[T]:
        """What ``work`` gives for one slice of ``n`` passes after another; fewer at once where memory runs out."""
        needs = "the layers behind its hook point need more"
        length = self.tail.positions_run
        return halving(self.letters.device, n, size, work, thing="prompt", length=length, needs=needs)

    def clean_margins(self) -> Float[Tensor, " word"]:
        """Margins with nothing removed."""
        words = torch.arange(len(self), device=self.letters.device)
        margins, _ = self.without(words, torch.full_like(words, -1))
        return margins


def word_batches(
    model: LanguageModel,
    sae: SAE,
    hook_name: str,
    tokens: Int[Tensor, "word position"],
    letters: Int[Tensor, " word"],
    *,
    position: int,
    batch_size: int | None,
) -> Iterator[WordBatch]:
    """Batches of ``batch_size`` words, by default of as many as keep the device busy.

    Raises LettersError where the model's answers are not single tokens, HookPointError where the SAE does not fit the
    hook point, ValueError where letters are not one per word or no letters at all.
    """
    if letters.shape != tokens.shape[:1]:
        raise ValueError(f"{len(tokens)} words need as many letters, not {tuple(letters.shape)}")
    if len(letters) and (int(letters.min()) < 0 or int(letters.max()) >= len(LETTERS)):
        raise ValueError(f"letters are numbers from 0 for a to 25 for z, not up to {int(letters.max())}")
    model.check_width(hook_name, sae.d_in)
    sae = sae.to(model.device)
    answers = answer_token_ids(model)
    budget = positions_at_once(model)
    size = batch_size or max(1, budget // tokens.shape[1])

    def read(part: slice) -> WordBatch:
        tail = read_tail(model, hook_name, tokens[part].to(model.device), position, answers)
        return WordBatch(
            tail,
            contributions(sae, tail.activations),
            letters[part].to(model.device),
            rows_at_once=max(1, budget // tail.positions_run) if batch_size is None else batch_size * _ROWS_OF_WORD,
        )

    yield from halving_prompts(model, tokens, size, read)
