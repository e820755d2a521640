"""Screen 7: what is the box doing?"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from saetui.tui.keys import bindings_of
from saetui.tui.screens.base import WorkbenchScreen


class JobsScreen(WorkbenchScreen):
    """Queue, progress and devices."""

    NAME = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("jobs")]

    def compose_body(self) -> ComposeResult:
        yield Static("jobs")
