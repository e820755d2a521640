"""How a pursuit's residual falls with every latent: of one that runs, of those in the store, and of one token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual.message import Message

from saetui.figures.plots import Chart, Line, Point, Scale
from saetui.tui.cards.latest_read import LatestRead
from saetui.tui.drawing.plots import XYPlot
from saetui.tui.table.row_window import RowSource
from store.queries import named_query

_X = Scale("latents", whole=True)
_Y = Scale("residual", "share", logarithmic=True)
# A residual of zero has no place on a logarithmic axis.
_LEAST = 1e-9


@dataclass(frozen=True)
class _Asked:
    parameters: tuple[tuple[str, Any], ...]
    again: int


class ResidualPlot(XYPlot):
    """Reads the curves in a thread; while a pursuit runs, its curve is what is drawn."""

    @dataclass
    class _Read(Message):
        asked: _Asked
        rows: Sequence[Mapping[str, Any]] | None
        error: str

    def __init__(self, reader: RowSource, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(Chart("residual", _X, _Y, ()), id=id, empty="p pursues the chosen tokens")
        self._reading = LatestRead(
            reader, _read, lambda asked, rows, error: self.post_message(self._Read(asked, rows, error))
        )
        self._asked: _Asked | None = None
        self._rows: Sequence[Mapping[str, Any]] = ()
        self._curve: tuple[float, ...] | None = None
        self._again = 0

    def show(self, parameters: Mapping[str, Any], *, again: bool = False) -> None:
        """Show the pursuits that ``pursuit_residual`` is asked for; ``again`` reads them again."""
        self._again += again
        asked = _Asked(tuple(sorted(parameters.items())), self._again)
        if asked != self._asked:
            self._asked = asked
            if self._reading.want(asked):
                self.run_worker(self._reading.run, name="residual plot", group="residual-plot", thread=True)

    def follow(self, residual: str | None) -> None:
        """Draw the curve of a pursuit that runs, shares after 0, 1, … latents; None where none runs."""
        try:
            running = None if residual is None else tuple(float(share) for share in residual.split())
        except ValueError:
            running = None  # The job's progress is damaged; the plot can do without it.
        if running != self._curve:
            self._curve = running
            self._draw()

    def on_residual_plot__read(self, message: _Read) -> None:
        message.stop()
        if message.asked == self._asked and message.rows is not None:
            self._rows = message.rows
            self._draw()

    def halt_reads(self) -> bool:
        """Stop a slow read in progress; return whether there was one."""
        return self._reading.halt()

    def on_unmount(self) -> None:
        self._reading.stop()

    def _draw(self) -> None:
        if self._curve is not None:
            curve = Line("pursuit", _points(enumerate(self._curve)))
            self.chart = Chart("residual  running …", _X, _Y, (curve,))
            return
        own = [row for row in self._rows if not row["is_beside"]]
        other = [row for row in self._rows if row["is_beside"]]
        lines = [Line("pursuit", _points((row["step"], row["residual"]) for row in own))]
        if own:
            ends = (own[0]["step"], own[-1]["step"])
            lines.append(Line("encoder", _points((x, own[0]["encoder"]) for x in ends), reference=True, marked=False))
        if any(row["token"] is not None for row in own):
            lines.append(Line("token", _points((row["step"], row["token"]) for row in own)))
        if other:
            lines.append(Line("beside", _points((row["step"], row["residual"]) for row in other)))
        self.chart = Chart("residual by latents", _X, _Y, tuple(lines) if own else ())


def _points(places: Any) -> tuple[Point, ...]:
    return tuple(Point(float(x), max(y, _LEAST)) for x, y in places if y is not None)


def _read(reader: RowSource, asked: _Asked) -> list[dict[str, Any]]:
    return reader.fetch(named_query("pursuit_residual"), **dict(asked.parameters)).dicts()
