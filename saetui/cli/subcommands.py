"""Every subcommand with its arguments; typer reads the signatures."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from saetui.cli import work
from saetui.cli.guard import guarded
from saetui.cli.printing import put

if TYPE_CHECKING:
    import typer


def make_app() -> "typer.Typer":
    import typer

    from saetui.cli.made_later import Studies

    app = typer.Typer(
        name="saetui",
        help="Find where a sparse autoencoder says what a language model means, and where it fails.",
        no_args_is_help=False,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    jobs = typer.Typer(help="Show the jobs of a store; start or cancel one.", invoke_without_command=True)
    app.add_typer(jobs, name="jobs")
    study = typer.Typer(cls=Studies, help="Make a study of the SAEs of a store, wait for it, and print the summary.")
    app.add_typer(study, name="study")
    toy = typer.Typer(help="See an effect on toys, where everything is known.", no_args_is_help=True)
    app.add_typer(toy, name="toy")
    store_option = typer.Option(help="The store's folder; default: the one opened last.")
    _register(app, jobs, store_option)

    @toy.command("absorption", help="What feature absorption is, on SAEs that are trained while you read.")
    def toy_absorption() -> None:
        guarded(work.explain_toy_absorption)()

    return app


def _register(app: "typer.Typer", jobs: "typer.Typer", store_option: Any) -> None:
    """Every subcommand; typer reads their signatures, so they are written out here."""
    import typer

    json_option = typer.Option("--json", help="Print them as JSON, for other programs.")

    from saetui.cli.made_later import made_later

    @app.callback(invoke_without_command=True)
    def saetui(
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ) -> None:
        if version:
            from saetui import __version__

            put(__version__)
        elif context.invoked_subcommand is None:
            guarded(work.open_last)()

    @app.command("open", help="Open a store; --at goes straight to a place, as copied with Y.")
    def open_(
        store: Annotated[Path, typer.Argument(help="The store's folder.")],
        at: Annotated[str | None, typer.Option(help="A place, e.g. letters/s/412.")] = None,
    ) -> None:
        guarded(work.open_store)(store, at)

    @app.command(help="Make the demo study, on the embedded model, and open it.")
    def demo(
        headless: Annotated[bool, typer.Option("--headless", help="Print the summary tables instead.")] = False,
        store: Annotated[Path | None, typer.Option(help="The folder to make it in.")] = None,
        device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")] = None,
    ) -> None:
        guarded(work.make_demo)(store, device, headless=headless)

    @app.command(help="Look which devices there are and whether torch can use them, and say what to do where not.")
    def doctor(as_json: Annotated[bool, json_option] = False) -> None:
        from saetui.cli.doctor import examine

        guarded(examine)(as_json=as_json)

    @app.command(help="Run a job specification and wait for it.")
    def run(
        spec: Annotated[Path, typer.Argument(help="A .toml or .json file.")],
        store: Annotated[Path | None, store_option] = None,
        device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Run it even if it was done before.")] = False,
    ) -> None:
        guarded(work.run_spec)(spec, store, device, force=force)

    def make_figure() -> Callable[..., None]:
        from saetui.cli.figures import draw_figure, figure_command

        return figure_command(guarded(draw_figure), store_option)

    app.command("figure", cls=made_later(make_figure), help="Draw a figure of a store, or write it to a file.")(_later)

    def make_train() -> Callable[..., None]:
        from saetui.cli.train import train, train_command

        return train_command(guarded(train), store_option)

    app.command("train", cls=made_later(make_train), help="Train a grid of SAEs on one stream of activations.")(_later)

    def make_pursue() -> Callable[..., None]:
        from saetui.cli.pursue import pursue, pursue_command

        return pursue_command(guarded(pursue), store_option)

    pursued = "Find the codes of tokens again by gradient pursuit: what could a better encoder do (2410.14670)?"
    app.command("pursue", cls=made_later(make_pursue), help=pursued)(_later)

    @jobs.callback(invoke_without_command=True)
    def list_jobs(
        context: typer.Context,
        store: Annotated[Path | None, store_option] = None,
        as_json: Annotated[bool, json_option] = False,
    ) -> None:
        if context.invoked_subcommand is None:
            guarded(work.list_jobs)(store, as_json=as_json)

    @app.command(help="List the notes and marks of a store.")
    def notes(
        words: Annotated[str, typer.Argument(help="Only those with this text in them.")] = "",
        store: Annotated[Path | None, store_option] = None,
        as_json: Annotated[bool, json_option] = False,
    ) -> None:
        guarded(work.list_notes)(words, store, as_json=as_json)

    @jobs.command("cancel", help="Cancel a job that waits or runs.")
    def cancel(
        job: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
        store: Annotated[Path | None, store_option] = None,
    ) -> None:
        guarded(work.cancel_job)(job, store)

    @jobs.command("start", help="Start a job that somebody else has queued, or that was queued on another machine.")
    def start(
        job: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
        store: Annotated[Path | None, store_option] = None,
        device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the one it is queued for.")] = None,
    ) -> None:
        guarded(work.start_job)(job, store, device)

    @jobs.command("move", help="Have a job that waits run on another device.")
    def move(
        job: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
        device: Annotated[str, typer.Argument(help="cpu, cuda:0, … or the id of a GPU.")],
        store: Annotated[Path | None, store_option] = None,
    ) -> None:
        guarded(work.move_job)(job, device, store)


def _later() -> None:
    """Stands for the function of a command that is made when it is asked."""
