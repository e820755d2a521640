"""Screen 1: which SAEs are there, and how good are they?"""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from saetui.tui.keys import bindings_of
from saetui.tui.screens.base import WorkbenchScreen


class OverviewScreen(WorkbenchScreen):
    """Table of SAEs, and plots of how they compare."""

    NAME = "overview"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_of("overview")]

    def compose_body(self) -> ComposeResult:
        yield Static("overview")
