"""One line that answers whether the words that an SAE absorbs are harder for it than other words of the task."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from saetui.tui.cards.latest_read import LatestRead
from saetui.tui.table.row_window import Reader

_NARROW = 100
Row = Mapping[str, Any]


class AbsorbedLine(Static):
    """Mean errors of absorbed, missed and other words; nothing where the letters of the SAE were not studied."""

    DEFAULT_CSS = """
    AbsorbedLine { height: auto; padding: 0 1; background: $surface; }
    """

    @dataclass
    class _Read(Message):
        asked: Mapping[str, Any]
        rows: Sequence[Row]

    def __init__(self, reader: Reader, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.rows: Sequence[Row] = ()
        self._reading = LatestRead(
            reader, _read, lambda asked, rows, _: self.post_message(self._Read(asked, rows or ()))
        )
        self._asked: Mapping[str, Any] = {}
        self._sae: str | None = None

    def show(self, asked: Mapping[str, Any], sae: str | None, *, again: bool = False) -> None:
        """Answer for an SAE; ``asked`` are the parameters of ``hard_absorbed``."""
        self._sae = sae
        if asked == self._asked and not again:
            self._draw()
            return
        self._asked = dict(asked)
        if self._reading.want(self._asked):
            self.run_worker(self._reading.run, name="absorbed words", group="absorbed", thread=True)

    def on_absorbed_line__read(self, message: _Read) -> None:
        message.stop()
        if message.asked == self._asked:
            self.rows = message.rows
            self._draw()

    def halt_reads(self) -> bool:
        """Stop a slow read in progress; return whether there was one."""
        return self._reading.halt()

    def on_unmount(self) -> None:
        self._reading.stop()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        kinds = {row["words"]: row for row in self.rows if row["sae_id"] == self._sae}
        self.display = bool(kinds)
        if kinds and self.is_attached:
            self.update(answer(kinds, narrow=self.size.width < _NARROW))


def answer(kinds: Mapping[str, Row], *, narrow: bool) -> Content:
    """The answer from the rows of one SAE, by kind of words."""
    absorbed, other = kinds.get("absorbed"), kinds.get("other")
    if absorbed is None:
        return Content.styled("no absorbed word of this SAE stands in the text", "dim")
    if other is None or absorbed["error_ratio"] is None:
        return Content.styled("no other judged word stands in the text to compare absorbed words with", "dim")
    ratio = absorbed["error_ratio"]
    verdict = "harder" if ratio > 1 else "easier"
    parts: list[str | Content | tuple[str, str]] = [
        "absorbed words are ",
        (f"{_percent(ratio)} {verdict}", "bold"),
        " than other words" if narrow else " than other words of the task",
    ]
    if not narrow:
        parts.append(f"  {absorbed['error_norm']:.2f} against {other['error_norm']:.2f}")
        parts.append(f"  linear {_signed(absorbed['linear_ratio'])}  nonlinear {_signed(absorbed['nonlinear_ratio'])}")
        missed = kinds.get("missed")
        if missed is not None:
            parts.append(f"  missed only {_signed(missed['error_ratio'])}")
    parts.append((f"  n {absorbed['n_occurrences']:,}", "dim"))
    return Content.assemble(*parts)


def _percent(ratio: float) -> str:
    return f"{abs(ratio - 1):.0%}"


def _signed(ratio: float | None) -> str:
    return "–" if ratio is None else f"{ratio - 1:+.0%}".replace("-", "−")


def _read(reader: Reader, asked: Mapping[str, Any]) -> list[Row]:
    return [dict(row) for row in _dicts(reader.fetch("hard_absorbed", **asked))]


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [dict(zip(found.columns, row, strict=True)) for row in found.rows]
