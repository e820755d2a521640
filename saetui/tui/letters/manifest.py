"""What the screen says about itself."""

from saetui.workbench.screen_study import ScreenStudy
from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import RowChoice, Table

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
            empty="not studied for this SAE\nA studies all SAEs in view",
            names={
                "probe": "probe_f1",
                "best": "best_f1",
                "main": "n_main",
                "abs.": "absorbed",
                "missed": "n_missed",
                "words": "n_words",
            },
            enter="latents",
            enter_help="go to the latents of the letter",
        ),
        Table(
            "letters.latents",
            "letter_latents",
            "latent",
            "latent",
            title="latents",
            empty="no latent claims this letter",
            names={"gain": "f1_gain", "P": "precision", "R": "recall", "cos e": "cos_encoder", "cos d": "cos_decoder"},
            enter="card",
            enter_help="the card of the latent: its strongest contexts, and one from each tenth of its range",
        ),
        Table(
            "letters.words",
            "letter_words",
            "surface",
            "token",
            title="words",
            empty="no words",
            enter="choose",
            enter_help="choose the word, on the other screens too",
            choices=(
                RowChoice("all"),
                RowChoice("missed", "verdict = 'missed'"),
                RowChoice("alarms", "verdict = 'false alarm'"),
            ),
            names={"word": "surface", "act.": "activation"},
        ),
    ),
    link=LinkForm(path=("letter", "latent"), options=("sae", "token")),
)
