"""A command: one typed action with a verb, arguments, a line of help and default keys."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform, get_type_hints

from saetui.workbench.screens import screens_with

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

# What an argument can be: the name of a source of ``saetui.commands.completion``, or a source of its own.
Complete = str | Callable[["Workbench"], Iterable[str]]

_ARGUMENTS: dict[type[Command], tuple[Argument, ...]] = {}


@dataclass(frozen=True)
class Argument:
    """One argument of a command, as the prompt and the help need it; ``words`` are those that it chooses from."""

    name: str
    kind: Any
    default: Any
    help: str
    complete: Complete | None
    rest: bool
    words: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        return self.default is MISSING

    @property
    def usage(self) -> str:
        """How the help writes it: ``LETTER``, or ``[LETTER]`` where it may be left out."""
        return self.name.upper() if self.required else f"[{self.name.upper()}]"


def argument(default: Any = MISSING, *, help: str = "", complete: Complete | None = None, rest: bool = False) -> Any:  # noqa: A002
    """A field of a command; ``complete`` is a source of completions, or its name; ``rest`` takes the rest."""
    return dataclasses.field(default=default, metadata={"help": help, "complete": complete, "rest": rest})


@dataclass(frozen=True, eq=False, repr=False)
class Command:
    """Base of all commands; a subclass is made with ``@command`` and does its work in ``run``."""

    verb: ClassVar[str] = ""
    summary: ClassVar[str] = ""
    keys: ClassVar[Mapping[str, str]] = {}
    elsewhere: ClassVar[bool] = False
    label: ClassVar[str] = ""
    group: ClassVar[str] = ""
    recorded: ClassVar[bool] = True
    asks: ClassVar[bool] = False
    # Whether it leads to another place in the history.
    visits: ClassVar[bool] = True

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((self.verb, *vars(self).values()))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.values().items())
        return f"{type(self).__name__}({given})"

    def run(self, bench: Workbench) -> None:
        """Do it; raises CommandError where it cannot be done here."""
        raise NotImplementedError

    def resolved(self, bench: Workbench) -> Command:  # noqa: ARG002
        """The same command with every argument it takes from the cursor filled in, so that it can be replayed."""
        return self

    @property
    def reads(self) -> bool:
        """Whether filling in its arguments, its question or doing it asks the store, which can take long."""
        return False

    def question(self, bench: Workbench) -> str | None:  # noqa: ARG002
        """The question before it is done from the keyboard; None where it needs none."""
        return None

    def confirmed(self) -> Command:
        """The same command after a yes to its question."""
        return self

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:  # noqa: ARG003
        """Why it cannot be done now on a screen of its own, in a few words; empty where it can.

        A ``named`` command has its arguments given, so that it does not need what is under the cursor.
        """
        return ""

    @classmethod
    def available(cls, bench: Workbench) -> bool:
        """Whether its key does something here and now; decides what the footer offers."""
        return cls.works_on(bench.screen) and not cls.obstacle(bench)

    @classmethod
    def works_on(cls, screen: str) -> bool:
        """Whether it belongs to a screen, or to all; the manifests of the screens say so."""
        return screen in (screens_with(cls.verb, cls.group) or {screen})

    @classmethod
    def arguments(cls) -> tuple[Argument, ...]:
        if cls not in _ARGUMENTS:
            _ARGUMENTS[cls] = _arguments(cls)
        return _ARGUMENTS[cls]

    @classmethod
    def options(cls, given: Mapping[str, Any]) -> tuple[Argument, ...]:  # noqa: ARG003
        """Further arguments by name, which depend on those given already: the options of a job."""
        return ()

    @classmethod
    def usage(cls) -> str:
        """One line: the verb and its arguments."""
        return " ".join([cls.verb, *(a.usage for a in cls.arguments())])

    def values(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, as JSON can hold them."""
        given = {a.name: getattr(self, a.name) for a in self.arguments()}
        kept = {a.name: given[a.name] for a in self.arguments() if a.required or given[a.name] != a.default}
        kept |= dict(self.further)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in kept.items()}

    @property
    def further(self) -> tuple[tuple[str, Any], ...]:
        """The options that were given, by name."""
        return ()


def _arguments(cls: type[Command]) -> tuple[Argument, ...]:
    hints = get_type_hints(cls)
    return tuple(
        Argument(
            field.name,
            hints[field.name],
            field.default,
            field.metadata.get("help", ""),
            field.metadata.get("complete"),
            field.metadata.get("rest", False),
        )
        for field in dataclasses.fields(cls)
        if not field.kw_only
    )


C = TypeVar("C", bound=Command)


@dataclass_transform(frozen_default=True, field_specifiers=(argument,))
def command(
    verb: str,
    summary: str,
    *,
    keys: Mapping[str, str] | None = None,
    elsewhere: bool = False,
    label: str = "",
    recorded: bool = True,
    asks: bool = False,
) -> Callable[[type[C]], type[C]]:
    """Make a class a frozen dataclass and a command.

    ``keys`` maps a key to the arguments it gives, as typed; a screen's command works ``elsewhere`` as well, only its
    keys do not; ``label`` is its word in the footer; commands that change nothing but what is in front of the person
    (help, prompt) are not ``recorded``; one that ``asks`` opens a panel of its own name when its key gives it no
    arguments.
    """

    def made(cls: type[C]) -> type[C]:
        # Dozens of these are made before the first paint, so as little code as possible is generated for them.
        cls.__doc__ = cls.__doc__ or summary
        frozen = dataclass(frozen=True, eq=False, repr=False)(cls) if "__annotations__" in cls.__dict__ else cls
        frozen.verb = verb
        frozen.summary = summary
        frozen.keys = keys or {}
        frozen.elsewhere = elsewhere
        frozen.label = label
        frozen.group = cls.__module__
        frozen.recorded = recorded
        frozen.asks = asks
        return frozen

    return made
