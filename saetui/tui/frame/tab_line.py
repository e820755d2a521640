"""The second line: the screens there are, and which one is in front."""

from textual.content import Content
from textual.widget import Widget

from saetui.commands.workbench import SCREENS


class TabLine(Widget):
    """``1 Overview │ 2 Letters │ 7 Jobs``; a click goes there."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "TabLine { height: 1; padding: 0 1; background: $surface; text-wrap: nowrap; }"

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current

    def render(self) -> Content:
        tabs = []
        for name, (digit, title) in SCREENS.items():
            style = "bold reverse" if name == self._current else "$text-muted"
            tabs.append(f"[{style} @click=app.command('screen {name}')] {digit} {title} [/]")
        return Content.from_markup("[dim]│[/]".join(tabs))
