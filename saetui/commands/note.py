"""Notes on SAEs, letters, latents and tokens: one text per subject, kept in the store; and the list of all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
from saetui.commands.table import typed_subject
from saetui.workbench.events import NoteEvent
from saetui.workbench.exceptions import CommandError
from saetui.workbench.subject import Subject

if TYPE_CHECKING:
    from saetui.workbench.workbench import Workbench

_SAVE = """
INSERT INTO note (note_id, subject, sae_id, letter, latent, token, text, created, changed)
VALUES ($note, $subject, $sae_id, $letter, $latent, $token, $text, now()::TIMESTAMP, now()::TIMESTAMP)
ON CONFLICT (note_id) DO UPDATE SET text = excluded.text, changed = excluded.changed
"""


@command("note", "Write a note on the row under the cursor", keys={"n": ""}, label="note", asks=True)
class Note(Command):
    text: str = argument(help="the note; an empty one is removed", rest=True)
    kind: str = argument(default="", help="sae, letter, latent or token", complete="subject")
    key: str = argument(default="", help="which one")

    @property
    def reads(self) -> bool:
        return bool(self.kind and self.key)

    def resolved(self, bench: Workbench) -> Note:
        if self.kind and self.key:
            if not self.text.strip():
                return self  # Also of what the store no longer has, a note can be removed.
            subject = typed_subject(bench, self.kind, self.key)
            return Note(self.text, kind=subject.kind, key=subject.key)
        if bench.subject is None:
            raise CommandError("note: put the cursor on an SAE, letter, latent or token")
        return Note(self.text, kind=bench.subject.kind, key=bench.subject.key)

    def run(self, bench: Workbench) -> None:
        subject = Subject(self.kind, self.key)
        note_id, about = _note_id(subject), bench.catalogue.in_words(subject)

        def save() -> str:
            if not self.text.strip():
                bench.store.write("DELETE FROM note WHERE note_id = $note", {"note": note_id})
                bench.emit(NoteEvent(subject, self.text.strip()))
                return f"note on {about} removed"
            values = {"note": note_id, "subject": subject.kind, "text": self.text.strip(), **subject.columns()}
            bench.store.write(_SAVE, values)
            bench.emit(NoteEvent(subject, self.text.strip()))
            return f"note on {about} saved"

        bench.in_background(save)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.table.subject is not None else "put the cursor on an SAE, letter, latent or token"


@command("notes", "List all notes and marks, and go to what one is about", keys={"N": ""}, recorded=False)
class Notes(Command):
    words: str = argument(default="", help="only those with this text in them", rest=True)

    def run(self, bench: Workbench) -> None:
        bench.front.open_panel("notes", self.words)


def note_on(bench: Workbench, subject: Subject) -> str:
    """The text of the note on something; empty where there is none."""
    rows = bench.store.fetch("SELECT text FROM note WHERE note_id = $note", note=_note_id(subject)).rows
    return str(rows[0][0]) if rows else ""


def _note_id(subject: Subject) -> str:
    return f"{subject.kind}:{subject.key}"
