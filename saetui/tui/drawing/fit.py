"""Text and numbers in a few terminal cells."""

from rich.cells import cell_len, set_cell_size

from saetui.visible import visible

_SUFFIXES = ("", "k", "M", "G", "T")


def fit(text: str, width: int, *, right: bool = False) -> str:
    """``text``, with nothing hidden, in exactly ``width`` terminal cells, cut with an ellipsis where it is longer."""
    text = visible(text)
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if right else text + padding


def short_number(value: float) -> str:
    """At most four characters and a suffix: 950, 1.2k, 34k, 5.1M."""
    magnitude = 0
    scaled = float(value)
    while abs(scaled) >= 999.5 and magnitude < len(_SUFFIXES) - 1:
        scaled /= 1000
        magnitude += 1
    digits = 1 if magnitude and abs(scaled) < 9.95 else 0
    return f"{scaled:.{digits}f}{_SUFFIXES[magnitude]}".replace("-", "−")
