"""The titles of the tables on the absorption screen."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from saetui.commands.absorption import CASES
from saetui.commands.table import shown_choice
from saetui.tui.drawing.heat import sign_look
from saetui.visible import visible, visible_token
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
    return Content.assemble(*parts, (" w   ⏎ contexts of the word", "dim"))


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
    word = visible_token(bench.attention.token) if bench.attention.token is not None else "a word"
    seen = ""
    if first is not None:
        shown = "" if total == first["n_occurrences"] else f"{total:,} of "
        tokens = "" if first["n_tokens"] is None else f" in {first['n_tokens']:,} tokens of {visible(first['corpus'])}"
        seen = f"  {shown}{first['n_occurrences']:,}{tokens}"
    colours = (("■ absorber", sign_look(1)), "  ", ("■ main latents", sign_look(-1)))
    return Content.assemble(f"contexts of {word}{seen}  ", *colours, "  ⎋ back")


def no_occurrences(bench: Workbench) -> str:
    """Why a word has no contexts: no activations are stored, or it does not stand where they were stored."""
    entry = bench.catalogue.entry(bench.attention.sae)
    if entry is None or entry.activation_tokens is None:
        return "no activations of this SAE are stored\n:study latents stores those of the SAEs in view"
    where = f"{entry.activation_tokens:,} tokens" if entry.activation_tokens else "tokens"
    return f"the word does not stand in the {where} on which this SAE's activations are stored"


def title_of_map(bench: Workbench, rows: Sequence[Mapping[str, Any]]) -> str:
    """What the cells of the map are, and why some are dim."""
    measure = "mean absorption fraction" if bench.attention.metric == "projection" else "absorption rate"
    dim = " · dim: not in the mean" if any(row["left_out"] for row in rows) else ""
    return f"{measure} of every letter in the SAEs in view, %{dim}  ⏎ look  ⎋ back"
