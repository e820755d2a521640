"""What the screen says about itself."""

from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import RowChoice, Table

MANIFEST = ScreenManifest(
    name="absorption",
    key="3",
    title="Absorption",
    help="Where do the latents of a letter stay silent, and which latent takes over?",
    view="saetui.tui.absorption.screen:AbsorptionScreen",
    commands="saetui.commands.absorption",
    verbs=("study", "only", "ablate", "inspect", "metric", "reset", "compare", "cancel", "tau", "lead", "cosine"),
    study="absorption",
    kinds=("absorption", "ablation"),
    across="absorption.map",
    tables=(
        Table(
            "absorption.letters",
            "absorption_letters",
            "letter",
            "letter",
            title="letters",
            empty="not studied for this SAE\nA studies all SAEs in view",
        ),
        Table(
            "absorption.cases",
            "absorption_cases",
            "surface",
            "token",
            title="words",
            empty="no words of this letter were judged",
            choices=(
                RowChoice("all"),
                RowChoice("absorbed", "verdict = absorbed"),
                RowChoice("missed", "main_activation < 1e-8"),
            ),
            latent="absorber",
        ),
        Table(
            "absorption.evidence",
            "absorption_evidence",
            "latent",
            "latent",
            title="latents",
            empty="choose a word",
            latent="latent",
            pages=("", "word"),
        ),
        Table(
            "absorption.occurrences",
            "absorption_occurrences",
            "rank",
            "token",
            title="occurrences",
            empty="the corpus does not have this word",
            pages=("word",),
        ),
        Table(
            "absorption.map",
            "absorption_map",
            "sae_id",
            "sae",
            title="map",
            empty="none of the SAEs in view has been studied\nA studies them",
            pages=("map",),
        ),
    ),
    link=LinkForm(
        path=("letter", "token"),
        options=("sae", "token", "metric", "tau", "lead", "min_cosine"),
        implied=("token",),
    ),
)
