"""Which panel a name opens; panels are imported when they are first opened."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from saetui.commands.command import Command
from saetui.commands.table import Sort
from saetui.commands.vocabulary import commands
from saetui.tui.keys import shown_key
from saetui.workbench.exceptions import CommandError
from saetui.workbench.export import FORMATS

if TYPE_CHECKING:
    from saetui.jobs import Job
    from saetui.jobs.devices import Device
    from saetui.tui.app import WorkbenchApp
    from saetui.tui.panels.pick import Item
    from saetui.workbench.annotations import Annotation


def open_panel(app: "WorkbenchApp", name: str, text: str) -> None:
    """Bring a panel to the front; raises CommandError where there is nothing to open it on."""
    if name not in _OPENERS:
        raise CommandError(f"no panel {name!r}; there are {', '.join(_OPENERS)}")
    _OPENERS[name](app, text)


def _prompt(app: "WorkbenchApp", text: str) -> None:
    from saetui.tui.panels.prompt import PromptPanel

    app.push_screen(PromptPanel(text))


def _filter(app: "WorkbenchApp", _: str) -> None:
    from saetui.tui.panels.filter import FilterPanel

    app.push_screen(FilterPanel(app.bench))


def _export(app: "WorkbenchApp", _: str) -> None:
    figure = app.front_screen.figure_in_focus()
    if figure is not None:
        from saetui.tui.panels.figure import export_panel

        app.push_screen(export_panel(figure, app))
        return
    stem = app.bench.focus.replace(".", "-")
    _prompt(app, f"export {stem}{FORMATS[0]}")


def _help(app: "WorkbenchApp", _: str) -> None:
    from saetui.tui.panels.help import help_text
    from saetui.tui.panels.scroll import TextPanel

    app.push_screen(TextPanel(f"help · {app.front_screen.NAME}", help_text(app.front_screen)))


def _query(app: "WorkbenchApp", _: str) -> None:
    from saetui.tui.panels.sql import query_panel

    figure = app.front_screen.figure_in_focus()
    if figure is not None:
        app.read(partial(figure.query, app.bench.store), lambda query: app.push_screen(query_panel(*query)))
        return
    query = app.front_screen.current_query()
    if query is None:
        raise CommandError("query: the focused part shows no query")
    app.push_screen(query_panel(*query))


def _explain(app: "WorkbenchApp", term: str) -> None:
    from saetui.tui.explained import Explained
    from saetui.tui.panels.explain import MAIN_LATENT_TERMS, explanation, explanations, walk_lines
    from saetui.tui.panels.scroll import TextPanel

    found = [Explained(term)] if term else app.front_screen.explained()
    if not found:
        raise CommandError("explain: put the cursor on a number (h and l move along the row)")
    first = found[0]
    alone = len(found) == 1
    body = explanation(first.term, first.value, first.of, first.column) if alone else explanations(found)
    panel = TextPanel(first.term if alone else "explanations", body, copied=body.plain.strip(), what="explanation")
    app.push_screen(panel)
    asked = app.bench.parameters("main_latents")
    letter = asked["letter"]
    if first.term in MAIN_LATENT_TERMS and letter is not None and asked["sae"] is not None:
        app.read(
            lambda: app.bench.store.fetch("main_latents", **asked).dicts(),
            lambda rows: panel.extend(walk_lines(letter, rows)),
        )


def _note(app: "WorkbenchApp", _: str) -> None:
    from saetui.tui.panels.note import NotePanel

    subject = app.bench.subject
    if subject is None:
        raise CommandError("note: put the cursor on an SAE, letter, latent or token")
    app.push_screen(NotePanel(subject, app.bench.catalogue.in_words(subject)))


def _sort(app: "WorkbenchApp", _: str) -> None:
    from saetui.tui.panels.pick import Item, PickPanel

    bench = app.bench
    state = bench.tables[bench.focus]
    items = [
        Item(
            label,
            ("▼ now" if state.descending else "▲ now") if state.sort == key else "",
            "",
            partial(app.dispatch, Sort(key, table=bench.focus)),
        )
        for key, label in app.front_screen.sortable()
    ]
    keys = [key for key, _ in app.front_screen.sortable()]
    column = app.front_screen.current_column()
    chosen = keys.index(column) if column in keys else 0
    app.push_screen(PickPanel("sort by; choose it again to reverse", items, chosen=chosen))


def _move(app: "WorkbenchApp", _: str) -> None:
    from saetui.commands.jobs import waiting_job
    from saetui.jobs.devices import list_devices

    job = waiting_job(app.bench, "")
    app.read(list_devices, lambda devices: _show_devices(app, job, devices))


def _show_devices(app: "WorkbenchApp", job: "Job", devices: "list[Device]") -> None:
    from saetui.commands.jobs import MoveJob
    from saetui.tui.frame.device_text import device_text
    from saetui.tui.panels.pick import Item, PickPanel

    items = [
        Item(
            device.name,
            f"{device_text(device)} · {device.label}",
            "▸" if device.name == job.device else "",
            partial(app.dispatch, MoveJob(device.name, job.id)),
        )
        for device in devices
        if not device.trouble
    ]
    app.push_screen(PickPanel(f"run {job.title} on", items))


def _notes(app: "WorkbenchApp", words: str) -> None:
    from saetui.workbench.annotations import read_annotations

    app.read(lambda: read_annotations(app.bench.store), lambda found: _show_notes(app, words, found))


def _show_notes(app: "WorkbenchApp", words: str, found: "list[Annotation]") -> None:
    from saetui.commands.navigate import Open
    from saetui.tui.panels.pick import Item, PickPanel

    if not found:
        raise CommandError(
            "there are no notes and no marks yet; n writes a note on the row under the cursor, m marks it"
        )
    items = [
        Item(
            one.about,
            " · ".join(one.note.split("\n")),
            "◆" if one.is_marked else "",
            partial(app.dispatch, Open(one.link)),
        )
        for one in found
        if one.has(words)
    ]
    if not items:
        app.say(f"none of the {len(found):,} notes and marks has {words!r} in it")
        return
    app.push_screen(PickPanel("notes and marks (◆); ⏎ goes there", items))


def _palette(app: "WorkbenchApp", _: str) -> None:
    from saetui.tui.panels.pick import PickPanel

    app.push_screen(PickPanel("commands", [item for cls in commands().values() for item in _items(app, cls)]))


def _items(app: "WorkbenchApp", cls: type[Command]) -> "list[Item]":
    from saetui.tui.panels.pick import Item

    if not cls.works_on(app.bench.screen):
        return []
    required = [a for a in cls.arguments() if a.required]
    if not required or cls.asks:
        pick: Callable[[], None] = partial(app.action_command, cls.verb)
    else:
        pick = partial(app.open_panel, "prompt", cls.verb + " ")
    usage = " ".join([cls.verb, *(a.usage for a in required)])
    items = [Item(usage, cls.summary, " ".join(shown_key(k) for k, a in cls.keys.items() if not a), pick)]
    if len(required) == 1 and required[0].complete in ("screen", "sae", "theme"):
        from saetui.commands.completion import SOURCES

        keys = {arguments: shown_key(key) for key, arguments in cls.keys.items()}
        for value in SOURCES[required[0].complete](app.bench):
            line = f"{cls.verb} {value}"
            items.append(Item(line, cls.summary, keys.get(value, ""), partial(app.action_command, line)))
    return items


def _figure(app: "WorkbenchApp", text: str) -> None:
    """Show the figure that a command asks for; without one, offer them all."""
    from saetui.commands.figures import ShowFigure, known_figures
    from saetui.commands.parse import parse
    from saetui.tui.panels.figure import FigurePanel
    from saetui.tui.panels.pick import Item, PickPanel

    if text:
        command = parse(text)
        assert isinstance(command, ShowFigure)
        app.push_screen(FigurePanel(command))
        return
    kinds = known_figures().values()
    items = [Item(kind.name, kind.question, "", partial(app.dispatch, ShowFigure(kind.name))) for kind in kinds]
    app.push_screen(PickPanel("figures", items))


_OPENERS: dict[str, Callable[["WorkbenchApp", str], None]] = {
    "prompt": _prompt,
    "filter": _filter,
    "sort": _sort,
    "export": _export,
    "help": _help,
    "query": _query,
    "figure": _figure,
    "explain": _explain,
    "note": _note,
    "notes": _notes,
    "move": _move,
    "palette": _palette,
}
