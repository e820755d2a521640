"""Prose and messages keep out wordings that a native reader would stumble over."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Each with what to write instead.
STUMBLES = {
    r"\banew\b": "again",
    r"\}'? is none of": "must be one of …, not …",
    r"\bfor ever\b": "forever",
    r"\b(errors?|difference|line|set)( are| is|,)? parted\b": "split",
    r"shows how it goes": "shows its progress",
    r"\| what \| with \| came out": "measured, script, result",
    r"\b(one|rows?|latents|bytes|nats|steps?|prompts?|examples?) an? "
    r"(letter|word|judged word|token|prompt|SAE|row|line|context|epoch|latent|width)\b"
    r"(?! (needs|reads|gives|has|is|that|where|then|fires))": "per",
    r"\b(words|tokens|units|rows|MB) an? (second|minute)\b": "per second",
    r"\bone (line|lease|folder|file|section|group|text) an? \w+": "one … per …",
    r"\balthough it was (done|made) before": "even if it was done before",
    r"'? is no (path|JSON|ordinary file|id of|number that|session header|time such)": "is not a",
}


def stumbles(text: str) -> list[str]:
    return [
        f"line {text.count(chr(10), 0, found.start()) + 1}: {found[0]!r}; write {instead!r}"
        for pattern, instead in STUMBLES.items()
        for found in re.finditer(pattern, text)
    ]


def prose() -> list[Path]:
    folders = ("saetui", "store", "scripts", "sessions", "tests")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path != Path(__file__)]
    return [path for path in files if path.suffix in (".py", ".sql", ".tcss", ".md")] + sorted(ROOT.glob("*.md"))


@pytest.mark.slow
def test_no_prose_or_message_stumbles() -> None:
    found = {str(path.relative_to(ROOT)): stumbles(path.read_text()) for path in prose()}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "text", ["read anew", "'x!r}' is none of a", "one a word", "7 shows how it goes", "tokens a second"]
)
def test_a_stumble_is_found(text: str) -> None:
    assert stumbles(text)


@pytest.mark.parametrize("text", ["how many latents a letter needs", "None where there is none of this id", "one row"])
def test_plain_words_are_left_alone(text: str) -> None:
    assert stumbles(text) == []
