"""What the workbench needs to know of a command that it does, and of whoever records it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from saetui.workbench.workbench import Workbench
    from store import Store


class Action(Protocol):
    """A command with all its arguments filled in."""

    @property
    def verb(self) -> str: ...
    @property
    def recorded(self) -> bool: ...
    @property
    def visits(self) -> bool:
        """Whether it leads to another place in the history."""

    def run(self, bench: Workbench) -> None:
        """Do it; raises CommandError where it cannot be done here."""

    def values(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, as JSON can hold them."""


class ActionRecorder(Protocol):
    """Writes down what is done, with digests of what it showed."""

    @property
    def path(self) -> Path:
        """The file that is written."""

    @property
    def seconds(self) -> float:
        """Time since the recording began."""

    def line(self, command: Action, *, visit: bool) -> dict[str, Any]:
        """What will be written for an action done now."""

    def record(self, line: dict[str, Any], digest: str) -> None:
        """Append one line; raises OSError as the disk does."""

    def close(self, store: Store) -> None:
        """End the recording, and list it in the store."""
