"""Subcommands whose options are made when they are asked: specs bring pydantic, and figures have to be looked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from saetui.cli import work
from saetui.cli.guard import guarded, told


class _MadeLater(TyperCommand):
    """A command that is its name and its help until it is called, completed or asked for its own help."""

    make: ClassVar[Callable[[], Callable[..., None]]]

    def make_context(self, *arguments: Any, **settings: Any) -> Any:
        with told():
            app = typer.Typer(add_completion=False)
            app.command()(type(self).make())
            made = typer.main.get_command(app)
        self.params, self.callback, self.help = made.params, made.callback, made.help
        return super().make_context(*arguments, **settings)


def made_later(make: Callable[[], Callable[..., None]]) -> type[TyperCommand]:
    """A class of command whose function comes from ``make`` when it is needed."""
    return type("MadeLater", (_MadeLater,), {"make": staticmethod(make)})


class Studies(TyperGroup):
    """Reads the specs only where a study is named or all are listed: they bring pydantic."""

    _are_loaded = False

    def list_commands(self, ctx: Any) -> list[str]:
        self._load()
        return super().list_commands(ctx)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        self._load()
        return super().get_command(ctx, cmd_name)

    def _load(self) -> None:
        if self._are_loaded:
            return
        self._are_loaded = True
        self.commands.update(typer.main.get_group(_studies()).commands)


def _studies() -> typer.Typer:
    from saetui.cli.spec_options import spec_command
    from saetui.jobs.registry import spec_kinds
    from saetui.jobs.spec_options import can_be_typed

    app = typer.Typer()
    store_option = typer.Option(help="The store's folder; default: the one opened last.")

    def run(document: dict[str, Any], store: Path | None, device: str | None, force: bool) -> None:
        guarded(work.make_study)(document, store, device, force=force)

    known = spec_kinds()
    whole = {spec.whole_study for spec in known.values()}
    for kind, spec in known.items():
        if kind not in whole and can_be_typed(spec):
            command = spec_command(spec, run, store_option)
            app.command(spec.whole_study or kind, short_help=spec.model_fields["kind"].description)(command)
    return app
