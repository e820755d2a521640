"""``saetui train``: a grid of SAEs on one stream of activations, and the studies of them."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from saetui.cli import work
from saetui.cli.spec_options import job_options, keyword_only, option_of, said, store_type, with_signature
from saetui.jobs.kinds.train.spec import TrainSpec
from saetui.jobs.spec_options import spec_options
from saetui.plugins import architecture_names
from saetui.workbench.study_specs import TRAINED_TOKENS, train_specs

_OPTIONS = spec_options(TrainSpec, {"architecture", "name"})
_GRID = "Every combination of several values is trained, e.g. `saetui train topk --width 64,128 --k 4,8` makes four."
# What belongs to one SAE, and spans the grid.
_AXES = {name for name, option in _OPTIONS.items() if option.inside is not None}


def train_command(run: Callable[..., None], store_option: Any) -> Callable[..., None]:
    """A function whose parameters are the fields of the train job; it calls ``run`` with what was given."""
    import typer

    options = {
        name: option_of(option, list[str], " (several with commas)") if name in _AXES else option_of(option)
        for name, option in _OPTIONS.items()
    }
    options["tokens"] = option_of(_OPTIONS["tokens"], more=f" (default: {TRAINED_TOKENS:,})")
    architecture = typer.Argument(
        help=f"SAE architecture: {', '.join(architecture_names())} (several with commas).",
        autocompletion=lambda: list(architecture_names()),
    )
    study = typer.Option("--study", help="Then find their letters, absorption and latents.")

    def command(**given: Any) -> None:
        run(**said(given))

    command.__doc__ = f"{inspect.getdoc(TrainSpec)}\n\n{_GRID}"
    return with_signature(
        command,
        [
            *keyword_only({"architecture": Annotated[str, architecture]}, inspect.Parameter.empty),
            *keyword_only(options | {"store": store_type(store_option)}, None),
            *keyword_only({"study": Annotated[bool, study]}, False),
            *job_options(),
        ],
    )


def train(
    *,
    architecture: str,
    store: Path | None = None,
    study: bool = False,
    device: str | None = None,
    force: bool = False,
    **given: Any,
) -> int:
    """Train a grid without the interface and wait for it, and for the studies of its SAEs if they are asked for."""
    from saetui.cli.headless import follow_jobs
    from saetui.cli.summary import print_summary
    from saetui.jobs import JobClient

    root = work.store_root(store)
    axes = {name: _values(texts) for name, texts in given.items() if name in _AXES}
    grid = {"architecture": _values([architecture]), **axes}
    train, *studies = train_specs({**work.in_common(root, "train"), **given, **grid})
    client = JobClient(root)
    jobs = [client.submit(train, device, force=force)]
    if study:
        jobs += [client.submit(spec, device, after=jobs[:1], force=force) for spec in studies]
    return follow_jobs(root, jobs, again="--force") or print_summary(root)


def _values(texts: Sequence[str]) -> list[str]:
    return [value.strip() for text in texts for value in text.split(",") if value.strip()]
