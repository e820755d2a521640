"""Figures on paper: every label, a marker for each point, sizes, and files that appear whole."""

import xml.etree.ElementTree as ET
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Sheet
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from saetui.figures import Figure, FigureError, figure, figure_kinds
from saetui.figures.axes import draw_plot
from saetui.figures.ink import TALLEST, WIDEST
from saetui.figures.paper import _sheet
from saetui.figures.plots import Bar, BarChart, Chart, HeatMap, Line, Plot, Point, Scale
from store import Store

SVG = "{http://www.w3.org/2000/svg}"


def texts(path: Path) -> list[str]:
    return ["".join(node.itertext()).strip() for node in ET.parse(path).iter(f"{SVG}text")]


def drawn_axes(plot: Plot, *, legend: bool = True) -> Axes:
    axes = Sheet().add_subplot()
    draw_plot(axes, plot, legend=legend)
    return axes


def markers(path: Path) -> int:
    """Markers are placed with ``use`` in a clipped or plain group of a line; ticks are placed so as well."""
    tree = ET.parse(path)
    ticks = sum(1 for g in tree.iter(f"{SVG}g") if "tick" in g.get("id", "") for _ in g.iter(f"{SVG}use"))
    legend = sum(1 for g in tree.iter(f"{SVG}g") if g.get("id", "").startswith("legend") for _ in g.iter(f"{SVG}use"))
    return sum(1 for _ in tree.iter(f"{SVG}use")) - ticks - legend


@pytest.mark.parametrize("name", figure_kinds())
def test_an_svg_has_every_label_as_text_and_a_marker_for_each_point(name: str, study: Store, tmp_path: Path) -> None:
    made = figure(study, name)
    path = made.save(tmp_path / "figure.svg")
    found = texts(path)
    points = 0
    for plot in made.drawn:
        assert plot.title.strip() in found
        if isinstance(plot, Chart):
            points += sum(len(plot.spots(index, 8)) for index in range(len(plot.lines)))
            wanted = {plot.x.text, plot.y.text, *(line.name for line in plot.lines)}
            if plot.is_of_curves:
                # Their names stand at their ends, each with its marker.
                points += len(plot.lines)
            else:
                wanted.add(plot.key)
            if plot.named:
                wanted |= {point.label for line in plot.lines for point in line.points}
        elif isinstance(plot, BarChart):
            wanted = {
                plot.scale.text,
                plot.label,
                *plot.names,
                *(f"{bar.label} {bar.note}".strip() for bar in plot.bars),
            }
        else:
            wanted = {plot.row_label, plot.column_label, *plot.rows, *plot.columns}
            wanted |= {f"{100 * value:.0f}" for row in plot.values for value in row if value is not None}
        assert wanted - {""} <= set(found)
    assert markers(path) == points


def test_lines_differ_in_more_than_colour(tmp_path: Path) -> None:
    lines = tuple(Line(f"line {i}", (Point(1.0, float(i)), Point(2.0, float(i)))) for i in range(20))
    made = Figure("f", "f", (Chart("t", Scale("x"), Scale("y"), lines),), "SELECT 1")
    tree = ET.parse(made.save(tmp_path / "figure.svg"))
    uses = [use.get("{http://www.w3.org/1999/xlink}href") for use in tree.iter(f"{SVG}use")]
    drawn = [node.get("style", "") for node in tree.iter(f"{SVG}path") if "stroke-dasharray" in node.get("style", "")]
    assert len(set(uses)) >= 8
    assert len({style.partition("stroke-dasharray")[2] for style in drawn}) >= 2


def laid_out(plot: Chart) -> Axes:
    """The axes of a chart on a sheet, with its names where they belong."""
    (axes,) = _sheet(Figure("f", "f", (plot,), "SELECT 1")).axes
    return axes


def extents(axes: Axes) -> dict[str, Bbox]:
    return {text.get_text(): Text.get_window_extent(text) for text in axes.texts}


def test_the_names_of_curves_stand_at_their_ends_and_apart() -> None:
    curves = tuple(
        Line(f"sae {i}", tuple(Point(float(x), 5 + 0.01 * i * x) for x in range(40)), marked=False) for i in range(9)
    )
    axes = laid_out(Chart("t", Scale("position", whole=True), Scale("norm", from_zero=True), curves, key="SAE"))
    assert axes.get_legend() is None
    names = extents(axes)
    assert list(names) == [f"sae {i}" for i in range(9)]
    assert all(name.x0 > axes.get_window_extent().x1 for name in names.values())
    assert all(name.x1 <= axes.figure.bbox.x1 for name in names.values())
    heights = [name.y0 for name in names.values()]
    assert heights == sorted(heights)
    assert not any(one.overlaps(other) for one, other in combinations(names.values(), 2))
    drawn = [line for line in axes.lines if np.size(line.get_xdata()) > 1]
    looks = {(line.get_color(), line.get_marker()) for line in drawn}
    assert len(looks) == len({line.get_marker() for line in drawn[:8]}) + 1 == 9
    assert all(line.get_markevery() for line in drawn)


