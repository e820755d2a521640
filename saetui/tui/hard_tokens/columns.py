"""The columns of the tables of hard tokens, of SAEs by width, and of absorbed words beside others."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from textual.color import Color
from textual.content import Content

from saetui.tui.drawing.heat import Heat, heat_look
from saetui.tui.drawing.token_strip import StripToken, token_strip
from saetui.tui.table.column import ABSENT, Column
from saetui.workbench.catalogue import sae_label

Columns = tuple[Column, ...]
# How errors are written in each unit.
DIGITS = {"norm": ".2f", "share": ".0%", "fvu": ".3f"}
_SHARE = Heat(0.0, 1.0)
_SLOPE = Heat(-0.5, 0.5, diverging=True)
_COST = Heat(-1.0, 1.0, diverging=True)
_FVU = Heat(0.0, 1.0)
_SAE_CELL = 7
# A table with more columns than this cannot be read; the context strips show all SAEs.
MOST_SAES = 8


def _in_text(row: Mapping[str, Any], cells: int, background: Color, strong: Color) -> Content:
    if row["tokens"] is None:
        return Content(row["surface"])
    tokens = [StripToken(surface) for surface in row["tokens"]]
    return token_strip(tokens, cells, top=1.0, focus=row["focus"], background=background, strong=strong)


def _error_of(i: int, unit: str, largest: float) -> Callable[[Mapping[str, Any], int, Color, Color], Content]:
    """Draws the error of the ``i``-th SAE of a study; ``largest`` has the full colour."""

    def drawn(row: Mapping[str, Any], cells: int, background: Color, strong: Color) -> Content:
        value = row["errors"][i]
        if value is None:
            return Content(ABSENT.rjust(cells))
        shade = heat_look(value / largest if largest else 0.0, background, strong)
        return Content.styled(format(value, DIGITS[unit]).rjust(cells), shade)

    return drawn


def _nonlinear(row: Mapping[str, Any], cells: int, background: Color, strong: Color) -> Content:
    """The nonlinear share of the error; where that means nothing, the norm of the nonlinear part, to stand by norms."""
    share, norm = row["nonlinear_share"], row["nonlinear"]
    if share is None:
        return Content.styled((ABSENT if norm is None else format(norm, ".2f")).rjust(cells), "dim")
    return Content.styled(format(share, ".0%").rjust(cells), heat_look(share, background, strong))


_EQUAL = Column("n_equal", "equal", 5, format="d", help="n_equal")
_SLOPE_COLUMN = Column("slope", "slope", 6, format=".2f", heat=_SLOPE, help="error_slope")
_NONLINEAR_SHARE = Column("nonlinear_share", "nonlin", 6, help="nonlinear_share", paint=_nonlinear)
_DAMAGE = Column("damage", "CE+", 6, format=".2f", heat=_COST, help="damage")
# The column to keep where there is room for one, by what tokens are sorted by.
_OF_ORDER = {"nonlinear": _NONLINEAR_SHARE, "damage": _DAMAGE}
_PARTS = (
    Column("linear", "linear", 6, format=".2f", help="linear_norm"),
    Column("nonlinear", "nonlinear", 9, format=".2f", help="nonlinear_norm"),
    Column("l0", "L0", 4, format="d", help="l0"),
    Column("ce", "CE+ own", 7, format=".2f", heat=_COST, help="token_ce"),
)
_MORE = (
    Column("change", "change", 6, format=".2f", help="width_change"),
    Column("activation_norm", "|x|", 6, format=".1f", help="activation_norm"),
    Column("clean_loss", "loss", 5, format=".2f", help="clean_loss"),
)
_PLACE = (
    Column("context", "context", 7, format="d", help="context"),
    Column("position", "pos.", 4, format="d", help="position"),
)


def tokens(saes: Sequence[tuple[int, str]], order: str, unit: str, width: str, largest: float) -> Columns:
    """Columns of the tokens: ``saes`` are place in the study and name; ``width`` "narrow", "normal" or "wide"."""
    text = Column("surface", "token in its text", 24, "left", "token", help="surface", grow=1, paint=_in_text)
    errors = tuple(
        Column(
            f"error_{i}",
            sae_label(name),
            _SAE_CELL,
            help=f"token_error_{unit}",
            paint=_error_of(i, unit, largest),
        )
        for i, name in saes[-MOST_SAES:]
    )
    if width == "narrow":
        return (text, *errors, _OF_ORDER.get(order, _SLOPE_COLUMN))
    if width == "normal":
        return (text, _EQUAL, *errors, _SLOPE_COLUMN, _NONLINEAR_SHARE, _DAMAGE)
    return (text, _EQUAL, *errors, _SLOPE_COLUMN, _NONLINEAR_SHARE, _DAMAGE, *_PARTS, *_MORE, *_PLACE)


def scaling(width: str) -> Columns:
    """Columns of the SAEs of a study, by rising width."""
    first = (
        Column("sae", "SAE", 12, "left", "text", help="name", grow=1),
        Column("width", "width", 7, format=",d", help="width"),
        Column("study_fvu", "study FVU", 9, format=".4f", heat=_FVU, help="study_fvu"),
        Column("fvu_nonlinear", "FVU nonl.", 9, format=".4f", heat=_FVU, help="fvu_nonlinear"),
        Column("r2_error", "R² error", 8, format=".1%", heat=_SHARE, help="linear_error_r2"),
        Column("r2_norm", "R² norm", 7, format=".1%", heat=_SHARE, help="r2_norm"),
    )
    if width == "narrow":
        return first
    second = (
        Column("shrinkage_share", "shrink.", 7, format=".1%", help="shrinkage_share"),
        Column("study_ce_recovered", "study CE rec", 12, format=".1%", help="study_ce_recovered"),
        Column("ce_damage", "CE+ SAE", 7, format=".2f", help="ce_damage"),
    )
    if width == "normal":
        return (*first, *second)
    low_high = (
        Column("fvu_low", "FVU from", 8, format=".4f", help="interval"),
        Column("fvu_high", "FVU to", 7, format=".4f", help="interval"),
        Column("fvu_nonlinear_low", "nonl. from", 10, format=".4f", help="interval"),
        Column("fvu_nonlinear_high", "nonl. to", 8, format=".4f", help="interval"),
        Column("l0", "L0", 5, format=".1f", help="l0"),
    )
    return (*first, *second, *low_high)


def absorbed(width: str) -> Columns:
    """Columns of the words of each SAE: absorbed, missed, and the others."""
    first = (
        Column("sae", "SAE", 12, "left", "text", help="name", grow=1),
        Column("words", "which", 9, "left", "text", help="absorbed_words", tints={"absorbed": "warning"}),
        Column("n_words", "n words", 7, format="d", help="n_words"),
        Column("n_occurrences", "occur.", 7, format=",d", help="n_occurrences"),
        Column("error_share", "of |x|", 6, format=".0%", help="error_share"),
        Column("harder", "harder %", 8, format="+.0f", help="absorbed_harder"),
    )
    second = (
        Column("harder_low", "from", 6, format="+.0f", help="absorbed_harder_interval"),
        Column("harder_high", "to", 6, format="+.0f", help="absorbed_harder_interval"),
        Column("error_norm", "error", 6, format=".2f", help="error_norm"),
        Column("linear_norm", "linear", 6, format=".2f", help="linear_norm"),
        Column("nonlinear_norm", "nonlinear", 9, format=".2f", help="nonlinear_norm"),
        Column("word_damage", "CE+ words", 9, format=".2f", help="word_damage"),
    )
    return first if width == "narrow" else (*first, *second)
