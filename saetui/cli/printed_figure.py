"""A figure on standard output: as wide as the terminal, in its colours, or plain text where there is none."""

from rich.segment import Segment, Segments

from saetui.figures.description import Figure
from saetui.tui.drawing.look import PLAIN
from saetui.tui.drawing.sheet import print_lines

_WIDTH = 100
_WIDEST = 160


def print_figure(figure: Figure) -> None:
    """Print all plots of a figure and its note."""
    from saetui.cli.visible_console import console

    output = console(width=_WIDTH)
    for strip in print_lines(figure, min(output.width, _WIDEST), PLAIN):
        output.print(Segments([*_without_trailing_space(list(strip)), Segment.line()]), end="")


def _without_trailing_space(segments: list[Segment]) -> list[Segment]:
    while segments and not segments[-1].text.strip():
        segments.pop()
    return [*segments[:-1], Segment(segments[-1].text.rstrip(), segments[-1].style)] if segments else []
