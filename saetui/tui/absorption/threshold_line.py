"""One line with the thresholds of the verdicts, the keys that move them, and what that changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from saetui.tui.cards.latest_read import LatestRead
from saetui.tui.table.row_window import RowSource
from saetui.workbench.attention import METRICS

# Below it a model's answers say nothing about letters (2409.14507 §6 asks for a model that can spell).
_ABLE = 0.5
# Mean F1 of probes at the end of the prompt above which the letter has moved there.
_MOVED = 0.6
_NARROW = 100
_NAMES = {"tau": ("τ", "main adds F1", "t T"), "lead": ("δ", "lead", "d D"), "min_cosine": ("cos ≥", "", "v V")}


class ThresholdLine(Static):
    """Thresholds and metric to the left; to the right the rates that follow for the letter and for the SAE."""

    DEFAULT_CSS = """
    ThresholdLine { height: auto; padding: 0 1; background: $surface; }
    """

    @dataclass
    class _Read(Message):
        asked: Mapping[str, Any]
        row: Mapping[str, Any] | None

    def __init__(self, reader: RowSource, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.row: Mapping[str, Any] | None = None
        self._reading = LatestRead(
            reader, _read_change, lambda asked, row, _: self.post_message(self._Read(asked, row))
        )
        self._asked: Mapping[str, Any] = {}
        # The letter of the row: until another row has come, the line is about this one.
        self._letter = ""
        self._metric = METRICS[0]

    def show(self, asked: Mapping[str, Any], metric: str, *, again: bool = False) -> None:
        """Show the thresholds in force and what they change; ``asked`` are the parameters of ``absorption_change``."""
        self._metric = metric
        if asked == self._asked and not again:
            self._draw()
            return
        self._asked = dict(asked)
        if self._reading.want(self._asked):
            self.run_worker(self._reading.run, name="thresholds", group="thresholds", thread=True)

    def on_threshold_line__read(self, message: _Read) -> None:
        message.stop()
        if message.asked == self._asked:
            self.row = message.row
            self._letter = str(message.asked.get("letter") or "")
            self._draw()

    def halt_reads(self) -> bool:
        """Stop a slow read in progress; return whether there was one."""
        return self._reading.halt()

    def on_unmount(self) -> None:
        self._reading.stop()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        row = self.row
        if row is None or not self.is_attached:
            self.update("")
            return
        narrow = self.size.width < _NARROW
        parts = [_metrics(self._metric, narrow=narrow), *_thresholds(row, self._metric, narrow=narrow)]
        changed = any(row[name] != row[f"run_{name}"] for name in _NAMES)
        effect = _change(row, self._metric, self._letter, changed=changed)
        left = Content("   ").join(parts)
        room = self.size.width - 2 - left.cell_length - effect.cell_length
        # Where there is no room for both, what changes has a line of its own.
        gap = " " * room if room >= 2 else "\n"
        self.update(Content("\n").join([Content.assemble(left, gap, effect), *_warnings(row, self._metric)]))


def _read_change(reader: RowSource, asked: Mapping[str, Any]) -> Mapping[str, Any] | None:
    rows = reader.fetch("absorption_change", **asked)
    return dict(zip(rows.columns, rows.rows[0], strict=True)) if rows.rows else None


def _metrics(chosen: str, *, narrow: bool) -> Content:
    names = [chosen] if narrow else METRICS
    parts = [(f"[{name}]", "bold") if name == chosen else (f" {name} ", "dim") for name in names]
    return Content.assemble(*parts, (" u", "$accent"))


def _thresholds(row: Mapping[str, Any], metric: str, *, narrow: bool) -> list[Content]:
    shown = ("tau",) if metric == "projection" else tuple(_NAMES)
    parts = []
    for name in shown:
        sign, meaning, keys = _NAMES[name]
        moved = row[name] != row[f"run_{name}"]
        value = f"{row[name]:g}" + (f" (was {row[f'run_{name}']:g})" if moved and not narrow else "")
        words = f"{sign} {meaning} " if meaning and not narrow else f"{sign} "
        parts.append(
            Content.assemble((words, "dim"), (value, "bold $warning" if moved else "bold"), (f" {keys}", "$accent"))
        )
    if metric == "projection":
        parts.append(Content.styled("share ≥ 0.4   cos ≥ 0.1", "dim"))
    return parts


def _change(row: Mapping[str, Any], metric: str, letter: str, *, changed: bool) -> Content:
    what = "fraction" if metric == "projection" else "rate"
    pairs = [(letter, row[f"run_letter_{what}"], row[f"letter_{what}"])] if letter else []
    pairs.append(("usable letters", row[f"run_{what}"], row[what]))
    parts: list[str | tuple[str, str]] = [("what if  ", "dim")] if changed else []
    for name, before, after in pairs:
        parts += [(f"{name} ", "dim"), _percent(before)]
        if changed:
            parts += [" → ", (_percent(after), "bold $warning" if after != before else "bold")]
        parts.append("   ")
    return Content.assemble(*([*parts, ("reset R", "$accent")] if changed else parts[:-1]))


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _warnings(row: Mapping[str, Any], metric: str) -> list[Content]:
    """Notes on what makes the paper's rate less reliable, or meaningless."""
    if metric == "projection":
        return []
    if row["model_accuracy"] < _ABLE:
        text = (
            f"The model names the first letter of {row['model_accuracy']:.0%} of the words: effects on its answer mean "
            "nothing, and there is no rate. "
        )
        return [Content.assemble((text, "$warning"), ("u", "bold $accent"), (" measures by projection", "$warning"))]
    if (row["probe_f1_last"] or 0.0) > _MOVED:
        text = (
            f"Probes at the end of the prompt know the letter as well (F1 {row['probe_f1_last']:.2f}, at the word "
            f"{row['probe_f1']:.2f}): removing latents at the word may come too late. Study an earlier layer."
        )
        return [Content.styled(text, "$warning")]
    return []
