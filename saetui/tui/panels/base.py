"""What all panels share: they lie over a screen, know the workbench, and escape closes them."""

from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

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

    @property
    def workbench_app(self) -> "WorkbenchApp":
        return cast("WorkbenchApp", self.app)

    @property
    def bench(self) -> Workbench:
        """The workbench that everything shares."""
        return self.workbench_app.bench

    def action_close(self) -> None:
        self.dismiss(None)
