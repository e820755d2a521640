"""The columns of the tables of letters, latents and words, for narrow, normal and wide terminals."""

from saetui.tui.drawing.heat import Heat
from saetui.tui.table.column import Column

_F1 = Heat(0.2, 1.0)
_COSINE = Heat(-1.0, 1.0, diverging=True)
_ROLES = {"main": "●", "pick": "○"}
_VERDICTS = {"found": " ", "missed": "✗", "false alarm": "!"}
VERDICT_TINTS = {"missed": "error", "false alarm": "warning"}


def _role_mark(role: str | None) -> str:
    return _ROLES.get(role or "", "")


def _verdict_mark(verdict: str) -> str:
    return _VERDICTS[verdict]


_LETTER = Column("letter", "", 2, "left", "text", help="letter")
_PROBE = Column("probe_f1", "probe", 5, format=".2f", heat=_F1, help="probe_f1")
_BEST = Column("best_f1", "best", 4, format=".2f", heat=_F1, help="best_f1")
_MAIN = Column("n_main", "main", 4, format="d", help="n_main")
_ABSORBED = Column("absorbed", "abs.", 5, format=".1%", heat=Heat(0.0, 0.5), help="absorbed")
_MISSED = Column("n_missed", "missed", 6, format="d", help="n_missed")
LETTERS = {
    "narrow": (_LETTER, _PROBE, _BEST, _MAIN),
    "normal": (_LETTER, _PROBE, _BEST, _MAIN, _ABSORBED),
    "wide": (
        _LETTER,
        _PROBE,
        _BEST,
        _MAIN,
        _ABSORBED,
        _MISSED,
        Column("n_words", "words", 5, format="d", help="n_words"),
    ),
}

_ROLE = Column("role", "●", 1, "left", _role_mark, help="role")
_LATENT = Column("latent", "latent", 6, format="d", help="latent")
_SCORES = (
    Column("f1", "F1", 4, format=".2f", heat=_F1, help="f1"),
    Column("precision", "P", 4, format=".2f", help="precision"),
    Column("recall", "R", 4, format=".2f", help="recall"),
)
_AUROC = Column("auroc", "AUROC", 5, format=".2f", help="auroc")
_COSINES = (
    Column("cos_encoder", "cos e", 5, format=".2f", heat=_COSINE, help="cos_encoder"),
    Column("cos_decoder", "cos d", 5, format=".2f", heat=_COSINE, help="cos_decoder"),
)
_DENSITY = Column("density", "density", 7, format=".4f", help="density")
_TOP_TOKEN = Column("top_token", "top token", 10, "left", "token", help="top_token", grow=1)
_F1_GAIN = Column("f1_gain", "gain", 5, format=".2f", help="f1_gain")
LATENTS = (_ROLE, _LATENT, _SCORES[0], _F1_GAIN, *_SCORES[1:], _AUROC, *_COSINES, _DENSITY, _TOP_TOKEN)


_WORD = Column("surface", "word", 12, "left", "token", help="surface", grow=1)
_VERDICT = Column("verdict", "", 1, "left", _verdict_mark, help="verdict", tints=VERDICT_TINTS)


def words(largest: float | None) -> tuple[Column, ...]:
    """Columns of the words; ``largest`` is the activation with the full colour."""
    heat = Heat(0.0, largest) if largest else None
    return (
        _WORD,
        Column("activation", "act.", 4, format=".1f", heat=heat, help="activation"),
        _VERDICT,
    )
