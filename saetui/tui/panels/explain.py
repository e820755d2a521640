"""What a number means: definition, unit, and its source in the papers; and how a letter's main latents were found."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from textual.content import Content

from saetui.tui.drawing.fit import fit
from saetui.tui.explained import Explained
from saetui.visible import visible, visible_token
from saetui.workbench.exceptions import CommandError
from saetui.workbench.glossary import glossary

# Terms that say something of main latents, so that the walk that found them is shown.
MAIN_LATENT_TERMS: Final = frozenset(
    {"n_main", "is_main", "role", "f1_gain", "place", "tau", "main_activation", "main_share"}
)
_TOKEN = 14


def explanation(term: str, value: str | None, of: str = "", column: str = "") -> Content:
    """The entry of a term, with the value under the cursor; raises CommandError where there is no such term.

    ``column`` is what SQL calls it, where the screen has another name for it.
    """
    entry = glossary().get(term)
    if entry is None:
        raise CommandError(f"explain: there is no explanation of {term!r} yet")
    lines = [Content("")]
    if value is not None:
        lines.append(Content.assemble("here   ", (visible(entry.said(value)), "bold")))
        if of:
            lines.append(Content.assemble(("of     ", "$muted"), visible(of)))
        lines.append(Content(""))
    lines += [Content(entry.definition), Content("")]
    facts = (("unit", entry.unit), ("range", entry.range), ("source", entry.source), ("in SQL: ", column))
    for name, text in facts:
        if text:
            lines.append(Content.assemble((name.ljust(7), "$muted"), text))
    return Content("\n").join(lines)


def explanations(found: Sequence[Explained]) -> Content:
    """The entries of several numbers, one after the other."""
    return Content("\n").join(
        part
        for one in found
        for part in (
            Content(""),
            Content.styled(one.term, "bold $accent"),
            explanation(one.term, one.value, one.of, one.column),
        )
    )


def walk_lines(letter: str, rows: Sequence[Mapping[str, Any]]) -> list[Content]:
    """How the main latents of a letter were found: rows of the query ``main_latents``."""
    if not rows:
        return [Content(""), Content(f"The k-sparse ranking of {letter} is not stored; :study absorption finds it.")]
    tau, n_main = rows[0]["tau"], rows[0]["n_main"]
    stop = next((row for row in rows if row["step"] == "stop"), None)
    said = f"The walk for {letter}, at tau {tau:g}: "
    if stop is None:
        said += f"all {n_main} latents of the ranking are main latents."
    else:
        said += (
            f"it stopped at k = {stop['k']}, where latent {stop['latent']} adds {_signed(stop['gain'])} to F1, no more "
            f"than {tau:g}; {'latent' if n_main == 1 else f'the {n_main} latents'} before it "
            f"{'is the main latent' if n_main == 1 else 'are the main latents'}. What later ones add is not asked."
        )
    head = f"  {'k':>3} {'latent':>6}  {'fires on':<{_TOKEN}} {'F1':>6} {'adds':>7}"
    lines = [Content(""), Content(said), Content(""), Content.styled(head, "$muted")]
    for row in rows:
        mark, told, style = {
            "main": ("●", "", "bold"),
            "stop": ("✗", "the walk stops here", "$warning"),
            "after": (" ", "", "dim"),
        }[row["step"]]
        if row["step"] == "after" and row["gain"] > tau:
            told = f"no main latent, though it adds more than {tau:g}: the walk had stopped"
        token = fit(visible_token(row["top_token"]) if row["top_token"] else "", _TOKEN).ljust(_TOKEN)
        numbers = f"{row['f1']:>6.3f} {_signed(row['gain']):>7}"
        line = f"{mark} {row['k']:>3} {row['latent']:>6}  {token} {numbers}  {told}"
        lines.append(Content.styled(line.rstrip(), style))
    return lines


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}".replace("-", "−")
