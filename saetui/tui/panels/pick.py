"""A list to pick from, narrowed by typing: the command palette, and the columns to sort by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import FuzzySearch
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from saetui.tui.panels.base import Panel
from saetui.tui.panels.entry import LineEntry
from saetui.visible import visible

_LONGEST = 100


@dataclass(frozen=True)
class Item:
    """One thing to pick: what it is called, a word about it, its key, and what picking it does."""

    text: str
    help: str
    key: str
    pick: Callable[[], None]


class PickPanel(Panel[None]):
    """Type to narrow, up and down to choose, enter to pick."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n,ctrl+j", "move(1)", "Down", show=False, priority=True),
        Binding("up,ctrl+k", "move(-1)", "Up", show=False, priority=True),
        Binding("ctrl+p", "close", "Close", show=False, priority=True),
    ]
    DEFAULT_CSS = """
    PickPanel { align: center top; }
    PickPanel > Vertical { margin-top: 2; padding: 0; }
    PickPanel Input, PickPanel Input:focus { border: none; height: 1; padding: 0 1; background: $surface; }
    PickPanel OptionList, PickPanel OptionList:focus {
        border: none; border-top: solid $border-blurred; height: auto; max-height: 16; background: $surface; padding: 0;
        text-wrap: nowrap; text-overflow: ellipsis;
    }
    """

    def __init__(self, title: str, items: Sequence[Item], *, chosen: int = 0) -> None:
        super().__init__()
        self._chosen = chosen
        self._title = title
        self._items = items
        self._shown: list[Item] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel") as box:
            box.border_title = self._title
            yield LineEntry(max_length=_LONGEST, placeholder="type to narrow")
            options = OptionList(markup=False)
            options.can_focus = False
            yield options

    def on_mount(self) -> None:
        if not self.query(OptionList):
            return  # Closed as soon as it was opened.
        self._narrow("")
        self.query_one(OptionList).highlighted = self._chosen if self._items else None

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self._narrow(event.value)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        highlighted = self.query_one(OptionList).highlighted
        self._pick(highlighted)

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._pick(event.option_index)

    def action_move(self, by: int) -> None:
        options = self.query_one(OptionList)
        if self._shown:
            options.highlighted = ((options.highlighted or 0) + by) % len(self._shown)

    def _pick(self, index: int | None) -> None:
        self.dismiss()
        if index is not None and index < len(self._shown):
            # The panel closes first, so that what is picked may open another one.
            self.app.call_later(self._shown[index].pick)

    def _narrow(self, text: str) -> None:
        self._shown = matching(self._items, text)
        options = self.query_one(OptionList)
        options.clear_options()
        width = max((len(item.text) for item in self._shown), default=0)
        options.add_options([Option(_line(item, width)) for item in self._shown])
        options.highlighted = 0 if self._shown else None


def matching(items: Sequence[Item], text: str) -> list[Item]:
    """Items that have the letters of a text in order, best first; a match in the name counts before one in the help."""
    if not text.strip():
        return list(items)
    begun = text.lower()

    def score(item: Item) -> float:
        found = 2 * _likeness(begun, item.text) or _likeness(begun, item.help)
        return found * (10 if item.text.startswith(begun) else 1)

    scored = [(score(item), item) for item in items]
    # sorted() keeps the order of equals, which is the order of the commands.
    return [item for score, item in sorted(scored, key=lambda pair: -pair[0]) if score > 0]


def _likeness(letters: str, text: str) -> float:
    """How well letters are found in order in a text, 0 where they are not; in one pass, unlike ``FuzzySearch``."""
    text = text.lower()
    start = text.find(letters)
    if start >= 0:
        score = FuzzySearch().score(text, range(start, start + len(letters)))
        return score * (2.0 if text == letters else 1.5)
    places: list[int] = []
    for letter in letters:
        start = text.find(letter, places[-1] + 1 if places else 0)
        if start < 0:
            return 0.0
        places.append(start)
    return FuzzySearch().score(text, places)


def _line(item: Item, width: int) -> Content:
    return Content.assemble(
        (f"{item.key:>8}", "$accent"), f"  {visible(item.text):<{width}}  ", (visible(item.help), "$muted")
    )
