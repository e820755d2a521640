"""Scales and series as terminals show them: with all colours, 256, sixteen and none, on dark and on light."""

from itertools import combinations, pairwise

import pytest
from rich.color import Color as RichColor
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color, rgb_to_lab

from saetui.tui.drawing.depth import Depth, Nearest256, cube, depth_of, nearest, use_depth
from saetui.tui.drawing.heat import heat_look, heat_style, sign_look
from saetui.tui.drawing.look import COLOURS, PLAIN, SIXTEEN, Look, marker
from saetui.tui.theme import DARK as DARK_THEME
from saetui.tui.theme import LIGHT as LIGHT_THEME

DARK, LIGHT = (Color.parse(theme.background or "") for theme in (DARK_THEME, LIGHT_THEME))
WARM = {DARK: Color.parse(DARK_THEME.warning or ""), LIGHT: Color.parse(LIGHT_THEME.warning or "")}
ANSI = Color(0, 0, 0, ansi=-1)
# What xterm shows for the terminal's own colours, of those that are used for signs and series.
XTERM = {
    1: (205, 0, 0),
    2: (0, 205, 0),
    3: (205, 205, 0),
    5: (205, 0, 205),
    6: (0, 205, 205),
    12: (92, 92, 255),
}
LEVELS = [step / 100 for step in range(101)]


def _shown_with_256(colour: RichColor) -> Color:
    """The colour that a terminal of 256 shows, as Rich writes it."""
    written = colour.downgrade(ColorSystem.EIGHT_BIT)
    return Color.from_rich_color(RichColor.from_triplet(written.get_truecolor()))


def _lightness(colour: Color) -> float:
    return rgb_to_lab(colour).L


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("background", [DARK, LIGHT])
@pytest.mark.parametrize("depth", [Depth.FULL, Depth.CUBE])
def test_a_higher_value_is_never_nearer_to_the_background(depth: Depth, background: Color, sign: int) -> None:
    use_depth(depth)
    looks = [heat_style(sign * level, background, WARM[background]).bgcolor for level in LEVELS]
    assert looks[0] is None
    assert looks[-1] is not None
    show = _shown_with_256 if depth is Depth.CUBE else Color.from_rich_color
    shown = [show(colour) for colour in looks if colour]
    away = [
        _lightness(colour) * (1 if background is DARK else -1) for colour in [_background(depth, background), *shown]
    ]
    assert all(later >= earlier for earlier, later in pairwise(away))
    distinct = list(dict.fromkeys(shown))
    assert len(distinct) >= 4
    if depth is Depth.CUBE:
        # Told apart by lightness alone, and of one hue: warm, or blue.
        assert all(abs(_lightness(b) - _lightness(a)) > 5 for a, b in pairwise(distinct))
        assert all((c.r > c.b) if sign > 0 else (c.b > c.r) for c in distinct)


def _background(depth: Depth, colour: Color) -> Color:
    if depth is Depth.FULL:
        return colour
    return Color.from_rich_color(RichColor.from_triplet(RichColor.from_ansi(nearest(*colour.rgb)).get_truecolor()))


@pytest.mark.parametrize("background", [DARK, LIGHT])
@pytest.mark.parametrize("depth", [Depth.FULL, Depth.CUBE])
def test_text_on_a_shade_can_be_read(depth: Depth, background: Color) -> None:
    use_depth(depth)
    for level in [*LEVELS, *(-level for level in LEVELS)]:
        look = heat_look(level, background, WARM[background])
        if look.background is not None:
            assert look.foreground is not None
            text = look.background + look.foreground
            assert abs(_lightness(text) - _lightness(look.background)) > 40


def test_with_256_colours_browns_stay_brown_and_greys_grey() -> None:
    # Rounding red, green and blue each for itself gives olive (58) and yellow (230).
    assert nearest(78, 67, 49) == 238
    assert nearest(238, 236, 230) == 255
    assert all(nearest(*cube(number).rgb) == number for number in range(16, 232))
    style = RichStyle(color="#eeece6", bgcolor="#4e4331", bold=True)
    (segment,) = Nearest256().apply([Segment("x", style)], DARK)
    assert segment.style == RichStyle(color="color(255)", bgcolor="color(238)", bold=True)
    named = RichStyle(color="red", bgcolor="default")
    assert Nearest256().apply([Segment("x", named)], DARK) == [Segment("x", named)]


