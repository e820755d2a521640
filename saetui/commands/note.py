"""Notes on SAEs, letters, latents and tokens: one text per subject, kept in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from saetui.commands.command import Command, argument, command
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

    def resolved(self, bench: Workbench) -> Note:
        if self.kind and self.key:
            return self
        if bench.subject is None:
            raise CommandError("note: put the cursor on an SAE, letter, latent or token")
        return Note(self.text, kind=bench.subject.kind, key=bench.subject.key)

    def run(self, bench: Workbench) -> None:
        subject = Subject(self.kind, self.key)
        note_id = _note_id(subject)

        def save() -> str:
            if not self.text.strip():
                bench.store.write("DELETE FROM note WHERE note_id = $note", {"note": note_id})
                return f"note on {subject} removed"
            values = {"note": note_id, "subject": subject.kind, "text": self.text.strip(), **subject.columns()}
            bench.store.write(_SAVE, values)
            return f"note on {subject} saved"

        bench.in_background(save)

    @classmethod
    def obstacle(cls, bench: Workbench, *, named: bool = False) -> str:
        return "" if named or bench.table.subject is not None else "put the cursor on an SAE, letter, latent or token"


def note_on(bench: Workbench, subject: Subject) -> str:
    """The text of the note on something; empty where there is none."""
    rows = bench.store.fetch("SELECT text FROM note WHERE note_id = $note", note=_note_id(subject)).rows
    return str(rows[0][0]) if rows else ""


def _note_id(subject: Subject) -> str:
    return f"{subject.kind}:{subject.key}"
