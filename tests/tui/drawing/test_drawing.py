"""Figures in a terminal: bars, cells, and whole sheets of plots."""

import pytest
from textual.color import Color
from textual.strip import Strip

from saetui.figures.description import Figure
from saetui.figures.plots import Bar, BarChart, Chart, HeatMap, Line, Point, Scale
from saetui.tui.drawing.bars import draw_bars
from saetui.tui.drawing.cells import draw_cells
from saetui.tui.drawing.chart import draw_chart
from saetui.tui.drawing.look import MARKERS, PLAIN, Look, marker
from saetui.tui.drawing.sheet import draw_page, print_lines

DARK = Look(PLAIN.text, PLAIN.axis, PLAIN.title, PLAIN.highlight, Color.parse("#14181b"))
EFFECT = Scale("effect", "logits")
BARS = BarChart(
    "evidence",
    EFFECT,
    ("gradients", "exact"),
    (Bar("1085", (-4.0, -2.0), "cos 0.40"), Bar("7", (1.0, None), "cos 0.01"), Bar("412", (0.0, 0.0), "main, silent")),
    label="latent",
)
MAP = HeatMap(
    "rate", Scale("rate", "%"), ("narrow", "wide"), tuple("abc"), ((0.25, 0.0, None), (0.5, 0.04, 1.0)), high=1.0
)


def text(strips: list[Strip]) -> list[str]:
    return [strip.text.rstrip() for strip in strips]


def chart(title: str, *names: str) -> Chart:
    lines = tuple(Line(name, (Point(1.0, 0.1 * i), Point(2.0, 0.2 * i))) for i, name in enumerate(names, start=1))
    return Chart(title, Scale("layer", whole=True), Scale("F1", "share"), lines, key="width")


def sheet(*titles: str, columns: int = 2) -> Figure:
    return Figure("f", "the title", tuple(chart(t, "16", "64") for t in titles), "SELECT 1", note="a note " * 30,
                  columns=columns)  # fmt: skip


def test_bars_go_from_zero_to_either_side_as_far_as_their_values() -> None:
    lines = text(draw_bars(BARS, 80, 20, PLAIN))
    assert "gradients" in lines[0]
    assert "effect (logits)" in lines[0]
    zero = {line.index("│") for line in lines[1:]}
    assert len(zero) == 1
    first, second = lines[1].count("█") + lines[1].count("▐") / 2, lines[2].count("▒")
    assert lines[1].startswith("1085 cos 0.40")
    assert first == pytest.approx(2 * second, abs=1.5)
    assert lines[1].endswith("−4.00")
    right = lines[3].partition("│")[2]
    assert right.count("█") == pytest.approx(first / 4, abs=1)
    assert lines[4].endswith("–")
    assert "412 main, silent" in lines[5]
    assert lines[5].endswith(" 0")
    assert not any(fill in lines[5] for fill in "█▒▌▐")


def test_intervals_stand_beside_the_numbers_where_there_is_room() -> None:
    plot = BarChart("t", EFFECT, ("a",), (Bar("x", (0.5,), intervals=((0.25, 0.75),)), Bar("y", (1.0,))))
    wide, narrow = (text(draw_bars(plot, width, 9, PLAIN)) for width in (60, 36))
    assert wide[1].endswith(" 0.50  0.25 … 0.75")
    assert wide[2].endswith(" 1.00")
    assert narrow[1].endswith(" 0.50")
    # A sign tells apart only what goes to both sides.
    both = BarChart("t", EFFECT, ("a",), (Bar("x", (-0.5,), intervals=((-1.25, 0.75),)),))
    assert text(draw_bars(both, 60, 9, PLAIN))[1].endswith("−0.50  −1.25 … +0.75")


def test_labels_of_bars_are_cut_only_where_there_is_no_room_for_them() -> None:
    labels = ("wide (blocks.1.hook_resid_post)", "all earlier SAEs", "gone")
    plot = BarChart("t", EFFECT, ("a",), tuple(Bar(label, (1.0,)) for label in labels))
    narrow = text(draw_bars(plot, 70, 9, PLAIN))[1:]
    assert [line.partition("│")[0].strip() for line in narrow] == ["wide (blocks.1.hook_res…", *labels[1:]]
    wide = text(draw_bars(plot, 100, 9, PLAIN))[1:]
    assert [line.partition("│")[0].strip() for line in wide] == [*labels]


