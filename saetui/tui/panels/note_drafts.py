"""What was typed into a note and not saved, kept until the note is opened again."""

import json
import os
from pathlib import Path

from saetui.plain_files import read_file
from saetui.workbench.subject import Subject

_KEPT = 100


def drafts_file() -> Path:
    """Where drafts are kept, those of all stores."""
    from platformdirs import user_state_path

    return user_state_path("saetui") / "note-drafts.json"


class NoteDrafts:
    """Unsaved notes of one store by subject; the latest hundred of all stores are kept in a file."""

    def __init__(self, store: Path) -> None:
        self._store = str(store.resolve())

    def of(self, subject: Subject) -> str | None:
        """The draft of a note; None where there is none."""
        return _read().get(self._key(subject))

    def keep(self, subject: Subject, text: str) -> bool:
        """Keep a draft; False where the file cannot be written."""
        return self._write(self._key(subject), text)

    def forget(self, subject: Subject, text: str | None = None) -> None:
        """Drop a draft, if there is one; with a ``text`` only where that is what it says."""
        draft = self.of(subject)
        if draft is not None and text in (None, draft.strip()):
            self._write(self._key(subject), None)

    def _key(self, subject: Subject) -> str:
        return f"{self._store}\n{subject.kind}\n{subject.key}"

    def _write(self, key: str, text: str | None) -> bool:
        drafts = _read()
        drafts.pop(key, None)
        if text is not None:
            drafts[key] = text
        path = drafts_file()
        kept = dict(list(drafts.items())[-_KEPT:])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Whole or not at all; another saetui may write at the same time.
            part = path.with_name(f".{path.name}.{os.getpid()}")
            part.write_text(json.dumps(kept), encoding="utf-8")
            part.replace(path)
        except OSError:
            return False
        return True


def _read() -> dict[str, str]:
    try:
        found = json.loads(read_file(drafts_file()))
    except (OSError, ValueError):
        return {}  # A damaged file costs the drafts only.
    return {str(key): str(text) for key, text in found.items()} if isinstance(found, dict) else {}
