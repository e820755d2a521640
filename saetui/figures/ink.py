"""What paper figures are drawn with: colours and markers that stay apart without colour, type, line widths, sizes."""

from __future__ import annotations

from typing import Any, Final

# Okabe and Ito's palette without its yellow, which white paper swallows; dark and light take turns, for grey printers.
COLOURS: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
MARKERS: Final = ("o", "^", "s", "D", "P", "v", "X", "*")
DASHES: Final = ("-", "--", "-.")
# The reference that the others are compared with.
REFERENCE: Final = {"color": "#000000", "linestyle": ":", "marker": "o", "markerfacecolor": "white"}
# Of several references each has its own.
REFERENCE_DASHES: Final = (":", (0, (5, 2)), (0, (5, 1.5, 1, 1.5)))
# Lines whose points hide each other stand beside each other by so many points, the last of many by no more than these.
ASIDE: Final = 4.0
MOST_ASIDE: Final = 14.0
# For cells: one hue, and lightness falls with the value, also on a grey printer.
COLOUR_MAP: Final = "Blues"
GREY: Final = "#555555"
# Numbers of cells that do not count.
PALE: Final = "#999999"
# The dash in place of a bar that was not measured.
MISSING: Final[Any] = {"color": GREY, "va": "center"}
# Fills of the bars of a row, light and dark, and what is drawn over them.
FILLS: Final = (("#0072b2", ""), ("#ffffff", "////"), ("#999999", ""), ("#e69f00", "...."), ("#56b4e9", "xxxx"))

# Names beside lines and points, and the room for a line that leads to them.
NAME_SIZE: Final = 6.5
LEADER_INCHES: Final = 0.25
PLOT_INCHES: Final = (2.8, 2.1)
# Curves go up and down many times.
CURVES_INCHES: Final = 5.0
CURVE_WIDTH: Final = 0.8
# More names of points than these need more room.
FEW_NAMES: Final = 10
NAMED_INCHES: Final = (3.9, 3.0)
# What stands to the left of the axes.
MARGIN_INCHES: Final = 0.55
LEGEND_INCHES: Final = 0.95
LEGEND_LINE_INCHES: Final = 0.16
CELL_INCHES: Final = 0.235
# Names of columns that are longer stand upright.
LONGEST_FLAT: Final = 3
# The scale of a map is as tall as so many rows, at most.
SCALE_ROWS: Final = 8
# The width of a letter of a tick's label.
LETTER_INCHES: Final = 0.065
TITLE_LETTER_INCHES: Final = 0.072
NARROW_LETTER_INCHES: Final = 0.06
BAR_INCHES: Final = 0.15
PNG_DPI: Final = 300
# A sheet is no larger than this, so that it fits on a page and a screen; what is on it becomes smaller instead.
WIDEST: Final = 11.0
TALLEST: Final = 9.0
CAPTION_SIZE: Final = 6.5
CAPTION_LETTER_INCHES: Final = 0.052
CAPTION_LINE_INCHES: Final = 0.115


def darker(colour: str) -> tuple[float, float, float]:
    """A colour for text, which is thin, on white paper."""
    red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return 0.7 * red, 0.7 * green, 0.7 * blue


# Any: matplotlib types each of about three hundred keys.
STYLE: Final[Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    # The same figure gives the same file.
    "svg.hashsalt": "saetui",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.1,
    "lines.markersize": 4,
    "hatch.linewidth": 0.6,
    "savefig.facecolor": "white",
    "figure.facecolor": "white",
}
