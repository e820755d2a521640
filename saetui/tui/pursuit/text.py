"""A pursuit in a few lines: what the next one will be, what runs, and its result beside the paper's figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from saetui.workbench.attention import Attention
from saetui.workbench.pursuit_comparison import PAPER, comparison, selection
from saetui.workbench.token_choice import COUNT, OWN, TokenChoice

_NAME, _NUMBER = 20, 9


def next_pursuit(attention: Attention, sae: str, doing: str) -> Content:
    """The settings of the next pursuit with the keys that change them; or how far the running one is."""
    if doing:
        return Content.assemble(
            ("pursuing ", "bold $accent"), (doing, ""), ("   x", "bold $accent"), (" cancels", "dim")
        )
    l0 = "its own L0" if attention.pursue_l0 == OWN else f"{attention.pursue_l0} latents per token"
    parts: list[str | tuple[str, str]] = [("p", "bold $accent"), (" pursues  ", "dim")]
    for key, value in (
        ("W", TokenChoice.read(attention.pursue_tokens).in_words),
        ("b", l0),
        ("P", attention.pursue_method),
        ("<>", sae),
    ):
        parts += [(value, "bold"), (f" {key}", "$accent"), "   "]
    return Content.assemble(*parts)


def outcome(run: Mapping[str, Any] | None, width: int, runs: Sequence[Mapping[str, Any]] = ()) -> list[Content]:
    """Lines on a row of ``pursuit_runs``: figures before and after, and what 2410.14670 says of the change.

    ``runs`` are all rows, among which a random sample is looked for where the tokens are none.
    """
    if run is None:
        return []
    l0 = "own L0" if run["l0_rule"] == OWN else f"L0 {run['l0_rule']}"
    excluded = f" · {run['n_excluded']} not finite" if run["n_excluded"] else ""
    said = f"{run['n_tokens']:,} tokens · {run['method']}, {l0} · {run['seconds']:.2f} s{excluded}"
    name = _NAME if width >= 64 else 11
    head = "".join(text.rjust(_NUMBER) for text in ("before", "after", "change"))
    lines = [
        Content.assemble((f"{run['chosen']}", "bold"), (f" in {run['sae']}", "bold"), (f"  {said}", "dim")),
        Content.styled(" " * name + head + f"   {PAPER if width >= 96 else PAPER.partition(', ')[0]}", "dim"),
    ]
    for label, before, after, change, paper in comparison(dict(run)):
        if "nonlinear" in label and run["study_id"] is None:
            paper = f"{paper}; errors are split once `saetui study errors` has seen this SAE"
        short = label if width >= 64 else label.replace("FVU, nonlinear part", "nonlinear")
        tint = (
            "$success" if change.startswith("−") else "$error" if change.startswith("+") and change != "+0.0%" else ""
        )
        lines.append(
            Content.assemble(
                (short.ljust(name), "dim"),
                before.rjust(_NUMBER),
                after.rjust(_NUMBER),
                (change.rjust(_NUMBER), f"bold {tint}".strip()),
                (f"   {paper}", "dim"),
            )
        )
    if said := selection(dict(run), runs, f":pursue random {max(run['n_tokens'], COUNT)}"):
        lines.append(Content.styled(said, "$warning"))
    return [line if line.cell_length <= width else line.truncate(width, ellipsis=True) for line in lines]
