"""The fields of a job kind's spec as flat options, as the command line and the prompt offer them, and back again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

    from saetui.jobs.specs import Spec

# Options that have been called otherwise than the field since before they came from it.
_CALLED = {"saes": "sae", "hook_name": "hook", "hook_names": "hook"}
# Set by the command itself, or by --force.
_NO_OPTIONS = frozenset({"schema_version", "kind", "store", "again"})
_PLAIN = (int, float, str, bool)
_BY_NAME = dict[str, float]


@dataclass(frozen=True)
class SpecOption:
    """One field as an option: ``kind`` is a plain type or a list of one, ``words`` what it chooses from if not empty.

    ``inside`` names the field whose structures it belongs to, for example ``recipes``; numbers ``by_name`` are given
    as NAME=NUMBER.
    """

    name: str
    kind: Any
    help: str
    words: tuple[str, ...]
    required: bool
    inside: str | None = None
    by_name: bool = False

    @property
    def called(self) -> str:
        """What a person calls it."""
        return _CALLED.get(self.name, self.name)


def spec_options(spec: "type[BaseModel]", leave_out: Collection[str] = ()) -> dict[str, SpecOption]:
    """The options of a spec by field, those of its structures among them; ``leave_out`` names fields without one.

    A list of structures becomes one structure, made of the options that its fields give, where the spec has no field
    of that name itself. Fields that are neither numbers, words, lists of them nor numbers by name have no option.
    """
    options = {
        name: _option(name, field)
        for name, field in spec.model_fields.items()
        if name not in _NO_OPTIONS and plain_type(field.annotation)
    }
    for inside, fields in _structures(spec).items():
        for name, field in fields.items():
            if plain_type(field.annotation) and name not in spec.model_fields:
                options[name] = _option(name, field, inside)
    return {name: option for name, option in options.items() if name not in leave_out}


def can_be_typed(spec: "type[Spec]") -> bool:
    """Whether options can give all required fields of the spec."""
    structures = _structures(spec)
    return all(
        plain_type(field.annotation) or name in structures
        for name, field in spec.model_fields.items()
        if field.is_required()
    )


def document_of(spec: "type[Spec]", given: Mapping[str, Any]) -> dict[str, Any]:
    """The document of what was given, by field; everything else keeps the default of the spec, which also checks it."""
    options = spec_options(spec)
    document: dict[str, Any] = {"kind": spec.model_fields["kind"].default}
    for name, value in given.items():
        inside = options[name].inside
        owner = document if inside is None else document.setdefault(inside, [{}])[0]
        if options[name].by_name:
            value = {name: texts if len(texts) > 1 else texts[0] for name, texts in named_numbers(value).items()}
        owner[name] = value
    return document


def named_numbers(texts: Iterable[str]) -> dict[str, list[str]]:
    """The texts of numbers by their names: ``a=3,5`` and ``b=1``, and ``a=3``, ``5`` and ``b=1`` alike."""
    found: dict[str, list[str]] = {}
    name = ""
    for text in filter(None, ",".join(texts).split(",")):
        before, equals, after = text.partition("=")
        name = before.strip() if equals else name or before.strip()
        found.setdefault(name, []).append(after if equals else "" if name == before.strip() else before)
    return found


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
    return list[str] if annotation == _BY_NAME else None


def _option(name: str, field: "FieldInfo", inside: str | None = None) -> SpecOption:
    by_name = field.annotation == _BY_NAME
    kind, required = plain_type(field.annotation), field.is_required()
    return SpecOption(name, kind, _help(field), _words(field), required, inside, by_name)


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


def _help(field: "FieldInfo") -> str:
    """The description, the words to choose from, the bounds and the default."""
    from saetui.jobs.specs import MOST_LISTED

    more = []
    if words := _words(field):
        more.append(f"one of {', '.join(words)}")
    signs = {"gt": ">", "ge": "≥", "lt": "<", "le": "≤"}
    bounds = [(sign, getattr(item, name, None)) for name, sign in signs.items() for item in field.metadata]
    # What only guards against typing errors tells nobody anything.
    more += [f"{sign} {bound}" for sign, bound in bounds if bound is not None and bound < MOST_LISTED]
    if field.annotation == _BY_NAME:
        more.append("each as NAME=NUMBER")
    elif field.default not in (None, (), "") and not field.is_required():
        default = ", ".join(field.default) if isinstance(field.default, tuple) else field.default
        more.append(f"default: {'yes' if default is True else 'no' if default is False else default}")
    # Brackets would be taken for markup.
    return f"{field.description} ({'; '.join(more)})" if more else str(field.description)