def test_stacked_bars_stand_end_to_end_and_say_their_sum() -> None:
    bars = (Bar("x", (1.0, 2.0, 3.0)), Bar("y", (1.0, None, 2.0)))
    plot = BarChart("t", EFFECT, ("a", "b", "c"), bars, label="SAE", stacked=True)
    legend, first, second = text(draw_bars(plot, 80, 9, PLAIN))
    assert "██ a  ▒▒ b  ░░ c" in legend
    drawn = first.partition("│")[2].split()
    assert drawn[1] == "6.00"
    assert drawn[0] == "█" * drawn[0].count("█") + "▒" * drawn[0].count("▒") + "░" * drawn[0].count("░")
    assert drawn[0].count("▒") == pytest.approx(2 * drawn[0].count("█"), abs=2)
    assert second.endswith("3.00")
    assert "▒" not in second
    assert len(second.partition("│")[2].split()[0]) == pytest.approx(len(drawn[0]) / 2, abs=1)


def test_long_names_of_bars_take_more_lines_and_long_names_of_columns_wider_cells() -> None:
    names = tuple(f"a rather long name {index}" for index in range(4))
    lines = text(draw_bars(BarChart("t", EFFECT, names, (Bar("x", (1.0,) * 4),)), 60, 12, PLAIN))
    legend = " ".join(lines[: len(lines) - 4])
    assert all(name in legend for name in names)
    assert "effect (logits)" in legend
    plot = HeatMap("t", Scale("R²"), ("w512",), ("w2048-k4", "w8192-k4"), ((0.75, 0.5),))
    assert text(draw_cells(plot, 60, 9, PLAIN))[0].split() == ["w2048-k4", "w8192-k4"]


def test_markers_can_stand_alone() -> None:
    points = (Point(0.0, 0.0), Point(10.0, 10.0))
    joined, apart = (
        "".join(text(draw_chart(Chart("t", Scale("x"), Scale("y"), (Line("a", points, joined=on),)), 40, 12, PLAIN)))
        for on in (True, False)
    )
    assert joined.count("●") == apart.count("●") == 2
    assert any("\u2801" <= character <= "\u28ff" for character in joined)
    assert not any("\u2801" <= character <= "\u28ff" for character in apart)


def curves(count: int) -> Chart:
    lines = tuple(
        Line(f"sae {i}", tuple(Point(float(x), 5.0 + i + x % 3) for x in range(60)), marked=False) for i in range(count)
    )
    return Chart("norm", Scale("position", whole=True), Scale("norm", "units", from_zero=True), lines, key="SAE")


def test_curves_have_markers_and_their_names_at_their_ends() -> None:
    lines = text(draw_chart(curves(3), 78, 18, PLAIN))
    names = [line[-7:] for line in lines if "sae" in line]
    assert names == ["■ sae 2", "▲ sae 1", "● sae 0"]
    drawn = "".join(line[:-8] for line in lines)
    assert all(drawn.count(sign) >= 5 for sign in "●▲■")


def test_more_curves_than_rows_have_a_legend_with_the_markers() -> None:
    lines = text(draw_chart(curves(12), 78, 12, PLAIN))
    assert lines[0].startswith("  SAE  ● sae 0  ▲ sae 1  ■ sae 2")
    assert not any(line.endswith("sae 11") for line in lines[3:])


def test_a_page_of_curves_says_their_names_once() -> None:
    figure = Figure("f", "f", (curves(3), curves(3)), "SELECT 1")
    page = draw_page(figure, 78, 20, PLAIN)
    # Curves need room: one at a time.
    assert page.count == 1
    assert sum(line.count("sae 1") for line in text(page.strips)) == 1
    both = draw_page(figure, 118, 36, PLAIN)
    assert both.count == 2
    assert sum(line.count("sae 1") for line in text(both.strips)) == 2


def points(*named: tuple[float, float, str]) -> Chart:
    marks = Line("linear part", tuple(Point(x, y, label=label) for x, y, label in named), joined=False)
    return Chart("t", Scale("share", "%"), Scale("loss", "%"), (marks,), named=True)


def test_points_have_their_names_beside_them() -> None:
    lines = text(draw_chart(points((0.0, 0.0, "w64"), (50.0, 50.0, "w256"), (100.0, 100.0, "w1024")), 60, 14, PLAIN))
    (first,), (second,), (third,) = ([line for line in lines if name in line] for name in ("w64", "w256", "w1024"))
    assert "● w64" in first
    assert "● w256" in second
    assert "w1024 ●" in third


