"""Labelled cells in a row, each coloured by a number: the letters by F1, layers by error, and the like."""

from collections.abc import Mapping, Sequence

from textual.color import Color
from textual.content import Content
from textual.style import Style

from saetui.tui.drawing.heat import POSITIVE, Heat, heat_look


def heat_strip(
    labels: Sequence[str],
    values: Mapping[str, float],
    width: int,
    *,
    scale: Heat,
    background: Color,
    strong: Color = POSITIVE,
    current: str | None = None,
    action: str | None = None,
) -> Content:
    """Cells as wide as there is room for, in as many lines as that takes.

    Labels without a value stay dim; ``current`` stands out. ``action`` is an action with ``{}`` for the label, done on
    a click.
    """
    longest = max((len(label) for label in labels), default=1)
    padding = next((p for p in (2, 1) if len(labels) * (longest + p) <= width), 0)
    cell = longest + padding
    a_line = max(1, width // cell)
    lines = []
    for start in range(0, len(labels), a_line):
        parts = []
        for label in labels[start : start + a_line]:
            style = Style(dim=True)
            if label in values:
                style = heat_look(scale.level(values[label]), background, strong)
            if label == current:
                style += Style(bold=True, underline=True)
            if action is not None:
                style += Style.from_meta({"@click": action.format(label)})
            parts.append((label.center(cell), style))
        lines.append(Content.assemble(*parts))
    return Content("\n").join(lines)
