"""A subcommand whose options are the fields of a job kind's spec: names, types, bounds and help are the spec's own."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_origin

from saetui.jobs.spec_options import SpecOption, document_of, spec_options

if TYPE_CHECKING:
    from saetui.jobs.specs import Spec


def spec_command(
    spec: "type[Spec]", run: Callable[[dict[str, Any], Path | None, str | None, bool], None], store_option: Any
) -> Callable[..., None]:
    """A function whose parameters are the spec's options; it calls ``run(document, store, device, force)``.

    The document has only what was given.
    """

    def command(store: Path | None, device: str | None, force: bool, **given: Any) -> None:
        document = document_of(spec, said(given))
        if force and "again" in spec.model_fields:
            document["again"] = True
        run(document, store, device, force)

    command.__doc__ = inspect.getdoc(spec)
    options = {name: option_of(option) for name, option in spec_options(spec).items()}
    return with_signature(
        command, [*keyword_only({"store": store_type(store_option), **options}, None), *job_options()]
    )


def option_of(option: SpecOption, kind: Any = None, more: str = "") -> Any:
    """The annotation of a parameter for an option, by default of its own ``kind``; ``more`` is added to its help."""
    import typer

    kind = kind or option.kind
    flag = f"--{option.called.replace('_', '-')}"
    flags = f"{flag}/--no-{flag[2:]}" if kind is bool else flag
    again = " (can be given again)" if get_origin(kind) is list else ""
    completion = (lambda: list(option.words)) if option.words else None
    return Annotated[kind | None, typer.Option(flags, help=option.help + (more or again), autocompletion=completion)]


def said(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of a command's options."""
    return {name: value for name, value in given.items() if value not in (None, [])}


def store_type(store_option: Any) -> Any:
    """The annotation of the parameter for a store's folder."""
    return Annotated[Path | None, store_option]


def job_options() -> list[inspect.Parameter]:
    """The parameters ``device`` and ``force`` of every command that submits a job."""
    import typer

    device = Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")]
    force = Annotated[bool, typer.Option("--force", help="Run it even if it was done before.")]
    return [*keyword_only({"device": device}, None), *keyword_only({"force": force}, False)]


def with_signature(command: Callable[..., None], parameters: Sequence[inspect.Parameter]) -> Callable[..., None]:
    """The function with parameters that typer finds as if they had been written out."""
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return command


def keyword_only(annotations: Mapping[str, Any], default: Any) -> list[inspect.Parameter]:
    """Parameters of these names and annotations, all with the same default."""
    return [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, annotation in annotations.items()
    ]
