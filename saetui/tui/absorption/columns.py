"""The columns of the tables of letters, words, evidence, occurrences and SAEs, for both metrics and all widths."""

from collections.abc import Callable, Mapping
from string import ascii_lowercase
from typing import Any

from textual.color import Color
from textual.content import Content

from saetui.tui.absorption.manifest import ROLES
from saetui.tui.drawing.heat import Heat, sign_look
from saetui.tui.drawing.sparkline import bar
from saetui.tui.drawing.token_strip import StripToken, token_strip
from saetui.tui.table.column import Column

Columns = tuple[Column, ...]
# Half of a letter's words absorbed is as much as the paper has found anywhere.
_RATE = Heat(0.0, 0.5)
_SHARE = Heat(0.0, 1.0)
_COSINE = Heat(-1.0, 1.0, diverging=True)
VERDICT_TINTS = {"absorbed": "warning", "partly": "warning"}


def _role_mark(role: str | None) -> str:
    return ROLES.get(role or "", "")


def _capital(letter: str | None) -> str:
    return letter.upper() if letter else "–"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f}"


_LETTER = Column("letter", "", 2, "left", "text", help="letter")
_LETTER_RATE = Column("rate", "rate", 6, format=".1%", heat=_RATE, help="absorbed")
_FRACTION = Column("mean_fraction", "fraction", 8, format=".1%", heat=_RATE, help="mean_fraction")
_PROBE_RIGHT = Column("n_probe", "right", 5, format="d", help="n_probe")
_MISSED = Column("n_candidates", "cand.", 5, format="d", help="n_candidates")
_ABSORBED = Column("n_absorbed", "abs.", 4, format="d", help="n_absorbed")
_WORDS = Column("n_words", "words", 5, format="d", help="n_words")
_FULL = Column("n_full", "full", 4, format="d", help="n_full")
_MAIN = Column("n_main", "main", 4, format="d", help="n_main")
_PROBE_F1 = Column("probe_f1", "probe", 5, format=".2f", heat=Heat(0.2, 1.0), help="probe_f1")
_SAMPLED = Column("n_sampled", "judged", 6, format="d", help="n_sampled")

_LETTERS: Mapping[tuple[str, str], Columns] = {
    ("paper", "narrow"): (_LETTER, _LETTER_RATE, _PROBE_RIGHT, _ABSORBED),
    ("paper", "normal"): (_LETTER, _LETTER_RATE, _PROBE_RIGHT, _MISSED, _ABSORBED, _MAIN),
    ("paper", "wide"): (_LETTER, _LETTER_RATE, _WORDS, _PROBE_RIGHT, _MISSED, _SAMPLED, _ABSORBED, _MAIN, _PROBE_F1),
    ("projection", "narrow"): (_LETTER, _FRACTION, _PROBE_RIGHT, _FULL),
    ("projection", "normal"): (_LETTER, _FRACTION, _PROBE_RIGHT, _FULL, _MAIN),
    ("projection", "wide"): (_LETTER, _FRACTION, _WORDS, _PROBE_RIGHT, _MISSED, _FULL, _MAIN, _PROBE_F1),
}

_WORD = Column("surface", "word", 11, "left", "token", help="surface", grow=1)
_SHORT_WORD = Column("surface", "word", 9, "left", "token", help="surface", grow=1)
_PROBE = Column("probe_logit", "logit", 5, format=".1f", help="probe_logit")
_MAIN_ACTIVATION = Column("main_activation", "fire", 4, format=".2f", help="main_activation")
_ABSORBER = Column("absorber", "absorber", 8, format="d", help="absorber")
_ABSORBER_TOKEN = Column("absorber_token", "fires on", 9, "left", "token", help="top_token", grow=1)
_EFFECT = Column("effect", "effect", 6, format=".2f", help="effect")
_SECOND = Column("second_effect", "2nd", 5, format=".2f", help="second_effect")
_LEAD = Column("lead_over_second", "lead", 5, format=".2f", help="lead_over_second")
_EXACT = Column("exact_effect", "exact", 6, format=".2f", help="exact_effect")
_ANSWER = Column("answer_without", "says", 4, "center", _capital, help="answer_without")
_COS = Column("cosine", "cos", 5, format=".2f", heat=_COSINE, help="absorber_cosine")
_CASE_FRACTION = Column("fraction", "fract.", 6, format=".2f", heat=_SHARE, help="fraction")
_MAIN_SHARE = Column("main_share", "main %", 6, format=".0%", help="main_share")
_OTHER_SHARE = Column("other_share", "others", 6, format=".0%", help="other_share")
_VERDICT = Column("verdict", "verdict", 11, "left", "text", help="verdict", tints=VERDICT_TINTS)
_FREQUENCY = Column("frequency", "seen", 5, format="short", help="frequency")

