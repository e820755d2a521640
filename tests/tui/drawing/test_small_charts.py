"""Sparklines, bars, histograms and heat."""

import pytest
from textual.color import Color

from saetui.tui.drawing.heat import Heat
from saetui.tui.drawing.heat_strip import heat_strip
from saetui.tui.drawing.histogram import histogram_lines, range_line
from saetui.tui.drawing.sparkline import bar, resampled, sparkline

DARK = Color.parse("#14181b")


def test_a_sparkline_scales_to_its_largest_value() -> None:
    assert sparkline([0, 1, 4, 8], 4) == " ▁▄█"
    assert sparkline([0, 0.001, 8], 3) == " ▁█"
    assert sparkline([0, 0], 2) == "  "
    assert sparkline([], 5) == ""


def test_more_bins_than_cells_are_summed() -> None:
    assert resampled([1, 2, 3, 4, 5, 6], 3) == [3.0, 7.0, 11.0]
    assert sum(resampled(range(100), 7)) == sum(range(100))


@pytest.mark.parametrize(("share", "drawn"), [(0, "    "), (1, "████"), (0.5, "██  "), (0.01, "▏   "), (7, "████")])
def test_a_bar_is_drawn_in_eighths(share: float, drawn: str) -> None:
    assert bar(share, 4) == drawn


def test_a_histogram_fills_its_width_and_shows_single_counts() -> None:
    lines = histogram_lines([8, 0, 1], 6, 2)
    assert lines == ["██    ", "██  ▂▂"]
    logarithmic = histogram_lines([1000, 0, 1], 6, 2, logarithmic=True)
    assert logarithmic[1] == "██  ▂▂"
    assert histogram_lines([], 3, 2) == ["   ", "   "]
    assert range_line("0", "9.7", 10, "x") == "0  x   9.7"


@pytest.mark.parametrize(
    ("heat", "value", "level"),
    [
        (Heat(0, 1), 0.25, 0.25),
        (Heat(0, 1), 7, 1.0),
        (Heat(0.5, 1), 0.2, 0.0),
        (Heat(-1, 1, diverging=True), -0.5, -0.5),
        (Heat(1e-4, 1e-2, logarithmic=True), 1e-3, 0.5),
        (Heat(1e-4, 1e-2, logarithmic=True), 0.0, 0.0),
        (Heat(1, 1), 1.0, 0.0),
    ],
)
def test_a_scale_places_values(heat: Heat, value: float, level: float) -> None:
    assert heat.level(value) == pytest.approx(level)


def test_a_heat_strip_wraps_and_marks_the_current_label() -> None:
    strip = heat_strip("abcdef", {"b": 0.9}, 6, scale=Heat(0, 1), background=DARK, current="b")
    assert strip.plain == "abcdef"
    wide = heat_strip("abcdef", {"b": 0.9}, 12, scale=Heat(0, 1), background=DARK)
    assert wide.plain.split() == list("abcdef")
    assert len(heat_strip("abcdef", {}, 3, scale=Heat(0, 1), background=DARK).split("\n")) == 2
