"""The ``saetui`` command: data on standard output, the rest on standard error; exits 0 done, 1 failed, 2 bad use."""

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

if TYPE_CHECKING:
    import typer


def main() -> None:
    """Run the command line; a bare ``saetui`` opens the last store without loading anything it does not need."""
    if len(sys.argv) == 1:
        _guarded(_open_last)()
        return
    _app()()


def _guarded(command: Callable[..., int]) -> Callable[..., None]:
    """A subcommand whose known errors end in one message and exit code 1."""

    @wraps(command)
    def guarded(*arguments: Any, **options: Any) -> None:
        from saetui.commands.errors import CommandError
        from saetui.jobs.errors import JobError
        from store.errors import StoreError

        try:
            code = command(*arguments, **options)
        except (CommandError, JobError, StoreError) as error:
            _fail(str(error))
        except KeyboardInterrupt:
            _fail("interrupted", code=130)
        except BrokenPipeError:
            # The reader of our output left; nothing is wrong, and nothing more can be said to it.
            sys.stdout = None
            code = 0
        sys.exit(code)

    return guarded


def _fail(message: str, *, code: int = 1) -> NoReturn:
    print(f"saetui: {message}", file=sys.stderr)
    sys.exit(code)


def _app() -> "typer.Typer":
    import typer

    app = typer.Typer(
        name="saetui",
        help="Find where a sparse autoencoder says what a language model means, and where it fails.",
        no_args_is_help=False,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    jobs = typer.Typer(help="Show the jobs of a store, or cancel one.", invoke_without_command=True)
    app.add_typer(jobs, name="jobs")
    study = typer.Typer(help="Make a study of the SAEs of a store, wait for it, and print the summary.")
    app.add_typer(study, name="study")
    toy = typer.Typer(help="See an effect on toys, where everything is known.", no_args_is_help=True)
    app.add_typer(toy, name="toy")
    store_option = typer.Option(help="The store's folder; default: the one opened last.")
    _register(app, jobs, store_option)
    _register_studies(study, store_option)

    @toy.command("absorption", help="What feature absorption is, on SAEs that are trained while you read.")
    def toy_absorption() -> None:
        _guarded(_toy_absorption)()

    return app


def _register(app: "typer.Typer", jobs: "typer.Typer", store_option: Any) -> None:
    """Every subcommand; typer reads their signatures, so they are written out here."""
    import typer

    @app.callback(invoke_without_command=True)
    def saetui(
        context: typer.Context,
        version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ) -> None:
        if version:
            from saetui import __version__

            print(__version__)
        elif context.invoked_subcommand is None:
            _guarded(_open_last)()

    @app.command("open", help="Open a store; --at goes straight to a place, as copied with Y.")
    def open_(
        store: Annotated[Path, typer.Argument(help="The store's folder.")],
        at: Annotated[str | None, typer.Option(help="A place, e.g. letters/s/412.")] = None,
    ) -> None:
        _guarded(_open)(store, at)

    @app.command(help="Make the demo study, on the embedded model, and open it.")
    def demo(
        headless: Annotated[bool, typer.Option("--headless", help="Print the summary tables instead.")] = False,
        store: Annotated[Path | None, typer.Option(help="The folder to make it in.")] = None,
    ) -> None:
        _guarded(_demo)(store, headless=headless)

    @app.command(help="Run a job specification and wait for it.")
    def run(
        spec: Annotated[Path, typer.Argument(help="A .toml or .json file.")],
        store: Annotated[Path | None, store_option] = None,
        device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Run it although it was done before.")] = False,
    ) -> None:
        _guarded(_run)(spec, store, device, force=force)

    @app.command(help="Draw a figure of a store, or write it to a file; without a name, list the figures.")
    def figure(
        name: Annotated[str | None, typer.Argument(help="Which figure, e.g. absorption_rate.")] = None,
        store: Annotated[Path | None, store_option] = None,
        out: Annotated[Path | None, typer.Option(help="A file ending in .svg or .png.")] = None,
        sae: Annotated[list[str] | None, typer.Option(help="Only this SAE, by name; can be given again.")] = None,
        hook: Annotated[str | None, typer.Option(help="Hook point; default: the one with most SAEs.")] = None,
        letter: Annotated[str | None, typer.Option(help="One letter.")] = None,
        word: Annotated[str | None, typer.Option(help="A word; default: the clearest case.")] = None,
        tau: Annotated[float | None, typer.Option(help="F1 that a main latent must add; default: as studied.")] = None,
        lead: Annotated[float | None, typer.Option(help="Logits by which an absorber must lead.")] = None,
        min_cosine: Annotated[float | None, typer.Option(help="An absorber's least cosine with the probe.")] = None,
        context: Annotated[int | None, typer.Option(help="A context; default: that of the hardest token.")] = None,
    ) -> None:
        chosen = {"sae": tuple(sae or ()), "hook": hook or "", "letter": letter or "", "word": word or ""}
        numbers = {"tau": tau, "lead": lead, "min_cosine": min_cosine, "context": context}
        _guarded(_figure)(name, store, out, **chosen, **numbers)

    @app.command(help="Find codes of tokens anew by gradient pursuit: what could a better encoder do (2410.14670)?")
    def pursue(
        sae: Annotated[str | None, typer.Option(help="SAE, by name or id; default: the widest.")] = None,
        hardest: Annotated[int | None, typer.Option(help="So many tokens with the largest error.")] = None,
        random: Annotated[int | None, typer.Option(help="So many tokens drawn at random; default: 200.")] = None,
        letter: Annotated[str | None, typer.Option(help="The judged words of a letter.")] = None,
        missed: Annotated[bool, typer.Option("--missed", help="Of them only what its main latents miss.")] = False,
        marked: Annotated[bool, typer.Option("--marked", help="The tokens marked in the interface.")] = False,
        place: Annotated[
            list[str] | None, typer.Option(help="A token as CONTEXT:POSITION. Repeat the option for more.")
        ] = None,
        l0: Annotated[str, typer.Option(help="Latents of each token; own: as many as the SAE used.")] = "own",
        method: Annotated[
            str, typer.Option(help="persistent, dark_matter (as published), orthogonal, polish or nnls.")
        ] = "persistent",
        store: Annotated[Path | None, store_option] = None,
        device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Run it although it was done before.")] = False,
    ) -> None:
        ways = {
            "hardest": None if hardest is None else str(hardest),
            "random": None if random is None else str(random),
            "missed" if missed else "letter": letter,
            "marked": "" if marked else None,
            "at": ",".join(place) if place else None,
        }
        given = [(way, of) for way, of in ways.items() if of is not None]
        _guarded(_pursue)(given, sae, l0, method, store, device, missed=missed, force=force)

    @jobs.callback(invoke_without_command=True)
    def list_jobs(context: typer.Context, store: Annotated[Path | None, store_option] = None) -> None:
        if context.invoked_subcommand is None:
            _guarded(_jobs)(store)

    @jobs.command("cancel", help="Cancel a job that waits or runs.")
    def cancel(
        job: Annotated[str, typer.Argument(help="Its id, or the beginning of it.")],
        store: Annotated[Path | None, store_option] = None,
    ) -> None:
        _guarded(_cancel)(job, store)


def _register_studies(study: "typer.Typer", store_option: Any) -> None:
    """The studies; an option that is left out keeps the default of the job specification."""
    import typer

    many = "Repeat the option for more."

    @study.command(help="First letters: probes, letter latents, main latents, and what is absorbed (2409.14507).")
    def letters(
        store: Annotated[Path | None, store_option] = None,
        sae: Annotated[list[str] | None, typer.Option(help=f"SAE, by name or id; default: all. {many}")] = None,
        hook: Annotated[list[str] | None, typer.Option(help=f"Hook point; default: those of the SAEs. {many}")] = None,
        model: Annotated[str | None, typer.Option(help="Language model; default: the embedded one.")] = None,
        words: Annotated[str | None, typer.Option(help="Words that are judged: test (default) or all.")] = None,
        attribution: Annotated[str | None, typer.Option(help="Effects by ig (default) or exact.")] = None,
        ig_path: Annotated[str | None, typer.Option(help="joint (default, as published) or latents_only.")] = None,
        ig_rule: Annotated[str | None, typer.Option(help="left (default, as published) or midpoint.")] = None,
        ig_steps: Annotated[int | None, typer.Option(help="Steps of integrated gradients; default 6.")] = None,
        max_words: Annotated[
            int | None, typer.Option(help="Candidates a letter that are measured; default 200.")
        ] = None,
        tau: Annotated[float | None, typer.Option(help="F1 that a main latent adds; default 0.03.")] = None,
        lead: Annotated[float | None, typer.Option(help="Logits by which an absorber leads; default 1.")] = None,
        min_cosine: Annotated[float | None, typer.Option(help="Of an absorber with the probe; default 0.025.")] = None,
        seed: Annotated[int | None, typer.Option(help="Of split, prompts, probes and samples; default 42.")] = None,
        device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Run it although it was done before.")] = False,
    ) -> None:
        settings = {
            "model": model,
            "words": words,
            "attribution": attribution,
            "ig_path": ig_path,
            "ig_rule": ig_rule,
            "ig_steps": ig_steps,
            "max_words": max_words,
            "tau": tau,
            "lead": lead,
            "min_cosine": min_cosine,
            "seed": seed,
            "saes": sae,
            "hook_names": hook,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        _guarded(_study)({"kind": "absorption", **given}, store, device, force=force)

    @study.command(help="Errors: what is linear in the activation, what stays hard, what it costs (2410.14670).")
    def errors(
        store: Annotated[Path | None, store_option] = None,
        hook: Annotated[str | None, typer.Option(help="Hook point; default: that of the SAEs.")] = None,
        sae: Annotated[list[str] | None, typer.Option(help=f"SAE, by name or id; default: all. {many}")] = None,
        model: Annotated[str | None, typer.Option(help="Language model; default: the embedded one.")] = None,
        corpus: Annotated[str | None, typer.Option(help="Text; default: the standard library's.")] = None,
        context_length: Annotated[int | None, typer.Option(help="Tokens in a context; default 128.")] = None,
        max_tokens: Annotated[int | None, typer.Option(help="Tokens to read; default: the whole corpus.")] = None,
        first_position: Annotated[int | None, typer.Option(help="Positions before it are left out.")] = None,
        intercept: Annotated[bool | None, typer.Option(help="Whether the linear map has one; default: yes.")] = None,
        losses: Annotated[
            bool | None, typer.Option(help="Whether to run the model with each SAE; default: yes.")
        ] = None,
        pursuit_tokens: Annotated[int | None, typer.Option(help="Tokens that are pursued; default 8,000.")] = None,
        seed: Annotated[int | None, typer.Option(help="Of the split and the intervals; default 0.")] = None,
        device: Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")] = None,
        force: Annotated[bool, typer.Option("--force", help="Run it although it was done before.")] = False,
    ) -> None:
        settings = {
            "model": model,
            "corpus": corpus,
            "hook_name": hook,
            "saes": sae,
            "context_length": context_length,
            "max_tokens": max_tokens,
            "first_position": first_position,
            "intercept": intercept,
            "losses": losses,
            "pursuit_tokens": pursuit_tokens,
            "seed": seed,
        }
        given = {name: value for name, value in settings.items() if value is not None}
        _guarded(_study)({"kind": "errors", **given}, store, device, force=force)


def _store_root(store: Path | None) -> Path:
    from saetui.commands.last_store import last_store

    return store if store is not None else last_store()


def _has_terminal() -> bool:
    # The interface reads standard input and draws on standard error.
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def _open_last() -> int:
    return _open(_store_root(None), None)


def _open(store: Path, at: str | None) -> int:
    from saetui.commands.last_store import remember_store

    if not _has_terminal():
        from saetui.commands.summary import print_summary

        print("saetui: no terminal, so here is the summary", file=sys.stderr)
        return print_summary(store)
    from saetui.tui.start import run

    code = run(store, at=at)
    remember_store(store)
    return code


def _demo(store: Path | None, *, headless: bool) -> int:
    from saetui.commands.last_store import demo_store
    from saetui.jobs.client import JobClient
    from saetui.jobs.demo import submit_demo
    from store import Store

    root = store if store is not None else demo_store()
    Store.open(root, create=True).close()
    jobs = submit_demo(JobClient(root))
    if not headless and _has_terminal():
        return _open(root, None)
    from saetui.commands.headless import follow_jobs
    from saetui.commands.summary import print_summary

    code = follow_jobs(root, [job.id for job in jobs])
    return code or print_summary(root)


def _run(spec: Path, store: Path | None, device: str | None, *, force: bool) -> int:
    from saetui.commands.headless import follow_jobs
    from saetui.jobs import JobClient, load_spec

    loaded = load_spec(spec)
    root = store or (Path(loaded.store) if loaded.store else _store_root(None))
    job = JobClient(root).submit(loaded, device, force=force)
    return follow_jobs(root, [job.id])


def _study(document: dict[str, Any], store: Path | None, device: str | None, *, force: bool) -> int:
    from saetui.commands.headless import follow_jobs
    from saetui.commands.summary import print_summary
    from saetui.jobs import JobClient, parse_spec
    from store import Store

    root = _store_root(store)
    with Store.open(root) as opened:
        store_hooks = [row[0] for row in opened.fetch("SELECT DISTINCT hook_name FROM sae ORDER BY ALL").rows]
    if document["kind"] == "errors" and "hook_name" not in document and len(store_hooks) == 1:
        document |= {"hook_name": store_hooks[0]}
    spec = parse_spec(document, source="study", base=Path.cwd())
    job = JobClient(root).submit(spec, device, force=force)
    return follow_jobs(root, [job.id]) or print_summary(root)


def _pursue(
    given: list[tuple[str, str]],
    sae: str | None,
    l0: str,
    method: str,
    store: Path | None,
    device: str | None,
    *,
    missed: bool,
    force: bool,
) -> int:
    from saetui.commands.errors import CommandError
    from saetui.commands.pursue import COUNT, TokenChoice, pursue

    if missed and "missed" not in dict(given):
        raise CommandError("pursue: --missed is about the words of a letter; add --letter, e.g. --letter s")
    if len(given) > 1:
        raise CommandError(f"pursue: choose tokens in one way, not by {' and by '.join(way for way, _ in given)}")
    choice = TokenChoice(*given[0]) if given else TokenChoice("random", str(COUNT))
    return pursue(_store_root(store), sae, choice, l0, method, device, force=force)


def _figure(name: str | None, store: Path | None, out: Path | None, **chosen: Any) -> int:
    from saetui.commands.figures import Figure, export_figure, list_figures

    if name is None:
        print(list_figures())
        return 0
    from store import Store

    with Store.open(_store_root(store)) as opened:
        opened.commit_spool()
        drawn = Figure(name, **chosen).drawn(opened)
    if out is not None:
        print(f"saetui: {export_figure(drawn, out)}", file=sys.stderr)
        return 0
    if drawn.is_empty:
        _fail(f"{name}: there is nothing to draw: {drawn.advice}")
    from saetui.tui.drawing.printed import print_figure

    print_figure(drawn)
    return 0


def _jobs(store: Path | None) -> int:
    from saetui.commands.headless import print_jobs

    return print_jobs(_store_root(store))


def _cancel(job: str, store: Path | None) -> int:
    from saetui.commands.headless import cancel_job

    return cancel_job(_store_root(store), job)


def _toy_absorption() -> int:
    from saetui.commands.toy import explain_absorption

    return explain_absorption()
