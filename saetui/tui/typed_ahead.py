"""Keys typed faster than a line to type into opens: they are for that line, not for the screen below it."""

from collections.abc import Awaitable, Callable

from textual.app import App
from textual.events import Key, Paste
from textual.widgets import Input, TextArea

from saetui.commands.vocabulary import commands
from saetui.tui.delay import Delay

# A key may open nothing after all; what was typed after it is then done this much later.
_PATIENCE_S = 0.4
_OPENING = frozenset({"prompt", "filter", "note", "notes", "palette"})


def opens_a_line(key: str, screen: str) -> bool:
    """Whether a key opens something to type into on a screen."""
    return any(
        key in cls.keys and cls.works_on(screen) and (cls.verb in _OPENING or (cls.asks and not cls.keys[key]))
        for cls in commands().values()
    )


class TypedAhead:
    """Holds back what is typed from the key that opens a line until the line has the focus.

    ``do`` does with a key or a pasted text what the app does with it.
    """

    def __init__(self, app: App[int], do: Callable[[Key | Paste], Awaitable[None]]) -> None:
        self._app, self._do = app, do
        self._held: list[Key | Paste] | None = None
        self._patience = Delay(app)

    def takes(self, event: Key | Paste) -> bool:
        """Whether it was held back, to be done later."""
        if self._held is None:
            return False
        self._held.append(event)
        return True

    def begin(self) -> None:
        """Hold back what comes after this key."""
        self._held = []
        self._patience.begin(_PATIENCE_S, self._let_go)

    async def look(self) -> None:
        """Let go once something to type into has the focus."""
        focused = self._app.focused
        if self._held is None:
            return
        if isinstance(focused, Input) or (isinstance(focused, TextArea) and not focused.read_only):
            await self._let_go()
        else:
            self._app.call_after_refresh(self.look)

    async def _let_go(self) -> None:
        held, self._held = self._held or [], None
        self._patience.stop()
        for event in held:
            await self._do(event)
