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
from saetui.tui.panels.note_drafts import NoteDrafts
from saetui.visible import visible
from saetui.workbench.subject import Subject
from saetui.workbench.trouble import outside_errors, told

_KEYS = "ctrl+s save   ctrl+r as it was   ⎋ close"


class NotePanel(Panel[None]):
    """Writes the note on one subject; an empty note is removed.

    However it is closed, what was typed and not saved is a draft, with which the note opens the next time.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        # ctrl+enter reaches the app on few terminals; ctrl+s on all.
        Binding("ctrl+s,ctrl+enter", "save", "Save", show=False, priority=True),
        Binding("ctrl+r", "revert", "As it was", show=False, priority=True),
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
        # Whether the note as it is in the store is known, and what is typed has not been saved.
        self._is_open = False
        self._text = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel") as box:
            box.border_title = Content(visible(f"note on {self._title}"))
            box.border_subtitle = _KEYS
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
        draft = self._drafts.of(self._subject)
        self._text = area.text = message.text if draft is None else draft
        area.read_only = False
        area.move_cursor(area.document.end)
        self._is_open = True
        if draft is not None and draft.strip() != message.text:
            self.query_one(".panel").border_subtitle = f"not saved yet   {_KEYS}"

    @property
    def _drafts(self) -> NoteDrafts:
        return NoteDrafts(self.bench.store.root)

    def action_revert(self) -> None:
        """Put the note as it is in the store in place of what was typed."""
        if self._is_open:
            area = self.query_one(TextArea)
            area.text = self._before
            area.move_cursor(area.document.end)

    def action_close(self) -> None:
        if self._keep_draft():
            self.workbench_app.say("the note is not saved; n opens it as you left it")
        self.dismiss()

    def on_unmount(self) -> None:
        # Also where the interface ends, or another screen comes to the front.
        self._keep_draft()

    def _keep_draft(self) -> bool:
        """Keep what was typed and not saved; whether there is such."""
        if not self._is_open:
            return False
        self._is_open = False
        if self._text.strip() == self._before:
            self._drafts.forget(self._subject)
            return False
        return self._drafts.keep(self._subject, self._text)

    @on(TextArea.Changed)
    def _typed(self, event: TextArea.Changed) -> None:
        # When the panel is removed its parts are gone first.
        self._text = event.text_area.text

    def action_save(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        text = self.query_one(TextArea).text.strip()
        self.dismiss()
        if text == self._before:
            self._drafts.forget(self._subject)
        else:
            # A draft until the store has it, which may be busy, or not to be written to.
            self._drafts.keep(self._subject, text)
            self.workbench_app.dispatch(Note(text, kind=self._subject.kind, key=self._subject.key))