def test_a_few_curves_differ_in_their_dashes_too() -> None:
    curves = tuple(Line(name, (Point(1.0, 1.0), Point(2.0, 2.0)), marked=False) for name in "abc")
    axes = laid_out(Chart("t", Scale("x"), Scale("y"), curves))
    assert len({line.get_linestyle() for line in axes.lines if np.size(line.get_xdata()) > 1}) == 3


def test_references_differ_in_their_dashes_and_lie_below_what_is_compared_with_them() -> None:
    ends = (Point(1.0, 1.0), Point(2.0, 2.0))
    references = tuple(Line(name, ends, reference=True, marked=False) for name in ("fit", "floor"))
    axes = drawn_axes(Chart("t", Scale("x"), Scale("y"), (Line("a", ends), *references), key="k"))
    a, fit, floor = axes.lines
    assert fit.get_linestyle() != floor.get_linestyle()
    assert max(fit.get_zorder(), floor.get_zorder()) < a.get_zorder()


def test_names_of_points_meet_neither_each_other_nor_a_point() -> None:
    saes = [f"w{2**i}-k4" for i in range(6, 13)]
    parts = tuple(
        Line(part, tuple(Point(x + i % 3, y + 2 * i, y - 3, y + 3, sae) for i, sae in enumerate(saes)), joined=False)
        for part, x, y in (("linear", 60.0, 40.0), ("nonlinear", 62.0, 47.0))
    )
    diagonal = Line("in proportion", (Point(0.0, 0.0), Point(100.0, 100.0)), reference=True, marked=False)
    axes = laid_out(Chart("t", Scale("share"), Scale("loss"), (*parts, diagonal), key="put back", named=True))
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert sorted(text.get_text() for text in axes.texts) == sorted([*saes, *saes])
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))
    points = [axes.transData.transform((point.x, point.y)) for line in parts for point in line.points]
    assert not any(box.contains(*point) for box in boxes for point in points)
    inside = axes.get_window_extent()
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 for box in boxes)


def test_points_of_one_place_stand_beside_each_other() -> None:
    lines = tuple(Line(name, (Point(4.0, 1.5, 1.0, 2.0),)) for name in "abc")
    axes = drawn_axes(Chart("t", Scale("L0"), Scale("y", from_zero=True), lines, key="width"))
    places = [line.get_transform().transform((4.0, 1.5))[0] for line in axes.lines]
    assert places[1] - places[0] == places[2] - places[1]
    # Markers of four points.
    assert places[1] - places[0] >= 4.0 * axes.figure.dpi / 72
    assert axes.get_xlim()[0] < 4.0 < axes.get_xlim()[1]
    assert axes.get_ylim()[1] < 2.5


def test_a_png_has_300_dots_per_inch(study: Store, tmp_path: Path) -> None:
    with Image.open(figure(study, "splits").save(tmp_path / "figure.png")) as image:
        assert image.format == "PNG"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        width, height = (side / 300 for side in image.size)
        assert image.info["Title"] == "Feature splitting"
        assert "blocks.1" in image.info["Description"]
    # A column of a paper is some 3.3 inches wide; the legend stands beside the axes, the caption below them.
    assert width == pytest.approx(3.75, abs=0.02)
    assert 2.1 < height < 3.2


def test_the_caption_is_in_the_picture(study: Store, tmp_path: Path) -> None:
    made = figure(study, "absorption_rate")
    found = " ".join(texts(made.save(tmp_path / "figure.svg")))
    assert made.note
    assert " ".join(f"{made.title}. {made.note}".split()) in " ".join(found.split())


@pytest.mark.slow
def test_a_figure_fits_on_a_page_however_much_is_on_it(tmp_path: Path) -> None:
    bars = tuple(Bar(f"w{2**i}-k4", (1.0, 2.0, 3.0)) for i in range(12))
    names = ("as they are", "same frequency", "same frequency and norm")
    plots = tuple(BarChart(f"difference {i}", Scale("larger by", "%"), names, bars, label="SAE") for i in range(5))
    made = Figure("f", "f", plots, "SELECT 1", note="A caption. " * 30)
    with Image.open(made.save(tmp_path / "figure.png")) as image:
        width, height = (side / 300 for side in image.size)
    assert width <= WIDEST
    assert height <= TALLEST + 1.0


def test_ticks_of_a_short_logarithmic_axis_are_several_and_labels_have_no_more_digits_than_tell_them_apart(
    tmp_path: Path,
) -> None:
    l0s = (1.873843, 2.5, 3.652117, 4.4, 5.1, 6.3, 7.9, 7.95)
    line = Line("512", tuple(Point(l0, 0.1 * l0) for l0 in l0s))
    made = Figure("f", "f", (Chart("t", Scale("L0", logarithmic=True), Scale("y"), (line,)),), "SELECT 1")
    assert {"2", "3", "5", "7"} <= set(texts(made.save(tmp_path / "many.svg")))
    few = Line("512", tuple(Point(l0, 0.1 * l0) for l0 in (1.873843, 3.652117, 7.9)))
    made = Figure("f", "f", (Chart("t", Scale("L0", logarithmic=True), Scale("y"), (few,)),), "SELECT 1")
    assert {"1.87", "3.65", "7.90"} <= set(texts(made.save(tmp_path / "few.svg")))