@pytest.mark.parametrize(("depth", "background"), [(Depth.SIXTEEN, DARK), (Depth.NONE, ANSI), (Depth.FULL, ANSI)])
def test_where_shades_cannot_be_told_apart_the_text_says_it(depth: Depth, background: Color) -> None:
    use_depth(depth)
    looks = [heat_look(level, background) for level in (0.1, 0.3, 0.6, 0.9)]
    without_colour = [(look.underline, look.bold, look.reverse) for look in looks]
    assert len(set(without_colour)) == 4
    assert without_colour[0] == (None, None, None)
    for level in (0.3, 0.6, 0.9):
        high, low = heat_look(level, background), heat_look(-level, background)
        assert high.foreground != low.foreground
        assert (high.italic, low.italic) == (None, True)
    assert sign_look(1, background).foreground != sign_look(-1, background).foreground
    assert sign_look(-1, background).italic


def test_signs_and_the_first_series_can_be_read_on_black_and_on_white() -> None:
    use_depth(Depth.SIXTEEN)
    colours = [look.foreground for look in (sign_look(1), sign_look(-1), heat_look(0.3, ANSI), heat_look(-0.3, ANSI))]
    numbers = [colour.ansi for colour in colours if colour is not None]
    assert len(numbers) == 4
    for number in [*numbers, *(colour.number for colour in SIXTEEN[:3])]:
        assert number is not None
        shown = Color(*XTERM[number])
        assert all(_contrast(shown, paper) >= 3 for paper in (Color(0, 0, 0), Color(255, 255, 255))), number


def _contrast(one: Color, other: Color) -> float:
    """The ratio of luminances, 1 to 21, as WCAG defines it; large marks need 3."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Color) -> float:
    parts = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized)
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def test_signs_have_their_own_colours() -> None:
    high, low = heat_look(1.0, DARK).background, heat_look(-1.0, DARK).background
    assert high is not None
    assert low is not None
    assert high.r > high.b
    assert low.b > low.r
    assert heat_look(0.0, DARK).background is None


def test_no_two_series_look_the_same_with_256_colours_or_sixteen() -> None:
    assert len({_shown_with_256(colour) for colour in COLOURS}) == len(COLOURS)
    # All are among the 256 already.
    assert all(_shown_with_256(colour) == Color.from_rich_color(colour) for colour in COLOURS)
    for one, other in combinations(map(_shown_with_256, COLOURS), 2):
        a, b = rgb_to_lab(one), rgb_to_lab(other)
        assert (a.L - b.L) ** 2 + (a.a - b.a) ** 2 + (a.b - b.b) ** 2 > 30**2
    assert len({colour.number for colour in SIXTEEN}) == len(SIXTEEN) == len(COLOURS)
    dark = Look(PLAIN.text, PLAIN.axis, PLAIN.title, PLAIN.highlight, DARK)
    for depth, look, colours in (
        (Depth.FULL, dark, COLOURS),
        (Depth.CUBE, dark, COLOURS),
        (Depth.SIXTEEN, dark, SIXTEEN),
        (Depth.FULL, PLAIN, SIXTEEN),
    ):
        use_depth(depth)
        assert [look.series(index).color for index in range(len(colours))] == list(colours)
    # Without colours there are the markers, which go round at another pace.
    assert len({marker(index) for index in range(7)}) == 7


@pytest.mark.parametrize(
    ("system", "no_color", "depth"),
    [
        ("truecolor", False, Depth.FULL),
        ("256", False, Depth.CUBE),
        ("standard", False, Depth.SIXTEEN),
        ("windows", False, Depth.SIXTEEN),
        (None, False, Depth.NONE),
        ("truecolor", True, Depth.NONE),
    ],
)
def test_the_depth_of_a_terminal(system: str | None, no_color: bool, depth: Depth) -> None:
    assert depth_of(system, no_color=no_color) is depth
