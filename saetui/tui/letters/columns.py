"""The columns of the tables of letters, latents and words, for narrow, normal and wide terminals."""

from saetui.tui.drawing.heat import Heat
from saetui.tui.letters.manifest import ROLES, VERDICTS
from saetui.tui.table.column import Column

_F1 = Heat(0.2, 1.0)
_COSINE = Heat(-1.0, 1.0, diverging=True)
VERDICT_TINTS = {"missed": "error", "false alarm": "warning"}


def _role_mark(role: str | None) -> str:
    return ROLES.get(role or "", "")


def _verdict_mark(verdict: str) -> str:
    return VERDICTS[verdict]


_LETTER = Column("letter", "", 1, "left", "text", help="letter")
_PROBE = Column("probe_f1", "probe", 5, format=".2f", heat=_F1, help="probe_f1")
_BEST = Column("best_f1", "best", 4, format=".2f", heat=_F1, help="best_f1")
_MAIN = Column("n_main", "main", 4, format="d", help="n_main")
_ABSORBED = Column("rate", "rate", 5, format=".1%", heat=Heat(0.0, 0.5), help="absorbed")
_WORDS = Column("n_words", "words", 5, format="d", help="n_words")
_COUNTS = (
    Column("n_found", "found", 5, format="d", help="n_found"),
    Column("n_missed", "missed", 6, format="d", help="n_missed"),
    Column("n_false_alarms", "alarms", 6, format="d", help="n_false_alarms"),
)
_MAIN_COUNTS = (
    Column("n_main_missed", "main missed", 11, format="d", help="n_main_missed"),
    Column("n_main_false_alarms", "main alarms", 11, format="d", help="n_main_false_alarms"),
)
LETTERS = {
    "narrow": (_LETTER, _WORDS, _PROBE, _BEST),
    "normal": (_LETTER, _WORDS, _PROBE, _BEST, _MAIN, _ABSORBED),
    "wide": (_LETTER, _WORDS, _PROBE, _BEST, _MAIN, _ABSORBED, *_COUNTS[1:], *_MAIN_COUNTS),
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
LATENTS = (_ROLE, _LATENT, _SCORES[0], _F1_GAIN, *_SCORES[1:], *_COUNTS, _AUROC, *_COSINES, _DENSITY, _TOP_TOKEN)


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
