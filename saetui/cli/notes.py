"""``saetui notes``: the notes and marks of a store."""

from pathlib import Path

from saetui.cli.printing import put_json
from saetui.cli.text_table import new_table, print_table
from saetui.workbench.annotations import read_annotations
from store import Store


def print_notes(root: Path, words: str, *, as_json: bool = False) -> int:
    """Notes and marks, the latest first; with ``words`` those that have them in the note or in what it is about."""
    with Store.open(root) as store:
        found = [one for one in read_annotations(store) if one.has(words)]
    if as_json:
        put_json(
            [
                {
                    "about": one.about,
                    "note": one.note or None,
                    "marked": one.is_marked,
                    "changed": one.changed.isoformat(),
                    "subject": one.subject,
                    "key": one.key,
                    "link": one.link,
                }
                for one in found
            ]
        )
        return 0
    table = new_table("about", "marked", "note", "changed", cut=("about", "note"))
    for one in found:
        table.add_row(
            one.about,
            "◆" if one.is_marked else "",
            " · ".join(one.note.split("\n")),
            f"{one.changed:%Y-%m-%d %H:%M}",
        )
    which = f" with {words!r} in them" if words else ""
    return print_table(table, f"no notes and no marks{which} in {root}")
