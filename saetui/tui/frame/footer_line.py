"""The last line: what the keys do here and now, and the clock of the recording."""

from textual.content import Content
from textual.widget import Widget

from saetui.commands.command import Command, commands
from saetui.commands.workbench import Workbench
from saetui.tui.frame.status_line import clock
from saetui.tui.keys import shown_key

# From the left; what does not fit is left out from the end of this list, help last of all.
_ORDER = (
    "help",
    "leave",
    "filter",
    "prompt",
    "sort",
    "view",
    "cancel",
    "retry",
    "mark",
    "note",
    "query",
    "explain",
    "copy",
    "export",
)
_SHOWN_ORDER = (
    "view",
    "cancel",
    "retry",
    "leave",
    "filter",
    "prompt",
    "sort",
    "mark",
    "note",
    "copy",
    "export",
    "query",
    "explain",
    "help",
)


class FooterLine(Widget):
    """Keys with their words, as many as fit; a click does the same as the key."""

    ALLOW_SELECT = False
    DEFAULT_CSS = "FooterLine { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; }"

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench

    def render(self) -> Content:
        recorder = self._bench.recorder
        right = f"rec ● {clock(recorder.seconds)}" if recorder is not None else ""
        room = self.content_size.width - len(right) - 2
        chosen: list[str] = []
        known = commands()
        for verb in _ORDER:
            if verb in known and known[verb].available(self._bench):
                length = len(_entry(known[verb])) + 2
                if length <= room:
                    chosen.append(verb)
                    room -= length
        entries = [
            f"[@click=app.command('{verb}')][bold $accent]{key}[/] {known[verb].label}[/]"
            for verb in _SHOWN_ORDER
            if verb in chosen
            for key in [_key(known[verb])]
        ]
        left = Content.from_markup("  ".join(entries))
        gap = max(1, self.content_size.width - len(left) - len(right))
        return Content.assemble(left, " " * gap, (right, "$text-muted"))


def _key(cls: type[Command]) -> str:
    return shown_key(next(iter(cls.keys)))


def _entry(cls: type[Command]) -> str:
    return f"{_key(cls)} {cls.label}"
