"""What the screens with a card share: it folds away on narrow terminals, and keys go there and back."""

from textual.actions import SkipAction
from textual.widget import Widget

from saetui.tui.frame.study import StudyScreen


class CardScreen(StudyScreen):
    """A screen of tables with the card of a row; its styles say where the card goes with the class ``-card``."""

    @property
    def card(self) -> Widget:
        """The card."""
        raise NotImplementedError

    @property
    def is_in_card(self) -> bool:
        """Whether the focus is in the card, or in what belongs to it."""
        return self.card.has_focus

    def leave_card(self) -> None:
        """Move the focus to the table that the card belongs to."""
        raise NotImplementedError

    def action_card(self) -> None:
        """Go to the card, or back; on a narrow terminal it takes the place of the tables."""
        if self.card.has_focus:
            self.action_close()
            return
        self.add_class("-card")
        self.card.focus()

    def action_close(self) -> None:
        """Go back from the card."""
        if not self.is_in_card:
            raise SkipAction
        if self.workbench_app.halt_reads():
            return
        self.remove_class("-card")
        self.leave_card()
