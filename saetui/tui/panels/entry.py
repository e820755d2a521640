"""Fields to type into that refuse what is too long, at once and with a message."""

from time import monotonic
from typing import Any, Protocol, cast

from textual import events
from textual.widgets import Input, TextArea

LINE, NOTE = 10_000, 20_000
_QUIET_SECONDS = 2.0


class _App(Protocol):
    def say(self, text: str, severity: str = "information") -> None: ...


class LineEntry(Input):
    """One line; what would make it longer than ``max_length`` is left out."""

    def __init__(self, value: str | None = None, *, max_length: int = LINE, **options: Any) -> None:
        super().__init__(value, max_length=max_length, **options)
        self._said = -_QUIET_SECONDS

    def restricted(self) -> None:
        # A terminal that knows no pasting sends a long text key by key.
        if monotonic() - self._said > _QUIET_SECONDS:
            self._said = monotonic()
            cast(_App, self.app).say(
                f"this line takes {self.max_length:,} characters; the rest was left out", "warning"
            )


class NoteEntry(TextArea):
    """Lines of a note; a text that would make it too long is left out."""

    def on_unmount(self) -> None:
        # A text area watches the theme of the app, which would keep each one until the theme is changed.
        watchers = getattr(self.app, "__watchers", {}).get("theme", [])
        watchers[:] = [watcher for watcher in watchers if watcher[0] is not self]

    async def _on_paste(self, event: events.Paste) -> None:
        if self._has_room(len(event.text)):
            await super()._on_paste(event)
        else:
            event.stop()
            event.prevent_default()

    async def _on_key(self, event: events.Key) -> None:
        if event.is_printable and not self._has_room(1):
            event.stop()
            event.prevent_default()
        else:
            await super()._on_key(event)

    def _has_room(self, more: int) -> bool:
        if len(self.text) + more <= NOTE:
            return True
        cast(_App, self.app).say(f"a note takes {NOTE:,} characters; the rest was left out", "warning")
        return False
