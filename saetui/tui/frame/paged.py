"""What the screens with several pages share: which parts a page shows, and the way back to the first."""

from collections.abc import Mapping
from typing import ClassVar

from textual.widget import Widget

from saetui.commands.navigate import Focus
from saetui.tui.frame.card_screen import CardScreen


class PagedScreen(CardScreen):
    """A screen with pages; the widget id of a part is the screen's name and the part's, with ``-`` between."""

    # The parts of each page; those of other pages are hidden.
    PAGES: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    # The table that has the focus on the first page.
    FIRST: ClassVar[str] = ""

    def ask_page(self) -> None:
        """Ask for what only this page shows."""

    def page_turned(self) -> None:
        """The page shows its parts."""

    def name_tables(self) -> None:
        """Write the titles of the tables again."""

    def turn_page(self) -> None:
        # While another screen comes to the front, the page is that screen's.
        parts = self.PAGES.get(self.bench.page, self.PAGES[""])
        widgets = {name: self._part(name) for page in self.PAGES.values() for name in page}
        if all(widget.display == (name in parts) for name, widget in widgets.items()):
            return
        for name in parts:
            widgets[name].display = True
        self.ask_page()
        # The focus moves before its place is hidden, or it would be put somewhere else on the way.
        self.set_focus(self.table(self.bench.focus), scroll_visible=False)
        for name, widget in widgets.items():
            widget.display = name in parts
        self.remove_class("-card")
        self.page_turned()

    def _part(self, name: str) -> Widget:
        return self.query_one(f"#{self.NAME}-{name}")

    def table_changed(self, table: str) -> None:
        if self.is_whole:
            self.turn_page()
            self.name_tables()
        super().table_changed(table)

    def action_close(self) -> None:
        """Go back from the card, or from another page to the first."""
        if self.bench.page and not self.is_in_card and not self.bench.tables[self.bench.focus].filter:
            if not self.workbench_app.halt_reads():
                self.dispatch(Focus(self.FIRST))
        else:
            super().action_close()
