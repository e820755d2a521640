"""Figures: shown large, or written to a file for a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saetui.commands.arguments import text_of
from saetui.commands.command import Argument, Command, argument, command
from saetui.figures.choice import Asked
from saetui.workbench.exceptions import CommandError
from saetui.workbench.sql_text import file_of_query
from saetui.workbench.user_path import user_path
from saetui.workbench.written_files import write_with_query
from store.queries import text_of as query_text

if TYPE_CHECKING:
    from saetui.figures.choice import Choice
    from saetui.figures.description import Figure
    from saetui.figures.kind import Kind
    from saetui.workbench.workbench import Workbench
    from store import Reader

_THRESHOLDS = ("tau", "lead", "min_cosine")


@command("figure", "Show a figure large, or write it to a file", keys={"F": ""}, label="figure", asks=True)
class ShowFigure(Asked, Command):
    path: str = argument(default="", help="a file ending in .svg or .png", complete="file")
    overwrite: bool = argument(default=False, help="yes: overwrite a file of that name")

    @classmethod
    def options(cls, given: Mapping[str, Any]) -> tuple[Argument, ...]:
        from saetui.figures import FigureError
        from saetui.figures.registry import figure_kind

        try:
            settings = figure_kind(str(given["name"])).settings if "name" in given else ()
        except FigureError:
            return ()  # Errors in the name are reported when the figure is asked for.
        return tuple(Argument(s.name, s.kind, s.default, s.help, None, False, s.words) for s in settings)

    @property
    def reads(self) -> bool:
        return bool(self.path)

    def resolved(self, bench: Workbench) -> ShowFigure:
        from saetui.figures import FigureError
        from saetui.figures.registry import figure_kind

        try:
            takes = figure_kind(self.name).takes
        except FigureError as problem:
            raise CommandError(f"figure: {problem}") from problem
        # The thresholds that hold on the screens hold here as well.
        moved = {name: getattr(bench.attention, name) for name in _THRESHOLDS if name in takes}
        here = replace(self, **{name: value for name, value in moved.items() if getattr(self, name) is None})
        # Models can have hook points of the same name.
        several = len({entry.model_id for entry in bench.catalogue.saes}) > 1
        if several and "model" in takes and not (self.model or self.sae):
            here = replace(here, model=bench.attention.model or "")
        if not {"letter", "word"} <= set(takes) or self.sae or self.letter or self.word:
            return here
        # A figure of one word of a letter is of the word that is looked at.
        entry = bench.catalogue.entry(bench.attention.sae)
        here = replace(here, sae=(entry.name,) if entry is not None else (), letter=bench.attention.letter or "")
        return replace(here, word=bench.attention.token or "")

    def question(self, bench: Workbench) -> str | None:
        from saetui.figures.paper import FORMATS
        from saetui.workbench.written_files import in_the_way, question

        if self.overwrite or not self.path:
            return None
        sql, parameters = self.query(bench.store)
        return question(in_the_way(user_path(self.path), file_of_query(sql, parameters), FORMATS))

    def confirmed(self) -> ShowFigure:
        return replace(self, overwrite=True)

    def run(self, bench: Workbench) -> None:
        if self.path:
            path = user_path(self.path)
            bench.in_background(lambda: export_figure(self.drawn(bench.store), path, overwrite=self.overwrite))
        else:
            bench.front.open_panel("figure", text_of(self))

    def drawn(self, store: Reader) -> Figure:
        """The figure as it is now; raises CommandError where its arguments name nothing in the store."""
        from saetui.figures.registry import draw

        return draw(store, *self._asked(store))

    def query(self, store: Reader) -> tuple[str, dict[str, Any]]:
        """``(sql, parameters)`` of what it shows; raises CommandError as ``drawn`` does."""
        kind, choice = self._asked(store)
        return query_text(kind.query), dict(kind.parameters(choice))

    def _asked(self, store: Reader) -> tuple[Kind, Choice]:
        from saetui.figures import FigureError
        from saetui.figures.registry import chosen

        try:
            return chosen(store, self)
        except FigureError as problem:
            raise CommandError(f"figure: {problem}") from problem


def known_figures() -> dict[str, Kind]:
    """Every kind of figure by its name; raises CommandError where another package adds one that cannot be read."""
    from saetui.figures import FigureError, figure_kinds

    try:
        return figure_kinds()
    except FigureError as problem:
        raise CommandError(f"figure: {problem}") from problem


def list_figures() -> str:
    """All figures, one per line, with the question that each answers."""
    known = known_figures()
    width = max(map(len, known))
    return "\n".join(f"{kind.name:<{width}}  {kind.question}" for kind in known.values())


def export_figure(figure: Figure, path: Path, *, overwrite: bool = False) -> str:
    """Write a figure, with its query beside it; both appear whole or not at all. Returns a line that says so.

    Raises CommandError where it cannot be drawn or written, or one of the two exists and ``overwrite`` does not say
    that it may go.
    """
    from saetui.figures import FigureError
    from saetui.figures.paper import FORMATS, file_of

    text = file_of_query(figure.sql, figure.parameters)
    try:
        drawn = file_of(figure, path)
        query = write_with_query(path, lambda file: file.write(drawn), text, siblings=FORMATS, overwrite=overwrite)
    except (CommandError, FigureError) as problem:
        raise CommandError(f"figure: {problem}") from problem
    return f"{figure.name} written to {path}, the query beside it in {query.name}"
