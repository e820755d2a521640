"""The titles of the tables on the absorption screen."""

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from saetui.commands.absorption import CASES
from saetui.commands.table import shown_choice
from saetui.tui.drawing.heat import NEGATIVE
from saetui.visible import visible_token
from saetui.workbench.screens import tables
from saetui.workbench.workbench import Workbench


def title_of_words(bench: Workbench, total: int) -> Content:
    """The title of the words: which letter's, how many, and which of them are shown."""
    letter = bench.attention.letter
    if letter is None:
        return Content("words")
    parts: list[str | tuple[str, str]] = [f"words of {letter}  {total:,}  "]
    shown = shown_choice(bench, CASES)
    names = [choice.name for choice in tables()[CASES].choices]
    parts += [(f"[{name}]", "bold") if name == shown else f" {name} " for name in names]
    if shown is None:
        parts.append(f" /{bench.tables[CASES].filter}")
    return Content.assemble(*parts, (" w", "dim"))


def title_of_evidence(bench: Workbench, *, folded: bool) -> str:
    """The title of a word's latents: what their bars show, and the key of the card where it is ``folded`` away."""
    attention = bench.attention
    if attention.token is None:
        return "latents"
    removal = f"effect of removing it on {(attention.letter or '?').upper()}"
    what = "what it carries of the probe" if attention.metric == "projection" else removal
    return f"latents on {visible_token(attention.token)} · {what}" + (" · c card" if folded else "")


def title_of_occurrences(bench: Workbench, total: int, first: Mapping[str, Any] | None) -> Content:
    """The title of a word's occurrences: how many are listed, and what the colours mean."""
    seen = f"{total:,} of {first['n_occurrences']:,}" if first is not None else ""
    word = visible_token(bench.attention.token) if bench.attention.token is not None else "a word"
    colours = (("■ absorber", "$warning"), "  ", ("■ main latents", NEGATIVE.hex))
    return Content.assemble(f"{word} in the corpus  {seen}  ", *colours, "  ⎋ back")


def title_of_map(bench: Workbench) -> str:
    """What the cells of the map are."""
    measure = "mean absorption fraction" if bench.attention.metric == "projection" else "absorption rate"
    return f"{measure} of every letter in the SAEs in view, %  ⏎ look  ⎋ back"
