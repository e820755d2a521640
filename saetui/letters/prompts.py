"""In-context prompts that ask a model for a word's first letter (2409.14507; one example per line)."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from saetui.letters.vocabulary import LETTERS, Word

ANSWERED = "{word} has the first letter: {letter}"
UNANSWERED = "{word} has the first letter:"
EXAMPLES = 10
# Tokens after the word in an unanswered prompt are: has, the, first, letter, ":"; the word is the sixth from the end.
WORD_POSITION = -6
_REDRAWS = 1000


@dataclass(frozen=True)
class Prompt:
    """One question: the text, and the word it asks about."""

    text: str
    word: Word


def answered_line(word: Word) -> str:
    """One example line with its answer, e.g. ``" short has the first letter: S"``."""
    return ANSWERED.format(word=word.surface, letter=word.letter.upper())


def answer_strings() -> list[str]:
    """The 26 answers in the order a … z: ``" A"`` to ``" Z"``."""
    return [f" {letter.upper()}" for letter in LETTERS]


def first_letter_prompt(word: Word, examples: Sequence[Word], *, prefix: str = "") -> Prompt:
    """The prompt that shows ``examples`` and then asks about ``word``; ``prefix="\\n"`` gives SAEBench's form."""
    lines = [*map(answered_line, examples), UNANSWERED.format(word=word.surface)]
    return Prompt(prefix + "\n".join(lines), word)


def draw_examples(word: Word, pool: Sequence[Word], count: int, random: Random) -> list[Word]:
    """``count`` different words of ``pool`` that do not include ``word``.

    Raises ValueError where the pool is too small to have them.
    """
    if len(pool) - (word in pool) < count:
        raise ValueError(f"{count} example words are needed beside {word.surface!r}, but only {len(pool)} are at hand")
    for _ in range(_REDRAWS):
        examples = random.sample(pool, count)
        if word not in examples:
            return examples
    return random.sample([other for other in pool if other != word], count)


def first_letter_prompts(
    words: Sequence[Word], pool: Sequence[Word], *, examples: int = EXAMPLES, seed: int = 42, prefix: str = ""
) -> list[Prompt]:
    """One prompt per word, its examples drawn from ``pool`` without replacement and without the word itself."""
    random = Random(seed)
    return [first_letter_prompt(w, draw_examples(w, pool, examples, random), prefix=prefix) for w in words]
