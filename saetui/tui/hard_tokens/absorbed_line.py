"""One line that answers whether the words that an SAE absorbs are harder for it than other words of the task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from saetui.tui.cards.latest_read import LatestRead
from saetui.tui.table.row_window import RowSource

_NARROW = 100
Row = Mapping[str, Any]


class AbsorbedLine(Static):
    """The stored comparison of absorbed words with others; nothing where the absorption of the SAE was not studied."""

    DEFAULT_CSS = """
    AbsorbedLine { height: auto; padding: 0 1; background: $surface; }
    """

    @dataclass
    class _Read(Message):
        asked: Mapping[str, Any]
        rows: Sequence[Row]

    def __init__(self, reader: RowSource, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: Sequence[Row] = ()
        self._reading = LatestRead(
            reader, _read, lambda asked, rows, _: self.post_message(self._Read(asked, rows or ()))
        )
        self._asked: Mapping[str, Any] = {}
        self._sae: str | None = None
        self._is_studied = False
        # Until other rows have come, the line is about the SAE before.
        self._wanted: tuple[str | None, bool] = (None, False)

    def show(self, asked: Mapping[str, Any], sae: str | None, *, studied: bool, again: bool = False) -> None:
        """Answer for an SAE, its absorption ``studied`` or not; ``asked`` are the parameters of ``absorbed_answer``."""
        self._wanted = sae, studied
        if asked == self._asked and not again:
            self._sae, self._is_studied = self._wanted
            self._draw()
            return
        self._asked = dict(asked)
        if self._reading.want(self._asked):
            self.run_worker(self._reading.run, name="absorbed words", group="absorbed", thread=True)

    def on_absorbed_line__read(self, message: _Read) -> None:
        message.stop()
        if message.asked == self._asked:
            self.rows = message.rows
            self._sae, self._is_studied = self._wanted
            self._draw()

    def halt_reads(self) -> bool:
        """Stop a slow read in progress; return whether there was one."""
        return self._reading.halt()

    def on_unmount(self) -> None:
        self._reading.stop()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        row = next((row for row in self.rows if row["sae_id"] == self._sae), None)
        # Hidden or not, and otherwise without a value of its own, so that it is hidden while another part is zoomed.
        self.styles.display = None if row is not None or self._is_studied else "none"
        if self.display and self.is_attached:
            self.update(answer(row, narrow=self.size.width < _NARROW))


def answer(row: Row | None, *, narrow: bool) -> Content:
    """The answer from the stored row of one SAE, or how to get it."""
    if row is None:
        return Content.styled("absorbed words were not compared with others here; run :study absorbed_errors", "dim")
    if not row["n_absorbed"]:
        return Content.styled("no absorbed word of this SAE stands in the held-out text", "dim")
    if row["error"] is None:
        return Content.styled(
            "there are too few judged words in the held-out text to compare absorbed words with", "dim"
        )
    verdict = "harder" if row["error"] > 0 else "easier"
    parts: list[str | Content | tuple[str, str]] = [
        "absorbed words are ",
        (f"{abs(row['error']):.0f}% {verdict}", "bold"),
        " than others" if narrow else " than words of like frequency and norm",
    ]
    if row["low"] is not None and row["high"] is not None:
        parts.append(f"  [{_signed(row['low'])}, {_signed(row['high'])}]")
    if not narrow:
        parts.append(f"  linear {_signed(row['linear'])}  nonlinear {_signed(row['nonlinear'])}")
    parts.append((f"  n {row['n_absorbed']:,}", "dim"))
    return Content.assemble(*parts)


def _signed(percent: float | None) -> str:
    return "–" if percent is None else f"{percent:+.0f}%".replace("-", "−")


def _read(reader: RowSource, asked: Mapping[str, Any]) -> list[Row]:
    return [dict(row) for row in _dicts(reader.fetch("absorbed_answer", **asked))]


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]
