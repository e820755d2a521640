"""The last line: what the keys do here and now, and the clock of the recording."""

from textual import events
from textual.content import Content
from textual.widget import Widget

from saetui.commands.command import Command
from saetui.commands.vocabulary import commands
from saetui.tui.frame.spots import Spots
from saetui.tui.frame.status_line import clock
from saetui.tui.keys import shown_key
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.screens import screens
from saetui.workbench.workbench import Workbench

# The frame's verbs as they stand, after those of the screen.
_ORDER = ("leave", "filter", "prompt", "sort", "mark", "note", "copy", "export", "figure", "query", "explain", "help")
# What of them is kept longest where there is little room: some before the screen's own, which its first is among.
_FIRST = ("help", "leave")
_SECOND = ("filter", "prompt")
_LAST = ("sort", "mark", "note", "query", "explain", "copy", "export", "figure")
_GAP = "  "


class FooterLine(Widget):
    """Keys with their words, as many as fit; a click does the same as the key."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "FooterLine { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; }"

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._spots = Spots(_GAP)

    def render(self) -> Content:
        recorder = self._bench.recorder
        right = f"rec ● {clock(recorder.seconds)}" if recorder is not None else ""
        self._spots.clear()
        room = self.content_size.width - len(right) - 1
        table = self.screen.focused
        if isinstance(table, QueryTable) and table.table.enter:
            enter = Content.assemble((shown_key("enter"), "bold $accent"), f" {table.table.enter}")
            self._spots.add(enter)
            room -= enter.cell_length + len(_GAP)
        for cls in self._fitting(room):
            self._spots.add(_label(cls), f"{cls.verb} {next(iter(cls.keys.values()))}".rstrip())
        left = self._spots.line()
        gap = max(1, self.content_size.width - left.cell_length - len(right))
        return Content.assemble(left, " " * gap, (right, "$muted"))

    def _fitting(self, room: int) -> list[type[Command]]:
        known, chosen = commands(), set()
        verbs = [verb for verb in screens()[self._bench.screen].verbs if verb in known]
        own = [verb for verb in verbs if known[verb].keys and known[verb].label]
        for verb in (*_FIRST, *own[:1], *_SECOND, *own[1:], *_LAST):
            width = _label(known[verb]).cell_length + len(_GAP)
            if known[verb].available(self._bench) and width <= room:
                chosen.add(verb)
                room -= width
        return [known[verb] for verb in (*own, *_ORDER) if verb in chosen]

    async def _on_click(self, event: events.Click) -> None:
        await self._spots.click(self, event)


def _label(cls: type[Command]) -> Content:
    return Content.assemble((shown_key(next(iter(cls.keys))), "bold $accent"), f" {cls.label}")
