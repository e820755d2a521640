"""Colour that carries a number: a value on a scale becomes a background between the surface and one strong colour.

With 256 colours the scale is made of those that the terminal has; with fewer, or none, the looks of the text say it.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style as RichStyle
from textual.color import Color
from textual.style import Style

from saetui.tui.drawing.depth import Depth, cube, depth

# Blue and orange stay apart in every common form of colour blindness.
NEGATIVE = cube(32)
POSITIVE = cube(172)
_STEPS = 24
# Short of the full colour, so that a column of high values stays calm and its text readable.
_STRONGEST = 0.55
# Of the 256 colours those that go from the surface to the strong colour, each lighter (on dark) or darker (on light)
# than the one before. A blend would be rounded to olive, grey and rose in no order.
_DARK_RAMPS = {1: (52, 94, 130, 172), -1: (18, 24, 31, 38)}
_LIGHT_RAMPS = {1: (223, 215, 172, 130), -1: (153, 110, 67, 25)}
# Where shades cannot be told apart: from which level on a number has which looks, so that it shows without colour too.
_POOR_LOOKS = (
    (0.8, Style(bold=True, reverse=True)),
    (0.5, Style(bold=True, underline=True)),
    (0.2, Style(underline=True)),
)
_DARK_BELOW, _READABLE_ABOVE = 0.5, 0.45
# Red and blue can be read on black and on white, whichever the terminal has; yellow cannot.
_ANSI_POSITIVE, _ANSI_NEGATIVE = (Color(0, 0, 0, ansi=number) for number in (1, 12))


@dataclass(frozen=True)
class Heat:
    """A scale: ``low`` has no colour, ``high`` all of it; with ``diverging``, 0 has none and the sign picks the hue."""

    low: float = 0.0
    high: float = 1.0
    diverging: bool = False
    logarithmic: bool = False

    def level(self, value: float) -> float:
        """The value's place on the scale, 0 to 1 (−1 to 1 where diverging)."""
        if self.diverging:
            return max(-1.0, min(1.0, value / max(abs(self.low), abs(self.high))))
        low, high = self.low, self.high
        if self.logarithmic:
            if value <= 0:
                return 0.0
            value, low, high = math.log(value), math.log(low), math.log(high)
        if high == low:
            return 0.0
        return max(0.0, min(1.0, (value - low) / (high - low)))


@lru_cache(maxsize=4096)
def _blended(step: int, background: Color, strong: Color) -> Style:
    if step == 0:
        return Style()
    colour = background.blend(strong, _STRONGEST * step / _STEPS, alpha=1.0)
    return Style(background=colour, foreground=colour.get_contrast_text(1.0))


@lru_cache(maxsize=256)
def _of_ramp(step: int, sign: int, *, on_dark: bool) -> Style:
    if step == 0:
        return Style()
    colour = cube((_DARK_RAMPS if on_dark else _LIGHT_RAMPS)[sign][step - 1])
    return Style(background=colour, foreground=cube(231 if colour.brightness < _READABLE_ABOVE else 16))


def _poor(level: float) -> Style:
    """Looks that say the same without colour."""
    looks = next((looks for least, looks in _POOR_LOOKS if abs(level) >= least), None)
    return Style() if looks is None else looks + _poor_sign(1 if level >= 0 else -1)


def _poor_sign(sign: int) -> Style:
    return Style(foreground=_ANSI_POSITIVE if sign > 0 else _ANSI_NEGATIVE, italic=sign < 0 or None)


def sign_look(sign: int, strong: Color = POSITIVE) -> Style:
    """How text looks that stands for what is positive (1) or negative (−1) on a diverging scale."""
    if depth().is_poor or strong.ansi is not None:
        return _poor_sign(sign)
    return Style(foreground=strong if sign > 0 else NEGATIVE)


def heat_look(level: float, background: Color, strong: Color = POSITIVE) -> Style:
    """How a number of a ``level`` of −1 to 1 looks on a surface of colour ``background``; nothing changes at 0."""
    if depth().is_poor or background.ansi is not None or strong.ansi is not None:
        return _poor(level)
    size, sign = min(1.0, abs(level)), 1 if level >= 0 else -1
    if depth() is Depth.CUBE:
        on_dark = background.brightness < _DARK_BELOW
        ramp = (_DARK_RAMPS if on_dark else _LIGHT_RAMPS)[sign]
        return _of_ramp(round(size * len(ramp)), sign, on_dark=on_dark)
    return _blended(round(size * _STEPS), background, strong if sign > 0 else NEGATIVE)


@lru_cache(maxsize=4096)
def _rich(look: Style) -> RichStyle:
    return look.rich_style


def heat_style(level: float, background: Color, strong: Color = POSITIVE) -> RichStyle:
    """The same as a style for a strip of segments."""
    return _rich(heat_look(level, background, strong))
