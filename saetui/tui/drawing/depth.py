"""How many colours the terminal has: what scales and series are drawn with depends on it."""

from enum import Enum, auto
from functools import cache, lru_cache

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color, Lab, rgb_to_lab
from textual.filter import LineFilter

_LEVELS = (0, 95, 135, 175, 215, 255)
_FIRST_OF_CUBE, _FIRST_GREY = 16, 232


class Depth(Enum):
    """What a terminal can show."""

    FULL = auto()
    CUBE = auto()
    """The 256 colours of xterm, which is what most connections by SSH say that they have."""
    SIXTEEN = auto()
    """The terminal's own sixteen."""
    NONE = auto()
    """No colours, or none wanted (NO_COLOR)."""

    @property
    def is_poor(self) -> bool:
        """Whether shades cannot be told apart, so that underlines and the like stand for them."""
        return self in (Depth.SIXTEEN, Depth.NONE)


def depth_of(color_system: str | None, *, no_color: bool) -> Depth:
    """The depth of what Rich calls a color system: "truecolor", "256", "standard", "windows", or None."""
    if no_color:
        return Depth.NONE
    known = {"truecolor": Depth.FULL, "256": Depth.CUBE, "standard": Depth.SIXTEEN, "windows": Depth.SIXTEEN}
    return known.get(color_system or "", Depth.NONE)


# A process draws on one terminal.
_in_use = [Depth.FULL]


def depth() -> Depth:
    """The depth of the terminal that is drawn on."""
    return _in_use[0]


def use_depth(depth: Depth) -> None:
    """Draw for a terminal of this depth from now on."""
    _in_use[0] = depth


def cube(number: int) -> Color:
    """The colour of a number of 16 to 231, whose place is in the cube of 6×6×6 colours; no terminal changes it."""
    place = number - _FIRST_OF_CUBE
    return Color(_LEVELS[place // 36], _LEVELS[place // 6 % 6], _LEVELS[place % 6])


@lru_cache(maxsize=4096)
def nearest(red: int, green: int, blue: int) -> int:
    """The number of the colour among xterm's 256 that looks most like this one; the first sixteen are anybody's."""
    wanted = rgb_to_lab(Color(red, green, blue))
    return min(_lab_of_256(), key=lambda entry: _distance(wanted, entry[1]))[0]


@cache
def _lab_of_256() -> tuple[tuple[int, Lab], ...]:
    greys = {_FIRST_GREY + step: Color(grey, grey, grey) for step in range(24) if (grey := 8 + 10 * step)}
    colours = {number: cube(number) for number in range(_FIRST_OF_CUBE, _FIRST_GREY)} | greys
    return tuple((number, rgb_to_lab(colour)) for number, colour in colours.items())


def _distance(one: Lab, other: Lab) -> float:
    return (one.L - other.L) ** 2 + (one.a - other.a) ** 2 + (one.b - other.b) ** 2


class Nearest256(LineFilter):
    """Colours as the nearest of the 256: rounding each of red, green and blue makes a brown olive and a grey yellow."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [Segment(text, style and _of_256(style), control) for text, style, control in segments]


@lru_cache(maxsize=4096)
def _of_256(style: Style) -> Style:
    return style + Style(color=_numbered(style.color), bgcolor=_numbered(style.bgcolor))


def _numbered(colour: RichColor | None) -> RichColor | None:
    return colour if colour is None or colour.triplet is None else RichColor.from_ansi(nearest(*colour.triplet))
