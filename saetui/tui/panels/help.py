"""Help: what every key does on this screen, and every command; made from the commands themselves."""

from textual.content import Content

from saetui.commands.vocabulary import commands
from saetui.tui.frame.screen import WorkbenchScreen
from saetui.tui.keys import shown_key
from saetui.workbench.screens import screens, tables_of

# Titles of the commands of each file that is no screen's; then keys that are no commands.
_TITLES = {
    "saetui.commands.table": "Tables",
    "saetui.commands.select": "Choosing",
    "saetui.commands.navigate": "Going places",
    "saetui.commands.note": "Notes",
    "saetui.commands.study": "Studies",
    "saetui.commands.figures": "Figures",
    "saetui.commands.app": "The frame",
    "enter": "Opening a row",
    "part": "In the focused part",
    "screen": "On this screen",
}
_KEYS_WIDTH = 16
_VERB_WIDTH = 10


def help_text(screen: WorkbenchScreen) -> Content:
    """What a screen answers, one line per command that works on it, by group, then the keys of its focused part."""
    lines = [Content(""), Content(f" {screen.MANIFEST.help}"), Content("")]
    groups: dict[str, list[Content]] = {}
    for cls in commands().values():
        if cls.works_on(screen.NAME):
            keys = " ".join(shown_key(key) for key in cls.keys)
            groups.setdefault(cls.group, []).append(_line(keys, ":" + cls.verb, cls.summary))
    enters = [(table.title, table.enter_help) for table in tables_of(screen.NAME) if table.enter_help]
    if enters:
        groups["enter"] = [_line(f"{shown_key('enter')} on {title}", "", told) for title, told in enters]
    own = {"part": screen.focused, "screen": screen}
    for group, node in own.items():
        moves: dict[str, list[str]] = {}
        for key, (owner, binding, *_) in screen.active_bindings.items():
            if owner is node and binding.description and not binding.action.startswith("app.command"):
                moves.setdefault(binding.description, []).append(shown_key(key))
        if moves:
            groups[group] = [_line(" ".join(keys), "", description) for description, keys in moves.items()]
    titles = {manifest.commands: manifest.title for manifest in screens().values()} | _TITLES
    for group, shown in groups.items():
        lines += [Content.styled(titles[group], "bold $primary"), *shown, Content("")]
    return Content("\n").join(lines)


def _line(keys: str, verb: str, summary: str) -> Content:
    if not verb:
        return Content.assemble((f" {keys:<{_KEYS_WIDTH + _VERB_WIDTH}} ", "bold $accent"), summary)
    key, command = f" {keys:<{_KEYS_WIDTH}}", f"{verb:<{_VERB_WIDTH}} "
    return Content.assemble((key, "bold $accent"), (command, "$primary"), summary)
