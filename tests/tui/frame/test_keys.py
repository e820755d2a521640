"""A key means the same on every screen."""

from collections import defaultdict
from importlib import import_module
from pkgutil import resolve_name, walk_packages

import pytest
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

import saetui.tui
from saetui.commands.vocabulary import commands, keys_of
from saetui.tui.panels.base import Panel
from saetui.workbench.screens import screens

# Keys with two verbs that mean one thing, and what that is.
ONE_MEANING = {
    # The measure that the numbers of the screen are in: of absorption on one, of errors on the other.
    "u": {"metric", "unit"},
    # One step back: out of the card or the page if one is open, else out of the filter.
    "escape": {"leave", "close"},
    # Open what is under the cursor: a row, a plot, or the card of a job.
    "enter": {"enlarge", "card"},
}


def own_keys(view: type) -> list[tuple[str, str]]:
    """Keys and actions that a class of ours binds itself, without commands."""
    bindings = [b for cls in view.__mro__ if cls.__module__.startswith("saetui") for b in vars(cls).get("BINDINGS", ())]
    own = [b for b in bindings if isinstance(b, Binding) and not b.action.startswith("app.command")]
    return [(key, binding.action) for binding in own for key in binding.key.split(",")]


def meanings() -> dict[str, set[str]]:
    """What each key does on any screen: verbs of commands, and actions of the screens."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, manifest in screens().items():
        for key, cls, _ in (*keys_of(None), *keys_of(name)):
            found[key].add(cls.verb)
        for key, action in own_keys(resolve_name(manifest.view)):
            found[key].add(action)
    return found


def test_a_key_means_the_same_on_all_screens() -> None:
    found = meanings()
    assert len(found) > 40
    assert {key: verbs for key, verbs in found.items() if len(verbs) > 1 and verbs != ONE_MEANING.get(key)} == {}
    assert all(found[key] == verbs for key, verbs in ONE_MEANING.items())


def test_a_command_has_the_same_keys_wherever_it_works() -> None:
    for name in screens():
        bound = {(key, cls.verb, arguments) for key, cls, arguments in keys_of(name)}
        own = {cls for cls in commands().values() if cls.verb in screens()[name].verbs}
        assert bound == {(key, cls.verb, arguments) for cls in own for key, arguments in cls.keys.items()}


def test_no_part_of_a_screen_takes_the_key_of_a_command() -> None:
    modules = [import_module(m.name) for m in walk_packages(saetui.tui.__path__, "saetui.tui.")]
    parts = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Widget) and not issubclass(value, Screen | Panel)
    }
    # They go on to the screen.
    shared = {"enter", "escape"}
    taken = {key for part in parts if part.__module__.startswith("saetui") for key, _ in own_keys(part)}
    assert len(taken) > 10
    commanded = {key for key, verbs in meanings().items() if verbs & set(commands())}
    assert taken & commanded - shared == set()


@pytest.mark.parametrize("name", screens())
def test_every_verb_of_a_screen_with_a_key_has_a_word_in_the_footer_or_moves_a_threshold(name: str) -> None:
    steps = {"up", "down"}
    for verb in screens()[name].verbs:
        cls = commands()[verb]
        assert not cls.keys or cls.label or set(cls.keys.values()) <= steps, verb
