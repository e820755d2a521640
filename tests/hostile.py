"""A store as somebody hostile would send it: escape sequences, marks and markup in every text that is shown."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from saetui.visible import is_hidden
from store import Store
from tests.tui.error_fixture import add_error_study
from tests.tui.pursuit_fixture import add_pursuits
from tests.tui.store_fixture import make_study

# A sequence, its C1 form, OSC 52 and 8, line ends, overrides, joiners and fillers, a tag, markup of Rich and Textual.
SEQUENCES = (
    "\x1b[31m",
    "\x9b2J",
    "\x1b]52;c;aGk=\x07",
    "\x1b]8;;http://x.y\x1b\\",
    "\r\n\t\x08\x0c\x85",
    "\u202e\u2066\u200f",
    "\u200b\u200d\ufeff\u00ad\u115f\ufe0f",
    "\u2028\u2029",
    "\U000e0041",
    "[red]x[/]",
    "[@click=app.quit]x[/]",
    "[link=http://x.y]x[/link]",
    "[/]",
)
# Short, so that it is seen whole where a column cuts what is longer.
SHORT = "\x1b\x9b\r\n\u202e\u200b[b]"
ALL = SHORT + "".join(SEQUENCES)

_IDS = {"sae_id", "other_sae_id", "smaller", "larger", "model_id", "corpus_id", "study_id", "probe_id", "pursuit_id"}
_ID_LISTS = {"sae_ids", "family"}
# Texts that are one of a few values, or that are read and not shown.
_FIXED = {"letter", "split", "subject", "state", "spec", "scope", "table_name", "attempt", "manifest", "content_hash"}
_FIXED |= {"l0_rule", "method", "figure", "attribution", "ig_path", "ig_rule", "words", "key", "note_id", "job_id"}
# Their first letters mean something; what is hostile stands behind.
_TOKENS = {"surface", "top_token", "promoted", "token", "answer"}
_COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns JOIN information_schema.tables
USING (table_name) WHERE table_type = 'BASE TABLE' AND data_type LIKE 'VARCHAR%' ORDER BY ALL
"""


def hostile_store(root: Path) -> Path:
    """A study of everything whose texts are hostile, with a note, marks and jobs; gives its folder back."""
    add_pursuits(add_error_study(make_study(root)))
    with Store.open(root) as store:
        store.write(
            "INSERT INTO note (note_id, subject, letter, text, created, changed) "
            "VALUES ('letter:s', 'letter', 's', 'note', now()::TIMESTAMP, now()::TIMESTAMP)"
        )
        changes = [
            (f'UPDATE "{table}" SET "{column}" = {_hostile(column, kind)}', {"text": _text(column)})
            for table, column, kind in store.fetch(_COLUMNS).rows
            if column not in _FIXED and table not in ("commit_log", "written_scope")
        ]
        store.write_many(changes)
    for state in ("running", "failed", "queued", "done", "cancelled"):
        add_job(root, state)
    return root


def _hostile(column: str, kind: str) -> str:
    if kind.endswith("[]"):
        return f'list_transform("{column}", lambda x: $text || x)'
    return f'"{column}" || $text' if column in _TOKENS else f'$text || "{column}"'


def _text(column: str) -> str:
    return SHORT if column in _IDS | _ID_LISTS else ALL


def add_job(root: Path, state: str) -> None:
    """A job whose folder says hostile things."""
    folder = root / "jobs" / f"{uuid4().hex[:12]}"
    (folder / "out").mkdir(parents=True)
    now = datetime.now(UTC).timestamp()
    record = {
        "job_id": folder.name,
        "kind": "train",
        "title": f"{ALL}title",
        "state": state,
        "device": "cpu",
        "host": "elsewhere",
        "content_hash": folder.name,
        "created": now - 60,
        "started": None if state == "queued" else now - 50,
        "ended": now if state in ("done", "failed", "cancelled") else None,
        "message": f"{ALL}message" if state == "failed" else None,
        "hint": f"{ALL}hint" if state == "failed" else None,
    }
    spec = {"kind": "train", "hook_name": f"{ALL}hook", "notes": [ALL, {ALL: ALL}], ALL: ALL}
    progress = {
        "time": now,
        "phase": f"{ALL}phase",
        "done": 5,
        "total": 10,
        "unit": f"{ALL}unit",
        "metrics": {ALL: ALL},
    }
    (folder / "state.json").write_text(json.dumps(record))
    (folder / "spec.json").write_text(json.dumps(spec))
    (folder / "progress.jsonl").write_text(json.dumps(progress) + "\n")
    (folder / "log.txt").write_text(f"{ALL}\nlog {ALL}\n", encoding="utf-8")
    (folder / "lock").touch()


def hidden_in(text: str, *, allowed: str = "") -> set[str]:
    """The characters of a text that a terminal would act on or not draw, as code points."""
    return {f"U+{ord(c):04X}" for c in set(text) if c not in allowed and is_hidden(c)}
