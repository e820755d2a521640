"""Help: what every key does on this screen, and every command; made from the commands themselves."""

from textual.content import Content

from saetui.commands.command import commands
from saetui.tui.keys import shown_key
from saetui.tui.screens.base import WorkbenchScreen

_GROUPS = {
    "navigate": "Going places",
    "select": "Choosing",
    "table": "Tables",
    "letters": "Letters",
    "note": "Notes",
    "jobs": "Jobs",
    "study": "Studies",
    "app": "The frame",
}
_KEYS_WIDTH = 16
_VERB_WIDTH = 10


def help_text(screen: WorkbenchScreen) -> Content:
    """One line a command that works on a screen, by group, then the keys of its focused part."""
    lines = [Content("")]
    groups: dict[str, list[Content]] = {}
    for cls in commands().values():
        if cls.screens is None or screen.NAME in cls.screens:
            keys = " ".join(shown_key(key) for key in cls.keys)
            groups.setdefault(cls.group, []).append(_line(keys, ":" + cls.verb, cls.summary))
    focused = screen.focused
    if focused is not None:
        moves: dict[str, list[str]] = {}
        for _, binding in focused._bindings:
            if binding.description and not binding.description.startswith("Count"):
                moves.setdefault(binding.description, []).append(shown_key(binding.key))
        for binding in (binding for _, binding in screen._bindings if not binding.action.startswith("app.command")):
            moves.setdefault(binding.description, []).append(shown_key(binding.key))
        groups["part"] = [_line(" ".join(keys), "", description) for description, keys in moves.items()]
    for group, entries in groups.items():
        title = _GROUPS.get(group, "In the focused part; a number before a move repeats it")
        lines += [Content.styled(title, "bold $primary"), *entries, Content("")]
    return Content("\n").join(lines)


def _line(keys: str, verb: str, summary: str) -> Content:
    if not verb:
        return Content.assemble((f" {keys:<{_KEYS_WIDTH + _VERB_WIDTH}} ", "bold $accent"), summary)
    key, command = f" {keys:<{_KEYS_WIDTH}}", f"{verb:<{_VERB_WIDTH}} "
    return Content.assemble((key, "bold $accent"), (command, "$primary"), summary)
