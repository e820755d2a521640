"""Colour that carries a number: a value on a scale becomes a background between the surface and one strong colour."""

import math
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style as RichStyle
from textual.color import Color

# Blue and orange stay apart in every common form of colour blindness.
NEGATIVE = Color.parse("#2f7fd6")
POSITIVE = Color.parse("#e08a1e")
_STEPS = 24
# Short of the full colour, so that a column of high values stays calm and its text readable.
_STRONGEST = 0.55
# Where there are sixteen colours only, a middling value colours the text and a high one the cell.
_ANSI_TEXT, _ANSI_CELL = 0.4, 0.95
_ANSI_POSITIVE, _ANSI_NEGATIVE, _ANSI_BLACK = (Color(0, 0, 0, ansi=number) for number in (3, 4, 0))


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
def _shade(step: int, background: Color, strong: Color) -> tuple[Color | None, Color | None]:
    if step == 0:
        return None, None
    colour = background.blend(strong, _STRONGEST * step / _STEPS, alpha=1.0)
    return colour, colour.get_contrast_text(1.0)


def _ansi_shade(level: float) -> tuple[Color | None, Color | None]:
    colour = _ANSI_POSITIVE if level >= 0 else _ANSI_NEGATIVE
    if abs(level) < _ANSI_TEXT:
        return None, None
    return (None, colour) if abs(level) < _ANSI_CELL else (colour, _ANSI_BLACK)


def heat_colours(level: float, background: Color, strong: Color = POSITIVE) -> tuple[Color | None, Color | None]:
    """Background and text colour for a ``level`` of −1 to 1 on a surface of colour ``background``; None: unchanged."""
    if background.ansi is not None or strong.ansi is not None:
        return _ansi_shade(level)
    return _shade(round(min(1.0, abs(level)) * _STEPS), background, strong if level >= 0 else NEGATIVE)


@lru_cache(maxsize=4096)
def _painted(under: Color | None, over: Color | None) -> RichStyle:
    return RichStyle(color=over and over.rich_color, bgcolor=under and under.rich_color)


def heat_style(level: float, background: Color, strong: Color = POSITIVE) -> RichStyle:
    """The same as a style for a strip of segments."""
    return _painted(*heat_colours(level, background, strong))
