"""The second line: the screens there are, and which one is in front."""

from textual import events
from textual.content import Content
from textual.widget import Widget

from saetui.tui.frame.spots import Spots
from saetui.workbench.screens import screens


class TabLine(Widget):
    """``1 Overview │ 2 Letters │ 7 Jobs``; a click goes there."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "TabLine { height: 1; padding: 0 1; background: $surface; text-wrap: nowrap; }"

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current
        self._spots = Spots("│", "$muted")

    def render(self) -> Content:
        self._spots.clear()
        for manifest in screens().values():
            chosen = manifest.name == self._current
            digit_style, style = ("bold $accent", "bold $foreground") if chosen else ("$muted", "$muted")
            label = Content.assemble((f" {manifest.key} ", digit_style), (f"{manifest.title} ", style))
            self._spots.add(label, f"screen {manifest.name}")
        return self._spots.line()

    async def _on_click(self, event: events.Click) -> None:
        await self._spots.click(self, event)
