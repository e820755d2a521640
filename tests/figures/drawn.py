"""What a figure draws, by the titles of its plots."""

from saetui.figures import Figure
from saetui.figures.plots import BarChart, Chart


def chart(made: Figure, title: str) -> Chart:
    """The chart of a title."""
    (found,) = (plot for plot in made.plots if plot.title == title)
    assert isinstance(found, Chart)
    return found


def bars(made: Figure, title: str) -> dict[str, tuple[float | None, ...]]:
    """The values of a bar chart by the labels of its rows."""
    (found,) = (plot for plot in made.plots if plot.title == title)
    assert isinstance(found, BarChart)
    return {bar.label: bar.values for bar in found.bars}
