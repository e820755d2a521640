"""Where names stand: none over another, and as near as may be to what they name."""

from itertools import combinations, pairwise

import pytest

from saetui.figures.places import Box, free_places, spread
from saetui.figures.plots import Chart, Line, Point, Scale

WHOLE = Box(0, 0, 100, 100)


def beside(x: float, y: float) -> list[Box]:
    """Places to the right, the left, above and below of a point, 20 wide and 10 high."""
    return [
        Box(x + 2, y - 5, x + 22, y + 5),
        Box(x - 22, y - 5, x - 2, y + 5),
        Box(x - 10, y + 2, x + 10, y + 12),
        Box(x - 10, y - 12, x + 10, y - 2),
    ]


def test_names_take_the_first_of_their_places_that_is_free() -> None:
    wanted = [beside(50, 50), beside(52, 50), beside(96, 50)]
    taken = [Box(49, 49, 53, 51)]
    found = free_places(wanted, WHOLE, taken)
    # The last has no room at its right.
    assert found[2] == 1
    boxes = [wanted[name][place] for name, place in enumerate(found) if place is not None]
    assert len(boxes) == 3
    assert not any(one.meets(other) for one, other in combinations(boxes, 2))


def test_what_had_better_be_free_is_met_only_where_there_is_no_other_place() -> None:
    right = Box(51, 0, 100, 100)
    assert free_places([beside(50, 50)], WHOLE, [], [right]) == [1]
    assert free_places([beside(50, 50)], WHOLE, [], [WHOLE]) == [0]


def test_a_name_without_a_place_has_none() -> None:
    assert free_places([beside(50, 50)], WHOLE, [WHOLE]) == [None]
    assert free_places([], WHOLE, []) == []


@pytest.mark.parametrize(
    ("places", "found"),
    [
        ([10.0, 30.0, 20.0], [10.0, 30.0, 20.0]),
        # Around the mean of those that are too near to each other.
        ([50.0, 50.0, 53.0], [46.0, 51.0, 56.0]),
        ([0.0, 1.0, 90.0], [0.0, 5.0, 90.0]),
        ([100.0, 99.0], [100.0, 95.0]),
        ([], []),
    ],
)
def test_places_along_a_line_are_apart_and_in_the_same_order(places: list[float], found: list[float]) -> None:
    spaced = spread(places, 5.0, 0.0, 100.0)
    assert spaced == pytest.approx(found)
    assert all(b - a >= 5 - 1e-9 for a, b in pairwise(sorted(spaced)))


def test_places_without_room_are_equally_far_apart() -> None:
    assert spread([7.0, 7.0, 7.0], 5.0, 0.0, 8.0) == pytest.approx([0.0, 4.0, 8.0])


def chart(*lines: Line, whole: bool = False, from_zero: bool = True) -> Chart:
    return Chart("t", Scale("x", whole=whole), Scale("y", from_zero=from_zero), lines)


def test_points_that_hide_each_other_are_drawn_side_by_side() -> None:
    alike = [Line(name, (Point(4.0, 1.5, 1.2, 1.8),)) for name in "abc"]
    assert chart(*alike).steps(0.05) == (-1.0, 0.0, 1.0)
    curve = Line("fit", (Point(1.0, 1.0), Point(9.0, 1.0)), reference=True, marked=False)
    assert chart(*alike, curve).steps(0.05) == (-1.0, 0.0, 1.0, 0.0)
    # Only their intervals meet.
    assert chart(Line("a", (Point(4.0, 1.0, 0.0, 2.0),)), Line("b", (Point(4.0, 2.0, 1.0, 3.0),))).steps(0.05) == (
        -0.5,
        0.5,
    )


def test_points_that_can_be_seen_stay_where_they_are() -> None:
    apart = (Line("a", (Point(4.0, 1.0, 0.9, 1.1),)), Line("b", (Point(4.0, 2.0, 1.9, 2.1),)))
    assert chart(*apart).steps(0.05) == (0.0, 0.0)
    elsewhere = (Line("a", (Point(4.0, 1.0, 0.9, 1.1),)), Line("b", (Point(5.0, 1.0, 0.9, 1.1),)))
    assert chart(*elsewhere).steps(0.05) == (0.0, 0.0)
    # Along an axis of percent a place is a number that is read off.
    quantiles = (Line(name, tuple(Point(float(x), 0.1 * x) for x in (1, 50, 99))) for name in "ab")
    assert chart(*quantiles).steps(0.05) == (0.0, 0.0)
    assert chart(Line("a", ())).steps(0.05) == (0.0,)


@pytest.mark.parametrize("count", [1, 3, 9])
def test_the_markers_of_curves_are_few_and_not_all_at_one_place(count: int) -> None:
    places = tuple(Point(float(x), 1.0) for x in range(128))
    curves = chart(*(Line(str(i), places, marked=False) for i in range(count)))
    spots = [curves.spots(index, 8) for index in range(count)]
    assert all(7 <= len(of) <= 8 for of in spots)
    assert len({of[0] for of in spots}) == count
    fitted = chart(
        Line("a", places), Line("smooth", places, marked=False), Line("fit", places, reference=True, marked=False)
    )
    # What is fitted to points has no markers, which would look like more points.
    assert [len(fitted.spots(index, 8)) for index in range(3)] == [128, 0, 0]
