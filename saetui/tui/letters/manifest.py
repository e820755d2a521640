"""What the screen says about itself."""

from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import RowChoice, Table

MANIFEST = ScreenManifest(
    name="letters",
    key="2",
    title="Letters",
    help="Which latents claim a letter, and how well?",
    view="saetui.tui.letters.screen:LettersScreen",
    verbs=("only", "study", "cancel"),
    study="letters",
    kinds=("letters",),
    tables=(
        Table(
            "letters.letters",
            "letters",
            "letter",
            "letter",
            title="letters",
            empty="not studied for this SAE\nA studies all SAEs in view",
        ),
        Table(
            "letters.latents",
            "letter_latents",
            "latent",
            "latent",
            title="latents",
            empty="no latent claims this letter",
        ),
        Table(
            "letters.words",
            "letter_words",
            "surface",
            "token",
            title="words",
            empty="no words",
            choices=(
                RowChoice("all"),
                RowChoice("missed", "verdict = 'missed'"),
                RowChoice("alarms", "verdict = 'false alarm'"),
            ),
        ),
    ),
    link=LinkForm(path=("letter", "latent"), options=("sae", "token")),
)
