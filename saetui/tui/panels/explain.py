"""What a number means: definition, unit, and where the papers define it."""

from textual.content import Content

from saetui.workbench.exceptions import CommandError
from saetui.workbench.glossary import glossary


def explanation(term: str, value: str | None) -> Content:
    """The entry of a term, with the value under the cursor; raises CommandError where there is no such term."""
    entry = glossary().get(term)
    if entry is None:
        raise CommandError(f"explain: there is no explanation of {term!r} yet")
    lines = [Content("")]
    if value is not None:
        lines += [Content.assemble("here   ", (value, "bold"), f" {entry.unit}" if entry.unit else ""), Content("")]
    lines += [Content(entry.definition), Content("")]
    if entry.unit:
        lines.append(Content.assemble(("unit   ", "$muted"), entry.unit))
    if entry.source:
        lines.append(Content.assemble(("source ", "$muted"), entry.source))
    return Content("\n").join(lines)
