"""What all panels share: they lie over a screen, know the workbench, and escape closes them."""

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from saetui.workbench.workbench import Workbench

if TYPE_CHECKING:
    from saetui.tui.app import WorkbenchApp

R = TypeVar("R")


class Panel(ModalScreen[R]):
    """A panel; its first child with the class ``panel`` is the box."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close", show=False)]
    DEFAULT_CSS = """
    Panel { align: center middle; background: $background 60%; }
    Panel:ansi { background: transparent; }
    Panel > .panel { width: 100; max-width: 92%; height: auto; max-height: 90%; }
    """

    _wanted_gone = False

    @property
    def workbench_app(self) -> "WorkbenchApp":
        return cast("WorkbenchApp", self.app)

    @property
    def bench(self) -> Workbench:
        """The workbench that everything shares."""
        return self.workbench_app.bench

    def action_close(self) -> None:
        self.dismiss(None)

    def dismiss(self, result: R | None = None) -> AwaitComplete:
        """Close it, once: keys that come together may ask for it again after it has gone.

        A panel that lies under another one is closed when it comes to the front again.
        """
        if self.is_in_front:
            return super().dismiss(result)
        self._wanted_gone = True
        return AwaitComplete()

    @property
    def is_in_front(self) -> bool:
        """Whether it is open, and nothing lies over it."""
        return self.app.screen_stack[-1] is self

    def on_screen_resume(self) -> None:
        if self._wanted_gone and self.is_in_front:
            super().dismiss(None)