_CASES: Mapping[tuple[str, str], Columns] = {
    ("paper", "narrow"): (_SHORT_WORD, _MAIN_ACTIVATION, _ABSORBER, _EFFECT, _COS, _VERDICT),
    ("paper", "normal"): (
        *(_WORD, _PROBE, _MAIN_ACTIVATION, _ABSORBER, _ABSORBER_TOKEN, _EFFECT, _SECOND, _COS, _ANSWER, _VERDICT),
    ),
    ("paper", "wide"): (
        *(_WORD, _PROBE, _MAIN_ACTIVATION, _ABSORBER, _ABSORBER_TOKEN, _EFFECT, _SECOND, _LEAD, _COS, _EXACT, _ANSWER),
        *(_VERDICT, _CASE_FRACTION, _FREQUENCY),
    ),
    ("projection", "narrow"): (_SHORT_WORD, _MAIN_SHARE, _ABSORBER, _OTHER_SHARE, _CASE_FRACTION, _VERDICT),
    ("projection", "normal"): (
        *(_WORD, _PROBE, _MAIN_ACTIVATION, _ABSORBER, _ABSORBER_TOKEN, _MAIN_SHARE, _OTHER_SHARE, _COS),
        *(_CASE_FRACTION, _VERDICT),
    ),
    ("projection", "wide"): (
        *(_WORD, _PROBE, _MAIN_ACTIVATION, _ABSORBER, _ABSORBER_TOKEN, _MAIN_SHARE, _OTHER_SHARE, _COS),
        *(_CASE_FRACTION, _VERDICT, _EFFECT, _EXACT, _ANSWER, _FREQUENCY),
    ),
}


def letters(metric: str, width: str) -> Columns:
    """Columns of the letters for a metric and "narrow", "normal" or "wide"."""
    return _LETTERS[metric, width]


def cases(metric: str, width: str) -> Columns:
    """Columns of a letter's words."""
    return _CASES[metric, width]


def drawn_value(metric: str, row: Mapping[str, Any]) -> float | None:
    """The number that a latent's bar shows: its projection, or its effect, the exact one where no other is known."""
    value: float | None = row["projection"] if metric == "projection" else row["effect"]
    exact: float | None = row["exact_effect"]
    return exact if value is None else value


def evidence(metric: str, width: str, largest: float) -> Columns:
    """Columns of the latents of a word; the number ``largest`` has the longest bar."""
    column = "projection" if metric == "projection" else "effect"

    def drawn(row: Mapping[str, Any], cells: int, _: Color, strong: Color) -> Content:
        value = drawn_value(metric, row)
        if value is None or not largest:
            return Content("")
        # What speaks for absorption is in the strong colour: a removal that hurts, a projection along the probe.
        speaks = value < 0 if column == "effect" else value > 0
        return Content.styled(bar(abs(value) / largest, cells), sign_look(1 if speaks else -1, strong))

    role = Column("role", "", 1, "left", _role_mark, help="role")
    latent = Column("latent", "latent", 6, format="d", help="latent")
    effect = Column("effect", "effect", 6, format=".2f", help="effect")
    activation = Column("activation", "act.", 5, format=".2f", help="activation")
    projection = Column("projection", "proj.", 5, format=".2f", help="projection")
    bars = Column(
        column,
        "",
        8,
        "left",
        ".2f",
        help=column,
        grow=3,
        paint=drawn,
        told=lambda row: effect.written(drawn_value(metric, row)),
    )
    token = Column("top_token", "fires on", 9, "left", "token", help="top_token", grow=1)
    first = (projection, effect) if metric == "projection" else (effect, _EXACT)
    second = (_EXACT, _ANSWER) if metric == "projection" else (_ANSWER,)
    other = () if metric == "projection" or width == "normal" else (projection,)
    if width == "narrow":
        return (role, latent, bars, first[0], *(_EXACT, _ANSWER), activation, _COS, token)
    place = Column("place", "rank", 4, format="d", help="place")
    share = Column("share", "share", 5, format=".0%", help="share")
    density = Column("density", "density", 7, format=".4f", help="density")
    more = (share, place, density) if width == "wide" else ()
    return (role, latent, bars, *first, *second, activation, _COS, *other, *more, token)


def occurrences(absorber_top: float, main_top: float) -> Columns:
    """Columns of a word's occurrences; the largest activations have the full colour."""

    def strip(row: Mapping[str, Any], cells: int, background: Color, strong: Color) -> Content:
        """The absorber's activations in the strong colour, those of the main latents in the other."""
        fired = zip(row["tokens"], row["main_activations"], row["absorber_activations"], strict=True)
        tokens = [
            StripToken(surface, absorber / (absorber_top or 1.0) or -main / (main_top or 1.0))
            for surface, main, absorber in fired
        ]
        return token_strip(tokens, cells, top=1.0, focus=row["focus"], background=background, strong=strong)

    heat = Heat(0.0, absorber_top or 1.0)
    return (
        Column("absorber_activation", "abs. act.", 9, format=".2f", heat=heat, help="absorber_activation"),
        Column("main_activation", "fire", 5, format=".2f", help="main_activation"),
        Column("tokens", "in the corpus", 30, "left", "tokens", help="occurrence", grow=1, paint=strip),
        Column("context", "context", 7, format="d", help="context"),
    )


def _is_left_out(letter: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda row: letter in {part[:1] for part in (row["left_out"] or "").split(", ")}


def sae_map(width: int) -> Columns:
    """Columns of the map: an SAE and its 26 letters, in percent; those that its mean leaves out are dim."""
    cell = 3 if width >= 140 else 2

    def of_letter(letter: str) -> Column:
        dims = _is_left_out(letter)
        return Column(letter, letter, cell, format=_percent, heat=_RATE, help="map_cell", dims=dims)

    return (
        Column("sae", "SAE", 12, "left", "text", help="name", grow=1),
        Column("l0", "L0", 4, format=".0f", help="l0"),
        Column("mean", "mean", 5, format=".1%", heat=_RATE, help="absorption_rate"),
        *map(of_letter, ascii_lowercase),
        Column("left_out", "not in mean", 11, "left", "text", help="left_out", grow=1),
    )
