"""The first-letter words of a job: kept warm between jobs, and what was read kept in the store's folder."""

from pathlib import Path

from saetui.jobs.context import TaskContext
from saetui.jobs.sources_state import path_state
from saetui.jobs.specs import WordsSpec
from saetui.jobs.work.spec_settings import settings_of
from saetui.jobs.work.tensor_files import StoredTensors
from saetui.letters import LetterSite, LetterWords, WordSettings
from saetui.lm import LanguageModel

FOLDER = Path("tensors", "words")


def warm_words(spec: WordsSpec, context: TaskContext, model: LanguageModel) -> LetterWords:
    """The words of a spec, kept warm between jobs."""
    settings = settings_of(spec, WordSettings)
    key = ("words", path_state(spec.model), model.model_id, str(model.dtype), settings)

    def make() -> LetterWords:
        words = LetterWords(model, settings)
        split = [word.surface for word in words.encoding.split_words]
        if split:
            context.log(f"{len(split)} words left out, since the tokenizer splits them in a prompt: {' '.join(split)}")
        if words.split.skipped_letters:
            context.log(f"letters with too few words to be measured: {', '.join(words.split.skipped_letters)}")
        return words

    return context.warm.get(key, make)


def read_warm_words(spec: WordsSpec, context: TaskContext, model: LanguageModel, hook_names: list[str]) -> LetterWords:
    """The words of a spec, read at these hook points."""
    words = warm_words(spec, context, model)
    words.read(
        hook_names,
        batch_size=spec.batch_size,
        kept=StoredTensors(context, FOLDER),
        progress=lambda done, total: context.progress("read", done, total, "words"),
    )
    return words


def warm_site(context: TaskContext, words: LetterWords, hook_name: str) -> LetterSite:
    """The probes of a hook point, fitted where they are not in the store's folder."""
    return words.site(
        hook_name,
        kept=StoredTensors(context, FOLDER),
        on_fit=lambda: context.progress("probes", 0, None, "probes"),
    )
