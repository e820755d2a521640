"""Options of a subcommand from the fields of a job kind's spec: names, types, bounds and help are the spec's own."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from saetui.jobs.specs import Spec

# Options that have been called otherwise than the field since before they came from it.
_CALLED = {"saes": "sae", "hook_name": "hook", "hook_names": "hook"}
# Set by the command itself, or by --force.
_NO_OPTIONS = frozenset({"schema_version", "kind", "store", "again"})
_PLAIN = (int, float, str, bool)


def spec_command(
    spec: "type[Spec]", run: Callable[[dict[str, Any], Path | None, str | None, bool], None], store_option: Any
) -> Callable[..., None]:
    """A function whose parameters are the spec's fields; it calls ``run(document, store, device, force)``.

    The document has only what was given, so that everything else keeps the default of the spec, which also checks it.
    A field that is a list of structures becomes one of them, made of the options that its fields give, where the spec
    has no field of that name itself. Others that are neither numbers, words nor lists of them have no option.
    """
    import typer

    fields = option_fields(spec)
    inner = {name: owner for owner, made in _structures(spec).items() for name in made if name not in spec.model_fields}

    def command(store: Path | None, device: str | None, force: bool, **given: Any) -> None:
        document: dict[str, Any] = {"kind": spec.model_fields["kind"].default}
        for name, value in given.items():
            if value not in (None, []):
                if name in inner:
                    document.setdefault(inner[name], [{}])[0][name] = value
                else:
                    document[name] = value
        if force and "again" in spec.model_fields:
            document["again"] = True
        run(document, store, device, force)

    parameters = {"store": Annotated[Path | None, store_option]}
    for name, field in fields.items():
        option = f"--{_CALLED.get(name, name).replace('_', '-')}"
        flags = f"{option}/--no-{option[2:]}" if _type_of(field) is bool else option
        parameters[name] = Annotated[
            _type_of(field) | None, typer.Option(flags, help=_help(field), autocompletion=_completion(_words(field)))
        ]
    parameters["device"] = Annotated[str | None, typer.Option(help="cpu, cuda:0, …; default: the freest.")]
    forced = typer.Option("--force", help="Run it although it was done before.")
    command.__doc__ = inspect.getdoc(spec)
    switches = {"force": Annotated[bool, forced]}
    return with_signature(command, [*keyword_only(parameters, None), *keyword_only(switches, False)])


def option_fields(spec: "type[BaseModel]") -> dict[str, "FieldInfo"]:
    """The fields that have an option, those of the spec's structures among them."""
    fields = {name: field for name, field in spec.model_fields.items() if name not in _NO_OPTIONS and _type_of(field)}
    for made in _structures(spec).values():
        fields |= {name: f for name, f in made.items() if _type_of(f) and name not in spec.model_fields}
    return fields


def can_be_typed(spec: "type[Spec]") -> bool:
    """Whether options can say all that the spec has to be told."""
    structures = _structures(spec)
    return all(_type_of(f) or name in structures for name, f in spec.model_fields.items() if f.is_required())


def _structures(spec: "type[BaseModel]") -> dict[str, dict[str, "FieldInfo"]]:
    """The fields of the model in each field that is a list of models."""
    found = {}
    for name, field in spec.model_fields.items():
        inside = get_args(field.annotation)[:1]
        if get_origin(field.annotation) is tuple and inside and hasattr(inside[0], "model_fields"):
            found[name] = dict(inside[0].model_fields)
    return found


def _words(field: "FieldInfo") -> tuple[str, ...]:
    """The words to choose from; empty where any will do."""
    if get_origin(field.annotation) is Literal:
        return tuple(map(str, get_args(field.annotation)))
    return next((item.names() for item in field.metadata if hasattr(item, "names")), ())


def _completion(words: tuple[str, ...]) -> Callable[[], list[str]] | None:
    return (lambda: list(words)) if words else None


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


def _type_of(field: "FieldInfo") -> Any:
    """What one option takes: a plain type, or a list of one; None where it would take a structure."""
    return plain_type(field.annotation)


def plain_type(annotation: Any) -> Any:
    """What one option of this annotation takes: a plain type, or a list of one; None where it would be a structure."""
    if annotation in _PLAIN:
        return annotation
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return str
    if origin in (Union, UnionType):
        chosen = [argument for argument in arguments if argument is not type(None)]
        return plain_type(chosen[0]) if len(chosen) == 1 else None
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis and arguments[0] in _PLAIN:
        return list[arguments[0]]  # type: ignore[valid-type]
    return None


def _help(field: "FieldInfo") -> str:
    """The description, the words to choose from, the bounds and the default."""
    more = []
    if words := _words(field):
        more.append(f"one of {', '.join(words)}")
    signs = {"gt": ">", "ge": "≥", "lt": "<"}
    bounds = [(sign, getattr(item, name, None)) for name, sign in signs.items() for item in field.metadata]
    more += [f"{sign} {bound}" for sign, bound in bounds if bound is not None]
    if _type_of(field) not in _PLAIN:
        more.append("can be given again")
    if field.default not in (None, (), "") and not field.is_required():
        default = ", ".join(field.default) if isinstance(field.default, tuple) else field.default
        more.append(f"default: {'yes' if default is True else 'no' if default is False else default}")
    # Brackets would be taken for markup.
    return f"{field.description} ({'; '.join(more)})" if more else str(field.description)
