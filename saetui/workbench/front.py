"""What a command may ask of whoever stands in front of the workbench: the terminal interface, or nobody."""

from dataclasses import dataclass, field
from typing import Protocol


class Front(Protocol):
    """The part of an interface that commands use; it may be called from any thread."""

    def open_panel(self, name: str, text: str = "") -> None:
        """Open "help", "explain", "query", "figure", "prompt", "filter", "sort", "export", "note" or "palette"."""

    def focus_table(self, table: str) -> None: ...
    def zoom(self) -> None: ...
    def copy(self, text: str, what: str) -> None: ...
    def use_theme(self, name: str) -> None: ...
    def themes(self) -> list[str]: ...
    def quit(self) -> None: ...


@dataclass
class NoFront:
    """Nobody is watching: panels are not opened, and what would be copied is kept."""

    panels: list[str] = field(default_factory=list)
    copied: str = ""
    stopped: bool = False

    def open_panel(self, name: str, text: str = "") -> None:
        self.panels.append(f"{name} {text}".rstrip())

    def focus_table(self, table: str) -> None:
        pass

    def zoom(self) -> None:
        pass

    def copy(self, text: str, what: str) -> None:  # noqa: ARG002
        self.copied = text

    def use_theme(self, name: str) -> None:
        pass

    def themes(self) -> list[str]:
        return []

    def quit(self) -> None:
        self.stopped = True
