"""Figures: shown large, or written to a file for a paper."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from saetui.commands.arguments import text_of
from saetui.commands.command import Command, argument, command
from saetui.workbench.exceptions import CommandError
from saetui.workbench.sql_text import file_of_query
from saetui.workbench.user_path import user_path
from saetui.workbench.written_files import write_with_query
from store.queries import named_query

if TYPE_CHECKING:
    from saetui.figures.choice import Choice
    from saetui.figures.description import Figure as Drawn
    from saetui.figures.kind import Kind
    from saetui.workbench.workbench import Workbench
    from store import Reader

_THRESHOLDS = ("tau", "lead", "min_cosine")


@command("figure", "Show a figure large, or write it to a file", keys={"F": ""}, label="figure", asks=True)
class Figure(Command):
    name: str = argument(help="a figure, e.g. absorption_rate", complete="figure")
    sae: tuple[str, ...] = argument(default=(), help="only these SAEs, by name", complete="sae")
    hook: str = argument(default="", help="hook point; the one with most SAEs if left out", complete="hook")
    letter: str = argument(default="", help="one letter; all of them if left out", complete="letter")
    word: str = argument(default="", help="a word; the clearest case if left out")
    path: str = argument(default="", help="a file ending in .svg or .png", complete="file")
    tau: float | None = argument(default=None, help="F1 that a main latent must add; as studied if left out")
    lead: float | None = argument(default=None, help="logits by which an absorber must lead; as studied if left out")
    min_cosine: float | None = argument(default=None, help="an absorber's least cosine; as studied if left out")
    context: int | None = argument(default=None, help="a context of the error study; the hardest token's if left out")
    model: str = argument(default="", help="model of an error study, by name or id; the current one if left out")
    overwrite: bool = argument(default=False, help="yes: also where a file of that name exists")

    def resolved(self, bench: Workbench) -> Figure:
        from saetui.figures import FigureError
        from saetui.figures.catalogue import kind_of

        try:
            takes = kind_of(self.name).takes
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

    def confirmed(self) -> Figure:
        return replace(self, overwrite=True)

    def run(self, bench: Workbench) -> None:
        if self.path:
            path = user_path(self.path)
            bench.in_background(lambda: export_figure(self.drawn(bench.store), path, overwrite=self.overwrite))
        else:
            bench.front.open_panel("figure", text_of(self))

    def drawn(self, store: Reader) -> Drawn:
        """The figure as it is now; raises CommandError where its arguments name nothing in the store."""
        from saetui.figures.catalogue import draw

        return draw(store, *self._asked(store))

    def query(self, store: Reader) -> tuple[str, dict[str, Any]]:
        """``(sql, parameters)`` of what it shows; raises CommandError as ``drawn`` does."""
        kind, choice = self._asked(store)
        return named_query(kind.query), dict(kind.parameters(choice))

    def _asked(self, store: Reader) -> tuple[Kind, Choice]:
        from saetui.figures import FigureError
        from saetui.figures.catalogue import asked

        words = {name: getattr(self, name) or None for name in ("sae", "hook", "letter", "word", "model")}
        numbers = {name: getattr(self, name) for name in (*_THRESHOLDS, "context")}
        try:
            return asked(store, self.name, **words, **numbers)
        except FigureError as problem:
            raise CommandError(f"figure: {problem}") from problem


def list_figures() -> str:
    """All figures, a line each, with the question it answers."""
    from saetui.figures import FIGURES

    width = max(map(len, FIGURES))
    return "\n".join(f"{kind.name:<{width}}  {kind.question}" for kind in FIGURES.values())


def export_figure(figure: Drawn, path: Path, *, overwrite: bool = False) -> str:
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
