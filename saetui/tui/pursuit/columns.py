"""The columns of the tables of pursuits, their tokens and the latents of one token, for all widths."""

from collections.abc import Mapping
from typing import Any

from textual.color import Color
from textual.content import Content

from saetui.tui.drawing.fit import short_number
from saetui.tui.drawing.heat import Heat, sign_look
from saetui.tui.drawing.sparkline import bar
from saetui.tui.drawing.token_strip import StripToken, token_strip
from saetui.tui.pursuit.manifest import ROLES
from saetui.tui.table.column import ABSENT, Column
from saetui.workbench.pursuit_comparison import signed_percent

Columns = tuple[Column, ...]
# The paper's pursuits save a few percent; half of the error is about the most for any token.
_CHANGE = Heat(-0.5, 0.5, diverging=True)


def _role_mark(role: str | None) -> str:
    return ROLES.get(role or "", "")


def _percent(change: float | None) -> str:
    """A relative change; a factor where that is ten or more."""
    return signed_percent(change) if change is None or change < 9 else f"×{short_number(change + 1)}"


def _share(value: float | None) -> str:
    """A share in five characters, however small."""
    if value is None:
        return ABSENT
    return f"{value:.3f}" if value >= 0.0005 or value == 0 else f"{value:.0e}".replace("e-0", "e−").replace("e-", "e−")


_CHOSEN = Column("chosen", "tokens", 12, "left", "text", help="chosen", grow=3)
_SAE = Column("sae", "SAE", 8, "left", "text", help="name", grow=1)
_METHOD = Column("method", "method", 11, "left", "text", help="pursuit_method")
_RULE = Column("l0_rule", "L0 rule", 7, "right", "text", help="l0_rule")
_N = Column("n_tokens", "pursued", 7, format="d", help="n_pursued")
_BEFORE = Column("fvu_before", "FVU bef.", 8, format=".4f", help="pursuit_fvu_before")
_AFTER = Column("fvu_after", "FVU aft.", 8, format=".4f", help="pursuit_fvu_after")
_FVU_CHANGE = Column("fvu_change", "ΔFVU", 7, format=_percent, heat=_CHANGE, help="pursuit_fvu_change")
_NONLINEAR_CHANGE = Column("nonlinear_change", "Δnonlin", 7, format=_percent, heat=_CHANGE, help="nonlinear_change")
_L0_AFTER = Column("l0_after", "L0 used", 7, format=".1f", help="l0_after")
_SAVED = Column("products_saved", "saved", 5, format=".0%", help="products_saved")
_SPEED = Column("tokens_per_second", "tok/s", 5, format="short", help="pursuit_speed")
_CREATED = Column("created", "made", 11, "left", "time", help="created")

_RUNS: Mapping[str, Columns] = {
    "narrow": (_CHOSEN, _SAE, _FVU_CHANGE, _NONLINEAR_CHANGE),
    "normal": (_CHOSEN, _SAE, _METHOD, _RULE, _N, _FVU_CHANGE, _NONLINEAR_CHANGE),
    "wide": (
        *(_CHOSEN, _SAE, _METHOD, _RULE, _N, _BEFORE, _AFTER, _FVU_CHANGE, _NONLINEAR_CHANGE, _L0_AFTER),
        *(_SAVED, _SPEED, _CREATED),
    ),
}


def runs(width: str) -> Columns:
    """Columns of the pursuits for "narrow", "normal" or "wide"."""
    return _RUNS[width]


def _context(row: Mapping[str, Any], cells: int, background: Color, strong: Color) -> Content:
    """The token in its context, in the strong colour where it got better."""
    tokens = [StripToken(str(surface)) for surface in row["tokens"]]
    return token_strip(tokens, cells, top=1.0, focus=row["focus"], background=background, strong=strong)


def _used(row: Mapping[str, Any], cells: int, _: Color, __: Color) -> Content:
    """Latents before and after."""
    return Content(_changed(row, "l0", "d").rjust(cells))


def _changed(row: Mapping[str, Any], what: str, form: str) -> str:
    """A number before and after."""
    return f"{row[f'{what}_before']:{form}}→{row[f'{what}_after']:{form}}"


def tokens(width: str, *, beside: bool) -> Columns:
    """Columns of the tokens; with ``beside`` also what the other pursuit left of each."""
    context = Column("tokens", "token in context", 18, "left", "tokens", help="occurrence", grow=1, paint=_context)
    before = Column("token_fvu_before", "tok.FVU", 7, format=_share, help="token_fvu_before")
    after = Column("token_fvu_after", "→FVU", 5, format=_share, help="token_fvu_after")
    other = Column("beside_after", "beside", 6, format=_share, help="beside_after")
    change = Column("error_change", "Δ|e|", 7, format=_percent, heat=_CHANGE, help="error_change")
    nonlinear_before = Column("fvu_nonlinear_before", "nonl.", 5, format=_share, help="token_nonlinear_before")
    nonlinear_after = Column("fvu_nonlinear_after", "→nonl.", 6, format=_share, help="token_nonlinear_after")
    l0 = Column(
        "l0_before", "used", 5, format="d", help="l0_before", paint=_used, told=lambda row: _changed(row, "l0", "d")
    )
    kept = Column("n_kept", "kept", 4, format="d", help="n_kept")
    compared = (other,) if beside else ()
    usual = (context, before, after, *compared, change, nonlinear_before, nonlinear_after, l0)
    if width != "wide":
        return usual if width == "narrow" else (*usual, kept)
    return (
        *usual,
        kept,
        Column("n_dropped", "dropped", 7, format="d", help="n_dropped"),
        Column("n_added", "added", 5, format="d", help="n_added"),
        Column("error_before", "|e|", 6, format=".2f", help="error_norm"),
        Column("error_after", "→|e|", 6, format=".2f", help="pursued_error"),
        Column("context", "context", 7, format="d", help="context"),
        Column("position", "pos.", 4, format="d", help="position"),
    )


def latents(width: str, largest: float) -> Columns:
    """Columns of the latents of a token; the activation ``largest`` has the longest bar."""

    def drawn(row: Mapping[str, Any], cells: int, _: Color, strong: Color) -> Content:
        """Before on the left half, after on the right, so that one sees what moved."""
        half = max(1, (cells - 1) // 2)
        top = largest or 1.0
        before = bar(row["activation_before"] / top, half)
        after = bar(row["activation_after"] / top, half)
        return Content.assemble(
            Content.styled(before, sign_look(-1, strong)), " ", Content.styled(after, sign_look(1, strong))
        )

    role = Column("role", "", 1, "left", _role_mark, help="role")
    latent = Column("latent", "latent", 6, format="d", help="latent")
    before = Column("activation_before", "before", 6, format=".2f", help="activation_before")
    after = Column("activation_after", "after", 6, format=".2f", help="activation_after")
    bars = Column(
        "activation_after",
        "",
        9,
        "left",
        help="activation_change",
        grow=1,
        paint=drawn,
        told=lambda row: _changed(row, "activation", ".2f"),
    )
    token = Column("top_token", "fires on", 9, "left", "token", help="top_token", grow=1)
    promoted = Column("promoted", "promotes", 9, "left", "token", help="promotes", grow=1)
    density = Column("density", "density", 7, format=".4f", help="density")
    more = (promoted, density) if width == "wide" else ()
    return (role, latent, before, after, token, bars, *more)
