"""Whole numbers that a person typed or pasted."""

# The largest that a column of the store holds.
_MOST = 2**31 - 1
_DIGITS = 10


def whole_number(text: str) -> int | None:
    """The number that digits are, 0 to 2³¹ − 1; None where the text is something else, or larger."""
    if not (text.isascii() and text.isdecimal()) or len(text.lstrip("0")) > _DIGITS:
        return None
    number = int(text.lstrip("0") or "0")
    return number if number <= _MOST else None
