"""The editor of a note."""

from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import TextArea

from saetui.commands.note import Note, note_on
from saetui.tui.panels.base import Panel
from saetui.tui.panels.entry import NoteEntry
from saetui.visible import visible
from saetui.workbench.subject import Subject
from saetui.workbench.trouble import outside_errors, told


class NotePanel(Panel[None]):
    """Writes the note on one subject; an empty note is removed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # ctrl+enter reaches the app on few terminals; ctrl+s on all.
        Binding("ctrl+s,ctrl+enter", "save", "Save", show=False, priority=True),
        Binding("escape", "close", "Close", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    NotePanel TextArea, NotePanel TextArea:focus { height: 10; border: none; background: $surface; padding: 0; }
    """

    @dataclass
    class NoteRead(Message):
        """The note as it is in the store."""

        text: str
        problem: str = ""

    def __init__(self, subject: Subject, title: str) -> None:
        super().__init__()
        self._subject = subject
        self._title = title
        self._before = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel") as box:
            box.border_title = Content(visible(f"note on {self._title}"))
            box.border_subtitle = "ctrl+s save   ⎋ leave as it was"
            yield NoteEntry(show_line_numbers=False, soft_wrap=True, highlight_cursor_line=False, read_only=True)

    def on_mount(self) -> None:
        self._read()

    @work(thread=True, group="note")
    def _read(self) -> None:
        try:
            self.post_message(self.NoteRead(note_on(self.bench, self._subject)))
        except outside_errors() as problem:
            self.post_message(self.NoteRead("", told(problem)))

    @on(NoteRead)
    def _show(self, message: NoteRead) -> None:
        if message.problem:
            # Without the note as it is, saving would write over it.
            self.dismiss()
            self.workbench_app.say(f"note: {message.problem}", "error")
            return
        self._before = message.text
        area = next(iter(self.query(TextArea)), None)
        if area is None:
            return  # Closed meanwhile.
        area.text = message.text
        area.read_only = False
        area.move_cursor(area.document.end)

    def action_save(self) -> None:
        text = self.query_one(TextArea).text.strip()
        self.dismiss()
        if text != self._before:
            self.workbench_app.dispatch(Note(text, kind=self._subject.kind, key=self._subject.key))
