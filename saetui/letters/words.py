"""The words of the first-letter task as a model reads them, and the probes on them: once for all hook points."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from saetui.letters.encoding import Encoding, encode_prompts
from saetui.letters.probes import LetterProbes, ProbeSettings, train_probes
from saetui.letters.prompts import first_letter_prompts
from saetui.letters.readings import Progress, WordReadings, read_words
from saetui.letters.split import TEST_SHARE, Split, split_words
from saetui.letters.vocabulary import LETTERS, first_letter_words

if TYPE_CHECKING:
    from saetui.lm import LanguageModel


@dataclass(frozen=True)
class WordSettings:
    """Which words there are, how a model is asked about them, and which of them are for testing."""

    examples: int = 10
    """Example lines before the word in a prompt."""
    test_share: float = TEST_SHARE
    leading_space: bool | None = None
    """Only words with (True) or without (False) a leading space."""
    seed: int = 42


class KeptTensors(Protocol):
    """Where tensors are kept from study to study, by name."""

    def load(self, name: str, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor] | None:
        """What was saved under this name; None where there is nothing of these names and shapes."""

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Keep tensors under this name."""


@dataclass(frozen=True)
class LetterSite:
    """What a hook point holds of the letters: its probes, at the word and at the end of the prompt."""

    probe_id: str
    hook_name: str
    probes: LetterProbes
    last_probes: LetterProbes


class LetterWords:
    """Words, prompts, readings and probes of one model; words of both sides, in the order of the prompts' groups."""

    def __init__(self, model: LanguageModel, settings: WordSettings | None = None) -> None:
        self.settings = settings = settings or WordSettings()
        self.model = model
        self.split: Split = split_words(
            first_letter_words(model.tokenizer, model.token_surfaces, leading_space=settings.leading_space),
            test_share=settings.test_share,
            seed=settings.seed,
        )
        prompts = first_letter_prompts(
            [*self.split.train, *self.split.test], self.split.train, examples=settings.examples, seed=settings.seed
        )
        self.encoding: Encoding = encode_prompts(model, prompts)
        self.words = [prompt.word for group in self.encoding.groups for prompt in group.prompts]
        self.readings = WordReadings(self.words, torch.empty(0, 26), {}, {})
        self.letters: Int[Tensor, " word"] = self.readings.letters
        self._sites: dict[str, LetterSite] = {}

    @cached_property
    def is_test(self) -> Bool[Tensor, " word"]:
        test = set(self.split.test)
        return torch.tensor([word in test for word in self.words])

    @cached_property
    def rows_of(self) -> dict[str, int]:
        """Row of each word, by its surface."""
        return {word.surface: row for row, word in enumerate(self.words)}

    @property
    def key(self) -> str:
        """The same for the same model, settings and prompts; the names of kept tensors begin with it."""
        settings = self.settings
        prompts = hashlib.sha256(b"".join(group.tokens.numpy().tobytes() for group in self.encoding.groups))
        decided = (
            self.model.model_id,
            settings.examples,
            settings.test_share,
            settings.seed,
            settings.leading_space,
            prompts.hexdigest(),
            *self._format,
        )
        return hashlib.sha256(json.dumps(decided).encode()).hexdigest()[:16]

    @property
    def _format(self) -> tuple[str, ...]:
        """The model's number format, where it is not the usual one: readings in another one are other readings."""
        return () if self.model.dtype == torch.float32 else (str(self.model.dtype),)

    def prompts_of(self, rows: Int[Tensor, " row"]) -> Iterator[tuple[Int[Tensor, " row"], Int[Tensor, "row t"], int]]:
        """The prompts of some words, a group of one length at a time: places in ``rows``, token ids, word position."""
        start = 0
        for group in self.encoding.groups:
            inside = (rows >= start) & (rows < start + len(group.prompts))
            if bool(inside.any()):
                yield inside.nonzero()[:, 0], group.tokens[rows[inside] - start], group.word_position
            start += len(group.prompts)

    def read(
        self,
        hook_names: Sequence[str],
        *,
        batch_size: int = 64,
        kept: KeptTensors | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Read the prompts at these hook points, but for those that were read before or are ``kept``.

        ``batch_size`` is in prompts. Raises LettersError where the model's answers are not single tokens.
        """
        unread = [name for name in hook_names if name not in self.readings.at_word and not self._load(name, kept)]
        if not unread:
            return
        fresh = read_words(self.model, self.encoding, unread, batch_size=batch_size, progress=progress)
        for name in unread:
            self._take(fresh.answer_logits, name, fresh.at_word[name], fresh.at_last[name])
            if kept is not None:
                tensors = {"answers": fresh.answer_logits, "word": fresh.at_word[name], "last": fresh.at_last[name]}
                kept.save(f"{self.key}/{name}", tensors)

    def site(
        self, hook_name: str, *, kept: KeptTensors | None = None, on_fit: Callable[[], None] | None = None
    ) -> LetterSite:
        """The probes of a hook point that was read, fitted on the train words; ``on_fit`` is called before a fit."""
        if hook_name not in self._sites:
            name = f"{self.key}/{hook_name}.probes"
            width = self.model.site(hook_name).width
            shapes = {"weight": (len(LETTERS), width), "bias": (len(LETTERS),)}
            shapes |= {f"last_{part}": shape for part, shape in shapes.items()}
            found = None if kept is None else kept.load(name, shapes)
            if found is None:
                if on_fit is not None:
                    on_fit()
                at_word = self._fit(self.readings.at_word[hook_name])
                at_last = self._fit(self.readings.at_last[hook_name])
                found = {
                    "weight": at_word.weight,
                    "bias": at_word.bias,
                    "last_weight": at_last.weight,
                    "last_bias": at_last.bias,
                }
                if kept is not None:
                    kept.save(name, found)
            self._sites[hook_name] = LetterSite(
                self.probe_id(hook_name),
                hook_name,
                LetterProbes(found["weight"], found["bias"]),
                LetterProbes(found["last_weight"], found["last_bias"]),
            )
        return self._sites[hook_name]

    def probe_id(self, hook_name: str) -> str:
        """The same for the same probes: it does not depend on which SAEs are looked at."""
        settings = self.settings
        token_ids = [word.token_id for word in self.words]
        decided = (
            self.model.model_id,
            hook_name,
            settings.examples,
            settings.test_share,
            settings.seed,
            token_ids,
            *self._format,
        )
        return hashlib.sha256(repr(decided).encode()).hexdigest()[:16]

    def _fit(self, activations: Tensor) -> LetterProbes:
        train = ~self.is_test
        return train_probes(activations[train], self.letters[train], ProbeSettings(seed=self.settings.seed))

    def _load(self, hook_name: str, kept: KeptTensors | None) -> bool:
        if kept is None:
            return False
        n, width = len(self.words), self.model.site(hook_name).width
        shapes = {"answers": (n, len(LETTERS)), "word": (n, width), "last": (n, width)}
        found = kept.load(f"{self.key}/{hook_name}", shapes)
        if found is None:
            return False
        self._take(found["answers"], hook_name, found["word"], found["last"])
        return True

    def _take(self, answers: Tensor, hook_name: str, at_word: Tensor, at_last: Tensor) -> None:
        before = self.readings
        self.readings = replace(
            before,
            answer_logits=answers,
            at_word={**before.at_word, hook_name: at_word},
            at_last={**before.at_last, hook_name: at_last},
        )
