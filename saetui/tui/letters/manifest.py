"""What the screen says about itself."""

from saetui.workbench.screen_study import ScreenStudy
from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import RowChoice, Table
from saetui.workbench.written_values import CAPITALS, SHARE, Writing

# What marks the latents of a letter, and the words that a latent misses or finds in error.
ROLES = {"main": "●", "pick": "○"}
VERDICTS = {"found": " ", "missed": "✗", "false alarm": "!"}

MANIFEST = ScreenManifest(
    name="letters",
    key="2",
    title="Letters",
    help="Which latents claim a letter, and how well?",
    view="saetui.tui.letters.screen:LettersScreen",
    verbs=("only", "study", "cancel"),
    study=ScreenStudy(
        "letters",
        "SELECT sae_id AS study_id, hook_name, [sae_id] AS sae_ids FROM sae_summary WHERE mean_letter_f1 IS NOT NULL",
    ),
    kinds=("letters",),
    tables=(
        Table(
            "letters.letters",
            "letters",
            "letter",
            "letter",
            title="letters",
            full="usable",
            undigested=("n_main_found", "n_main_missed", "n_main_false_alarms"),
            empty="no letters",
            study="letters",
            writings={"letter": CAPITALS, "rate": SHARE},
            names={
                "probe": "probe_f1",
                "best": "best_f1",
                "main": "n_main",
                "missed": "n_missed",
                "words": "n_words",
                "alarms": "n_false_alarms",
                "main missed": "n_main_missed",
                "main alarms": "n_main_false_alarms",
            },
            earlier={"abs.": "rate", "absorbed": "rate"},
            renamed={"rate": "absorbed"},
            enter="latents",
            enter_help="choose the letter for all screens, and go to its latents",
        ),
        Table(
            "letters.latents",
            "letter_latents",
            "latent",
            "latent",
            title="latents",
            empty="no latent claims this letter",
            enter="card",
            enter_help="choose the latent for all screens: its card, with contexts from each tenth of its range",
            needs=(("letter", "choose a letter"),),
            study="letters",
            writings={"role": Writing(ROLES)},
            names={
                "●": "role",
                "gain": "f1_gain",
                "P": "precision",
                "R": "recall",
                "found": "n_found",
                "missed": "n_missed",
                "alarms": "n_false_alarms",
                "cos e": "cos_encoder",
                "cos d": "cos_decoder",
            },
            undigested=("n_found", "n_missed", "n_false_alarms"),
        ),
        Table(
            "letters.words",
            "letter_words",
            "surface",
            "token",
            title="words",
            empty="no words",
            enter="choose",
            enter_help="choose the word for all screens",
            needs=(("letter", "choose a letter"),),
            study="letters",
            choices=(
                RowChoice("all"),
                RowChoice("missed", "verdict = 'missed'"),
                RowChoice("alarms", "verdict = 'false alarm'"),
            ),
            writings={"letter": CAPITALS, "verdict": Writing(VERDICTS)},
            names={"word": "surface", "act.": "activation"},
        ),
    ),
    link=LinkForm(path=("letter", "latent"), options=("sae", "token")),
)
