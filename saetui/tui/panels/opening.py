"""Which panel a name opens."""

from typing import TYPE_CHECKING

from saetui.commands.errors import CommandError

if TYPE_CHECKING:
    from saetui.tui.app import WorkbenchApp


def open_panel(app: "WorkbenchApp", name: str, text: str) -> None:
    """Bring a panel to the front; raises CommandError where there is nothing to open it on."""
    raise CommandError(f"no panel {name!r}")
