"""The words of the first-letter task as a model reads them: once for all hook points, kept in the store's folder."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from saetui.jobs.context import TaskContext
from saetui.jobs.sources_state import path_state
from saetui.jobs.specs import WordsSpec
from saetui.jobs.work.tensor_files import load_tensors, save_tensors
from saetui.letters import (
    LETTERS,
    Encoding,
    LetterProbes,
    ProbeSettings,
    Split,
    WordReadings,
    encode_prompts,
    first_letter_prompts,
    first_letter_words,
    read_words,
    split_words,
    train_probes,
)
from saetui.lm import LanguageModel

FOLDER = Path("tensors", "words")


@dataclass(frozen=True)
class LetterSite:
    """What a hook point holds of the letters: its probes, at the word and at the end of the prompt."""

    probe_id: str
    hook_name: str
    probes: LetterProbes
    last_probes: LetterProbes


class LetterWords:
    """Words, prompts, readings and probes of one model; words of both sides, in the order of the prompts' groups."""

    def __init__(self, spec: WordsSpec, context: TaskContext, model: LanguageModel) -> None:
        self._spec = spec
        self._model = model
        self.split: Split = split_words(
            first_letter_words(model.tokenizer, leading_space=spec.leading_space),
            test_share=spec.test_share,
            seed=spec.seed,
        )
        prompts = first_letter_prompts(
            [*self.split.train, *self.split.test], self.split.train, examples=spec.examples, seed=spec.seed
        )
        self.encoding: Encoding = encode_prompts(model.tokenizer, prompts)
        self.words = [prompt.word for group in self.encoding.groups for prompt in group.prompts]
        self._store_root = context.store_root
        self.folder = context.store_root / FOLDER / self._key()
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

    def prompts_of(self, rows: Int[Tensor, " row"]) -> Iterator[tuple[Int[Tensor, " row"], Int[Tensor, "row t"], int]]:
        """The prompts of some words, a group of one length at a time: places in ``rows``, token ids, word position."""
        start = 0
        for group in self.encoding.groups:
            inside = (rows >= start) & (rows < start + len(group.prompts))
            if bool(inside.any()):
                yield inside.nonzero()[:, 0], group.tokens[rows[inside] - start], group.word_position
            start += len(group.prompts)

    def read(self, context: TaskContext, hook_names: list[str]) -> None:
        """Read the prompts at these hook points; those that a job before has read come from the store's folder."""
        unread = [name for name in hook_names if name not in self.readings.at_word and not self._load(name)]
        if not unread:
            return
        fresh = read_words(
            self._model,
            self.encoding,
            unread,
            batch_size=self._spec.batch_size,
            progress=lambda done, total: context.progress("read", done, total, "words"),
        )
        for name in unread:
            self._take(fresh.answer_logits, name, fresh.at_word[name], fresh.at_last[name])
            tensors = {"answers": fresh.answer_logits, "word": fresh.at_word[name], "last": fresh.at_last[name]}
            save_tensors(context, self.folder / f"{name}.safetensors", tensors)

    def site(self, context: TaskContext, hook_name: str) -> LetterSite:
        """The probes of a hook point, fitted on the train words; the same settings give the same ``probe_id``."""
        if hook_name not in self._sites:
            path = self.folder / f"{hook_name}.probes.safetensors"
            width = self._model.site(hook_name).width
            shapes = {"weight": (len(LETTERS), width), "bias": (len(LETTERS),)}
            shapes |= {f"last_{name}": shape for name, shape in shapes.items()}
            found = load_tensors(context.store_root, path, shapes)
            if found is None:
                context.progress("probes", 0, None, "probes")
                at_word, at_last = (self._fit(side[hook_name]) for side in self._sides)
                found = {
                    "weight": at_word.weight,
                    "bias": at_word.bias,
                    "last_weight": at_last.weight,
                    "last_bias": at_last.bias,
                }
                save_tensors(context, path, found)
            self._sites[hook_name] = LetterSite(
                self.probe_id(hook_name),
                hook_name,
                LetterProbes(found["weight"], found["bias"]),
                LetterProbes(found["last_weight"], found["last_bias"]),
            )
        return self._sites[hook_name]

    def probe_id(self, hook_name: str) -> str:
        """The same for the same probes: it does not depend on which SAEs are looked at."""
        spec = self._spec
        token_ids = [word.token_id for word in self.words]
        settings = (self._model.model_id, hook_name, spec.examples, spec.test_share, spec.seed, token_ids)
        return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]

    @property
    def _sides(self) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        return self.readings.at_word, self.readings.at_last

    def _fit(self, activations: Tensor) -> LetterProbes:
        train = ~self.is_test
        return train_probes(activations[train], self.letters[train], ProbeSettings(seed=self._spec.seed))

    def _key(self) -> str:
        spec = self._spec
        settings = (self._model.model_id, spec.examples, spec.test_share, spec.seed, spec.leading_space)
        return hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:16]

    def _load(self, hook_name: str) -> bool:
        n, width = len(self.words), self._model.site(hook_name).width
        shapes = {"answers": (n, len(LETTERS)), "word": (n, width), "last": (n, width)}
        found = load_tensors(self._store_root, self.folder / f"{hook_name}.safetensors", shapes)
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


def warm_words(spec: WordsSpec, context: TaskContext, model: LanguageModel) -> LetterWords:
    """The words of a spec, kept warm between jobs."""
    settings = (spec.examples, spec.test_share, spec.seed, spec.leading_space)
    key = ("words", path_state(spec.model), model.model_id, *settings)

    def make() -> LetterWords:
        words = LetterWords(spec, context, model)
        apart = [word.surface for word in words.encoding.split_words]
        if apart:
            context.log(f"{len(apart)} words left out, since the tokenizer splits them in a prompt: {' '.join(apart)}")
        if words.split.skipped_letters:
            context.log(f"letters with too few words to be measured: {', '.join(words.split.skipped_letters)}")
        return words

    return context.warm.get(key, make)
