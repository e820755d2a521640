"""``saetui train``: a grid of SAEs on one stream of activations, and the studies of them."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from saetui.cli import work
from saetui.cli.printing import say
from saetui.cli.spec_options import job_options, keyword_only, option_of, said, store_type, with_signature
from saetui.cli.take_in import take_in
from saetui.jobs.kinds.train.spec import TrainSpec
from saetui.jobs.spec_options import spec_options
from saetui.plugins import architecture_names
from saetui.recipes import TrainedBy
from saetui.workbench.catalogue import Catalogue, SaeEntry
from saetui.workbench.training_plan import NONE, plan_training
from store import Store

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
    options["tokens"] = option_of(_OPTIONS["tokens"], more=" (default: as many as --like)")
    like = typer.Option(
        help="SAE whose recipe holds for all that is not given; default: the first of the hook point that was trained "
        f"here; '{NONE}': saetui's own settings."
    )
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
            *keyword_only(options | {"like": Annotated[str | None, like], "store": store_type(store_option)}, None),
            *keyword_only({"study": Annotated[bool, study]}, False),
            *job_options(),
        ],
    )


def train(
    *,
    architecture: str,
    store: Path | None = None,
    like: str = "",
    study: bool = False,
    device: str | None = None,
    force: bool = False,
    **given: Any,
) -> int:
    """Train a grid without the interface, which is said first, and wait for it, and for its studies if asked for."""
    from saetui.cli.headless import follow_jobs
    from saetui.cli.summary import print_summary
    from saetui.jobs import JobClient

    root = work.store_root(store)
    axes = {name: _values(texts) for name, texts in given.items() if name in _AXES}
    grid = {"architecture": _values([architecture]), **axes}
    with Store.open(root) as opened:
        take_in(opened)
        saes = Catalogue.read(opened).saes
    asked = {**work.in_common(root, "train"), **given, **grid}
    plan = plan_training(asked, saes, example=_example(saes, asked.get("hook_name")), like=like)
    say(plan.said)
    client = JobClient(root)
    jobs = [client.submit(plan.train, device, force=force)]
    if study:
        jobs += [client.submit(spec, device, after=jobs[:1], force=force) for spec in plan.studies]
    return follow_jobs(root, jobs, again="--force") or print_summary(root)


def _example(saes: Sequence[SaeEntry], hook: str | None) -> SaeEntry | None:
    """The first SAE of a hook point, of those whose recipe is known if there are any."""
    here = [sae for sae in saes if sae.hook_name == hook]
    return next((sae for sae in here if TrainedBy.read(sae.recipe) is not None), here[0] if here else None)


def _values(texts: Sequence[str]) -> list[str]:
    return [value.strip() for text in texts for value in text.split(",") if value.strip()]
