"""Rich's console for what is not ours: no markup is read in it, and nothing hidden in it is written."""

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from saetui.cli.printing import writing
from saetui.visible import visible_lines


class VisibleConsole(Console):
    """A console that makes visible whatever text it renders, as the last that sees it."""

    def __init__(self, *, width: int | None = None, stderr: bool = False) -> None:
        super().__init__(width=width, stderr=stderr, markup=False, highlight=False, emoji=False)

    def print(self, *objects: Any, **options: Any) -> None:
        with writing():
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        # Rich would call that a failure.
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or (segment.text.isascii() and segment.text.isprintable()):
                yield segment
            else:
                yield Segment(visible_lines(segment.text), segment.style)


def console(*, width: int | None = None) -> VisibleConsole:
    """Standard output for tables and drawings; ``width`` counts where it is no terminal."""
    return VisibleConsole(width=None if sys.stdout.isatty() else width)