def test_points_that_crowd_have_a_letter_and_a_key() -> None:
    crowd = [(10.0 + i % 3, 10.0 + i // 3, f"a-long-name-{i}") for i in range(9)]
    lines = text(draw_chart(points(*crowd, (100.0, 100.0, "far away")), 40, 20, PLAIN))
    key = " ".join(line.strip() for line in lines if "a-long-name" in line or "far away" in line)
    assert "a a-long-name-0" in key
    assert "j far away" in key
    assert any("●j" in line or "j●" in line for line in lines)


def test_points_of_one_place_stand_in_columns_of_their_own() -> None:
    lines = tuple(Line(name, (Point(4.0, 1.0),)) for name in "abc")
    drawn = text(draw_chart(Chart("t", Scale("L0"), Scale("y"), lines, key="width"), 60, 14, PLAIN))
    assert any("●▲■" in line for line in drawn)


def test_the_current_point_stands_out_where_it_is_drawn() -> None:
    lines = tuple(Line(name, (Point(4.0, 1.0 + i / 100),)) for i, name in enumerate("abc"))
    same = Chart("t", Scale("L0"), Scale("y", from_zero=True), lines, key="width")
    drawn = "".join(text(draw_chart(same, 60, 14, PLAIN, highlight=(4.0, 1.01))[1:]))
    assert [drawn.count(sign) for sign in "●▲■◉"] == [1, 0, 1, 1]


def test_references_differ_in_their_dashes() -> None:
    flat = tuple(
        Line(name, (Point(0.0, y), Point(9.0, y)), reference=True, marked=False) for name, y in (("a", 1.0), ("b", 2.0))
    )
    drawn = text(draw_chart(Chart("t", Scale("x"), Scale("y"), flat), 40, 14, PLAIN))
    assert "─ a  ╌ b" in drawn[0]
    dotted = [line.partition("│")[2] or line.partition("┤")[2] for line in drawn[1:-3]]
    upper, lower = (line.strip() for line in dotted if any("\u2801" <= sign <= "\u28ff" for sign in line))
    assert " " not in lower
    assert " " in upper


def test_a_legend_without_room_says_how_many_lines_are_left() -> None:
    lines = text(draw_chart(chart("t", *(f"a line with a name {i}" for i in range(12))), 60, 12, PLAIN))
    legend = [line for line in lines if "a line" in line]
    assert legend[-1].endswith("more")
    told = sum(line.count("a line") for line in legend)
    assert f"and {12 - told} more" in legend[-1]


def test_a_map_says_what_its_rows_and_columns_are() -> None:
    plot = HeatMap("R²", Scale("R²"), ("w64",), ("w256",), ((0.5,),), row_label="narrower", column_label="wider")
    figure = Figure("f", "f", (plot,), "SELECT 1")
    assert text(draw_page(figure, 78, 20, PLAIN).strips)[0] == "R² · rows: narrower, columns: wider"
    assert text(draw_page(figure, 30, 8, PLAIN).strips)[0] == "R²"


def test_a_title_that_is_too_long_takes_two_lines_where_there_are_many() -> None:
    title = "loss recovered against share of the squared norm"
    figure = Figure("f", "f", (chart(title, "a"), chart("short", "a")), "SELECT 1", columns=2)
    high = text(draw_page(figure, 78, 20, PLAIN).strips)
    assert high[0].split("  ")[0] == "loss recovered against share of the"
    assert high[1].strip() == "squared norm · share"
    low = text(draw_page(figure, 78, 9, PLAIN).strips)
    assert low[0].startswith("loss recovered against share of the s…")


def test_bars_without_room_are_counted() -> None:
    lines = text(draw_bars(BARS, 80, 5, PLAIN))
    assert len(lines) == 4
    assert lines[-1].strip() == "and 2 more"
    assert text(draw_bars(BARS, 10, 5, PLAIN)) == ["  too sma…"]


def test_cells_carry_numbers_and_colour_where_there_is_room() -> None:
    strips = draw_cells(MAP, 40, 10, DARK)
    assert [line.split() for line in text(strips)] == [
        ["a", "b", "c"],
        ["narrow", "25", "0", "–"],
        ["wide", "50", "4", "100"],
    ]
    backgrounds = [
        segment.style.bgcolor for segment in strips[2] if segment.style and segment.text.strip() in ("50", "100")
    ]
    assert len(set(backgrounds)) == 2
    assert None not in backgrounds


def test_narrow_cells_say_by_their_fill_how_much() -> None:
    wide = HeatMap("m", Scale("rate"), ("sae",), tuple("abcdefghijklmnopqrstuvwxyz"), ((0.0, 0.6, 1.0, *[None] * 23),))
    lines = text(draw_cells(wide, 60, 10, PLAIN))
    assert lines[0].split() == list("abcdefghijklmnopqrstuvwxyz")
    assert lines[1].split()[:3] == ["sae", "▒", "█"]
    assert lines[-1].strip() == "█ is 100 %"


def test_rows_without_room_are_counted() -> None:
    many = HeatMap("m", Scale("rate"), tuple(f"sae {i}" for i in range(30)), ("a",), ((0.5,),) * 30)
    lines = text(draw_cells(many, 40, 10, PLAIN))
    assert len(lines) == 10
    assert lines[-1].strip() == "and 22 more rows"


def test_markers_of_many_lines_stay_apart_from_colours() -> None:
    pairs = {(DARK.series(i), marker(i)) for i in range(40)}
    assert len(pairs) == 40
    assert marker(3, reference=True) not in MARKERS


@pytest.mark.parametrize("size", [(78, 22), (118, 38), (238, 60), (58, 13)])
def test_a_page_keeps_to_its_size(size: tuple[int, int]) -> None:
    for figure in (sheet("a", "b", "c", "d"), Figure("f", "f", (BARS, MAP), "SELECT 1")):
        page = draw_page(figure, *size, PLAIN)
        assert len(page.strips) <= size[1]
        assert all(strip.cell_length <= size[0] for strip in page.strips)
        assert page.count >= 1


def test_pages_show_all_plots_one_after_the_other() -> None:
    figure = sheet("one", "two", "three", "four")
    shown, first = [], 0
    while first < 4:
        page = draw_page(figure, 78, 13, PLAIN, first)
        assert page.first == first
        titles = " ".join(text(page.strips))
        shown += [t for t in ("one", "two", "three", "four") if f"{t} · share" in titles]
        first += page.count
    assert shown == ["one", "two", "three", "four"]


def test_a_plot_can_have_all_the_room() -> None:
    page = draw_page(sheet("one", "two"), 78, 30, PLAIN, 1, alone=True)
    assert (page.first, page.count) == (1, 1)
    lines = text(page.strips)
    assert lines[0] == "two · share"
    assert sum("│" in line or "┤" in line for line in lines) > 18


def test_plots_with_the_same_lines_share_a_legend() -> None:
    lines = text(draw_page(sheet("one", "two"), 78, 22, PLAIN).strips)
    assert sum("● 16  ▲ 64" in line for line in lines) == 1
    different = Figure("f", "f", (chart("one", "16", "64"), chart("two", "8", "9")), "SELECT 1", columns=2)
    (legends,) = [line for line in text(draw_page(different, 78, 22, PLAIN).strips) if "● 16  ▲ 64" in line]
    assert "● 8  ▲ 9" in legends


def test_what_belongs_side_by_side_does_not_mix_with_what_comes_below() -> None:
    figure = sheet("a1", "a2", "a3", "b1", "b2", "b3", columns=3)
    lines = text(print_lines(figure, 80, PLAIN))
    titles = [line for line in lines if "· share" in line]
    assert [[t for t in ("a1", "a2", "a3", "b1", "b2", "b3") if t in line] for line in titles] == [
        ["a1", "a2"],
        ["a3"],
        ["b1", "b2"],
        ["b3"],
    ]


def test_what_is_printed_has_title_and_note() -> None:
    lines = text(print_lines(sheet("one"), 60, PLAIN))
    assert lines[0] == "the title"
    assert " ".join(lines[-4:]).count("a note") >= 20


def test_nothing_to_draw_says_what_to_do() -> None:
    figure = Figure("f", "f", (chart("one"),), "SELECT 1", advice="`saetui study letters`")
    page = draw_page(figure, 60, 20, PLAIN)
    assert "There is nothing to draw: `saetui study letters`." in text(page.strips)[0]
