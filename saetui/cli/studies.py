"""``saetui study``: a command for every kind of job whose options can be typed, made from its spec when it is asked."""

from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from saetui.cli import work
from saetui.cli.guard import guarded

# The study called so is the whole of it; the job of that name is its first half.
_STUDY_OF = {"absorption": "letters"}


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
    from saetui.cli.spec_options import can_be_typed, spec_command
    from saetui.jobs.registry import spec_kinds

    app = typer.Typer()
    store_option = typer.Option(help="The store's folder; default: the one opened last.")

    def run(document: dict[str, Any], store: Path | None, device: str | None, force: bool) -> None:
        guarded(work.make_study)(document, store, device, force=force)

    for kind, spec in spec_kinds().items():
        if kind not in _STUDY_OF.values() and can_be_typed(spec):
            command = spec_command(spec, run, store_option)
            app.command(_STUDY_OF.get(kind, kind), short_help=spec.model_fields["kind"].description)(command)
    return app
