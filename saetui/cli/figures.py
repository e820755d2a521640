"""``saetui figure``: its options from what figures can be asked; a figure on standard output or in a file."""

import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from saetui.cli import work
from saetui.cli.guard import fail
from saetui.cli.printing import put, put_json, say
from saetui.cli.spec_options import keyword_only, with_signature
from saetui.figures.choice import OPTIONS, Asked
from saetui.figures.description import Figure
from saetui.figures.kind import Kind
from saetui.jobs.spec_options import plain_type

_WIDTH = 100
_WIDEST = 160


def figure_command(run: Callable[..., None], store_option: Any) -> Callable[..., None]:
    """A function whose parameters are what the figures take; it calls ``run(name, store, out, force, **chosen)``."""
    from saetui.commands.figures import known_figures

    known = known_figures()
    hints = get_type_hints(Asked)
    told = {part.name: part.metadata for part in fields(Asked) if part.name in OPTIONS}
    name = typer.Argument(help="Which figure, e.g. absorption_rate.", autocompletion=lambda: list(known))
    out = typer.Option(help="A file ending in .svg or .png.")
    parameters = {
        "name": Annotated[str | None, name],
        "store": Annotated[Path | None, store_option],
        "out": Annotated[Path | None, out],
    }
    for option, about in told.items():
        if any(option in kind.takes for kind in known.values()):
            low, high = about["within"] or (None, None)
            text = about["help"][0].upper() + about["help"][1:]
            if hints[option] == tuple[str, ...]:
                text += " (can be given again)"
            made = typer.Option(_flag(option), help=text, min=low, max=high)
            parameters[option] = Annotated[plain_type(hints[option]) | None, made]
    helps: dict[str, list[str]] = {}
    settings = [(kind, setting) for kind in known.values() for setting in kind.settings]
    for kind, setting in settings:
        words = f" One of {', '.join(setting.words)}." if setting.words else ""
        text = f"Of {kind.name}: {setting.help}{words} (default: {setting.default})"
        helps.setdefault(setting.name, []).append(text)
    for _, setting in settings:
        flag = f"{_flag(setting.name)}/--no-{_flag(setting.name)[2:]}" if setting.kind is bool else _flag(setting.name)
        made = typer.Option(flag, help=" ".join(helps[setting.name]))
        parameters[setting.name] = Annotated[setting.kind | None, made]
    forced = Annotated[bool, typer.Option("--force", help="Overwrite files of that name.")]
    as_json = Annotated[bool, typer.Option("--json", help="List the figures as JSON, for other programs.")]

    def command(**given: Any) -> None:
        said = {key: tuple(value) if isinstance(value, list) else value for key, value in given.items()}
        run(**{key: value for key, value in said.items() if value not in (None, ())})

    summary = "Draw a figure of a store, or write it to a file; without a name, list the figures."
    # Lines after a backspace are not run together.
    command.__doc__ = "\n".join([summary, "", "\b", *map(_line, known.values())])
    switches = keyword_only({"force": forced, "as_json": as_json}, False)
    return with_signature(command, [*keyword_only(parameters, None), *switches])


def _line(kind: Kind) -> str:
    return f"{kind.name}: {kind.question}\n    {' '.join(map(_flag, kind.options))}"


def _flag(option: str) -> str:
    return f"--{option.replace('_', '-')}"


def draw_figure(
    name: str | None = None,
    store: Path | None = None,
    out: Path | None = None,
    *,
    force: bool = False,
    as_json: bool = False,
    **chosen: Any,
) -> int:
    """Print a figure, or write it to ``out``; without a name, list them all."""
    from saetui.commands.figures import ShowFigure, export_figure, known_figures, list_figures
    from saetui.figures import FigureError
    from saetui.figures.paper import FORMATS
    from saetui.figures.registry import figure_kind
    from saetui.workbench.exceptions import UsageError

    if name is None and as_json:
        kinds = known_figures().values()
        put_json([{"name": k.name, "question": k.question, "options": list(map(_flag, k.options))} for k in kinds])
        return 0
    if name is None:
        put(list_figures())
        return 0
    if as_json:
        raise UsageError("figure: --json lists the figures, and takes no name; --out writes one to a file")
    try:
        kind = figure_kind(name)
    except FigureError as problem:
        raise UsageError(f"figure: {problem}") from problem
    unknown = [option for option in chosen if option not in kind.options]
    if unknown:
        raise UsageError(f"figure: {name} takes no {unknown[0]}; it takes {', '.join(kind.options)}")
    if out is not None and out.suffix.lower() not in FORMATS:
        raise UsageError(f"figure: {out.name!r} must end in {' or '.join(FORMATS)}")
    for option, value in chosen.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"figure: {_flag(option)}: {value} is not a number that can be compared with")
    from saetui.cli.take_in import take_in
    from saetui.workbench.user_path import user_path
    from store import Store

    with Store.open(work.store_root(store)) as opened:
        take_in(opened)
        common = {option: value for option, value in chosen.items() if option in OPTIONS}
        further = tuple((option, value) for option, value in chosen.items() if option not in OPTIONS)
        drawn = ShowFigure(name, **common, further=further).drawn(opened)
    if out is not None:
        say(export_figure(drawn, user_path(str(out)), overwrite=force))
        return 0
    if drawn.is_empty:
        fail(f"{name}: there is nothing to draw: {drawn.advice}")
    print_figure(drawn)
    return 0


def print_figure(figure: Figure) -> None:
    """Print all plots of a figure and its note: as wide as the terminal, in its colours, or plain text without one."""
    from rich.segment import Segment, Segments

    from saetui.cli.visible_console import console
    from saetui.tui.drawing.look import PLAIN
    from saetui.tui.drawing.sheet import print_lines

    output = console(width=_WIDTH)
    for strip in print_lines(figure, min(output.width, _WIDEST), PLAIN):
        segments = list(strip)
        while segments and not segments[-1].text.strip():
            segments.pop()
        if segments:
            segments[-1] = Segment(segments[-1].text.rstrip(), segments[-1].style)
        output.print(Segments([*segments, Segment.line()]), end="")
