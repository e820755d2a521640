"""What the subcommands do: thin calls into commands and jobs, which are imported when needed."""

import sys
from pathlib import Path
from typing import Any

from saetui.cli.printing import say


def store_root(store: Path | None) -> Path:
    """The folder of a store as it was given, with ``~`` written out; else of the one opened last.

    Raises CommandError where it cannot be a store's, whatever is in it.
    """
    from saetui.workbench.exceptions import CommandError
    from saetui.workbench.last_store import last_store
    from saetui.workbench.user_path import user_path

    root = user_path(str(store)) if store is not None else last_store()
    try:
        # The database takes only paths that are text.
        str(root.resolve()).encode()
    except RuntimeError:
        raise CommandError(f"{root}: links lead in a circle; put the store's folder in their place") from None
    except UnicodeEncodeError:
        raise CommandError(f"{root}: a name in this path is not UTF-8, as the database needs it; rename it") from None
    return root


def has_terminal() -> bool:
    # The interface reads standard input and draws on standard error.
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def open_last() -> int:
    return open_store(store_root(None), None)


def open_store(store: Path, at: str | None) -> int:
    from saetui.workbench.last_store import remember_store

    store = store_root(store)
    if not has_terminal():
        from saetui.cli.summary import print_summary

        if at is not None:
            _check_link(store, at)
        say("no terminal, so here is the summary")
        return print_summary(store)
    from saetui.tui.start import run

    code = run(store, at=at)
    remember_store(store)
    return code


def _check_link(store: Path, at: str) -> None:
    from saetui.commands.dispatch import dispatch
    from saetui.commands.navigate import Open
    from saetui.workbench.workbench import Workbench

    bench = Workbench.open(store)
    try:
        dispatch(bench, Open(at))
    finally:
        bench.close()


def make_demo(store: Path | None, device: str | None, *, headless: bool) -> int:
    from saetui.jobs.client import JobClient
    from saetui.jobs.demo import submit_demo
    from saetui.workbench.last_store import demo_store
    from store import Store

    root = store_root(store) if store is not None else demo_store()
    Store.open(root, create=True).close()
    client = JobClient(root)
    client.choose_device(device)
    jobs = submit_demo(client)
    if not headless and has_terminal():
        return open_store(root, None)
    from saetui.cli.headless import follow_jobs
    from saetui.cli.summary import print_summary

    code = follow_jobs(root, jobs)
    return code or print_summary(root)


def run_spec(spec: Path, store: Path | None, device: str | None, *, force: bool) -> int:
    from saetui.cli.headless import follow_jobs
    from saetui.jobs import JobClient, load_spec
    from saetui.workbench.user_path import user_path

    loaded = load_spec(user_path(str(spec)))
    root = _existing(store_root(store if store is not None else Path(loaded.store) if loaded.store else None))
    job = JobClient(root).submit(loaded, device, force=force)
    return follow_jobs(root, [job], again="--force")


def make_study(document: dict[str, Any], store: Path | None, device: str | None, *, force: bool) -> int:
    from saetui.cli.headless import follow_jobs
    from saetui.cli.summary import print_summary
    from saetui.jobs import JobClient, JobError, parse_spec
    from saetui.workbench.catalogue import Catalogue
    from saetui.workbench.exceptions import UsageError
    from saetui.workbench.study_comparisons import submit_comparisons
    from store import Store

    root = store_root(store)
    try:
        spec = parse_spec(in_common(root, document["kind"]) | document, source="study", base=Path.cwd())
    except JobError as problem:
        raise UsageError(str(problem)) from problem
    client = JobClient(root)
    job = client.submit(spec, device, force=force)
    with Store.open(root) as opened:
        compared = submit_comparisons(client, Catalogue.read(opened), spec, job)
    return follow_jobs(root, [job, *compared], again="--force") or print_summary(root)


def in_common(root: Path, kind: str) -> dict[str, Any]:
    """The fields of a kind of job in which all SAEs of a store agree, so that they need not be given."""
    from saetui.jobs.registry import has_field, needs_field
    from store import Store

    with Store.open(root) as opened:
        hooks, models = (
            [row[0] for row in opened.fetch(f"SELECT DISTINCT {column} FROM sae JOIN model USING (model_id)").rows]
            for column in ("hook_name", "model.source")
        )
    common = {"hook_name": hooks[0]} if len(hooks) == 1 and needs_field(kind, "hook_name") else {}
    return common | ({"model": models[0]} if len(models) == 1 and has_field(kind, "model") else {})


def list_jobs(store: Path | None, *, as_json: bool = False) -> int:
    from saetui.cli.headless import print_jobs

    return print_jobs(_existing(store_root(store)), as_json=as_json)


def list_notes(words: str, store: Path | None, *, as_json: bool = False) -> int:
    from saetui.cli.notes import print_notes

    return print_notes(_existing(store_root(store)), words, as_json=as_json)


def cancel_job(job: str, store: Path | None) -> int:
    from saetui.cli.headless import cancel_job

    return cancel_job(_existing(store_root(store)), job)


def _existing(root: Path) -> Path:
    """The folder of a store, which has to be there; its database may be in use. Raises StoreError where it is none."""
    from store.folder import Folder
    from store.upgrade import require_store

    require_store(Folder(root))
    return root


def move_job(job: str, device: str, store: Path | None) -> int:
    from saetui.cli.headless import move_job

    return move_job(_existing(store_root(store)), job, device)


def start_job(job: str, store: Path | None, device: str | None) -> int:
    from saetui.cli.headless import start_job

    return start_job(_existing(store_root(store)), job, device)


def explain_toy_absorption() -> int:
    from saetui.cli.toy import explain_absorption

    return explain_absorption()
