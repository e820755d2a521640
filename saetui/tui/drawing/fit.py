"""Text cut or padded to a number of terminal cells."""

from rich.cells import cell_len, set_cell_size

from saetui.visible import visible


def fit(text: str, width: int, *, right: bool = False) -> str:
    """``text``, with nothing hidden, in exactly ``width`` terminal cells, cut with an ellipsis where it is longer."""
    text = visible(text)
    length = len(text) if text.isascii() else cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…" if width > 0 else ""
    padding = " " * (width - length)
    return padding + text if right else text + padding
