"""Words on one line that do something when they are clicked."""

from textual import events
from textual.content import Content
from textual.widget import Widget


class Spots:
    """Labels side by side, each with the command that a click on it gives; a click on one without gives none."""

    def __init__(self, gap: str, gap_style: str = "") -> None:
        self._gap = Content.styled(gap, gap_style)
        self._labels: list[tuple[Content, str]] = []

    def clear(self) -> None:
        self._labels.clear()

    def add(self, label: Content, command: str = "") -> None:
        """Put a label to the right of those there are."""
        self._labels.append((label, command))

    def line(self) -> Content:
        return self._gap.join([label for label, _ in self._labels])

    def at(self, x: int) -> str | None:
        """The command of the label at a cell, or None between labels."""
        start = 0
        for label, command in self._labels:
            if start <= x < start + label.cell_length:
                return command
            start += label.cell_length + self._gap.cell_length
        return None

    async def click(self, widget: Widget, event: events.Click) -> None:
        """Give the command of the label that was clicked on."""
        offset = event.get_content_offset(widget)
        command = self.at(offset.x) if offset is not None else None
        if command:
            event.stop()
            await widget.run_action(f"app.command({command!r})")