def test_the_cells_of_a_map_darken_with_their_value_also_in_grey(tmp_path: Path) -> None:
    values = (tuple(index / 10 for index in range(11)),)
    plot = HeatMap("m", Scale("rate", "%"), ("sae",), tuple("abcdefghijk"), values)
    made = Figure("f", "f", (plot,), "SELECT 1")
    tree = ET.parse(made.save(tmp_path / "map.svg"))
    fills = [node.get("style", "") for node in tree.iter(f"{SVG}path") if "stroke: #ffffff" in node.get("style", "")]
    colours = [style.partition("fill: #")[2][:6] for style in fills if "fill: #" in style][: len(values[0])]
    assert len(colours) == 11
    greys = [0.299 * int(c[:2], 16) + 0.587 * int(c[2:4], 16) + 0.114 * int(c[4:], 16) for c in colours]
    assert greys == sorted(greys, reverse=True)
    assert greys[0] - greys[-1] > 150


def test_the_same_figure_gives_the_same_file(study: Store, tmp_path: Path) -> None:
    first, second = (figure(study, "splits").save(tmp_path / name) for name in ("a.svg", "b.svg"))
    assert first.read_bytes() == second.read_bytes()


def test_a_notebook_shows_the_figure(study: Store) -> None:
    assert "<svg" in (figure(study, "splits")._repr_svg_() or "")


@pytest.mark.parametrize(
    ("name", "said"), [("figure.pdf", "must end in .svg or .png"), ("nowhere/figure.svg", "there is no folder")]
)
def test_where_a_figure_cannot_be_written_is_named(name: str, said: str, study: Store, tmp_path: Path) -> None:
    with pytest.raises(FigureError, match=said):
        figure(study, "splits").save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_nothing_to_draw_leaves_no_file(empty: Store, tmp_path: Path) -> None:
    with pytest.raises(FigureError, match="saetui study letters"):
        figure(empty, "splits").save(tmp_path / "figure.svg")
    assert not list(tmp_path.glob("*.svg"))


def test_names_without_any_value_are_left_out_and_what_was_not_measured_looks_other_than_zero(tmp_path: Path) -> None:
    bars = (Bar("x", (1.0, None, 0.0)), Bar("y", (None, None, 2.0)), Bar("z", (None, None, None)))
    plot = BarChart("t", Scale("R²", "%"), ("error", "never measured", "rest"), bars, label="SAE")
    made = Figure("f", "f", (plot,), "SELECT 1")
    found = texts(made.save(tmp_path / "figure.svg"))
    assert "never measured" not in found
    assert {"error", "rest", "x", "y", "z"} <= set(found)
    # One of y and two of z.
    assert found.count("–") == 3
    # A single name is said as well.
    legend = drawn_axes(BarChart("t", Scale("R²"), ("error",), (Bar("x", (1.0,)),))).get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == ["error"]


def test_the_dash_of_what_was_not_measured_is_inside_the_axes() -> None:
    for value, aligned in ((-1.0, "right"), (1.0, "left")):
        axes = drawn_axes(BarChart("t", Scale("R²"), ("a",), (Bar("x", (value,)), Bar("y", (None,))), label="SAE"))
        (dash,) = axes.texts
        assert dash.get_horizontalalignment() == aligned


def test_rows_of_bars_without_any_value_are_inside_the_axes() -> None:
    bars = (Bar("first", (None,)), Bar("second", (1.0,)), Bar("third", (None,)))
    axes = drawn_axes(BarChart("t", Scale("R²", "%"), ("error",), bars, label="SAE"))
    bottom, top = axes.get_ylim()
    assert top == pytest.approx(-0.5)
    assert bottom == pytest.approx(2.5)


def test_a_single_place_along_x_is_the_only_tick() -> None:
    chart = Chart("t", Scale("L0"), Scale("y"), tuple(Line(name, (Point(4.0, 1.0),)) for name in "ab"), key="width")
    assert [label.get_text() for label in drawn_axes(chart).get_xticklabels()] == ["4"]


def test_the_title_of_a_small_map_is_inside_the_sheet(tmp_path: Path) -> None:
    plot = HeatMap("R² of the error norm across SAEs, %", Scale("R²"), ("w64-k4",), ("w256-k4",), ((0.5,),))
    made = Figure("f", "f", (plot,), "SELECT 1")
    with Image.open(made.save(tmp_path / "figure.png")) as image:
        pixels = image.convert("L")
        edges = [pixels.crop((left, 0, left + 4, pixels.height)) for left in (0, pixels.width - 4)]
    assert all(edge.getextrema()[0] == 255 for edge in edges)
