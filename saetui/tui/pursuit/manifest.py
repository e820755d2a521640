"""What the screen says about itself."""

from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import Table

MANIFEST = ScreenManifest(
    name="pursuit",
    key="5",
    title="Pursuit",
    help="Could a better encoder have done it?",
    view="saetui.tui.pursuit.screen:PursuitScreen",
    commands="saetui.commands.pursuit",
    verbs=("pursue", "cancel", "choose", "budget", "method", "beside", "inspect"),
    kinds=("pursuit",),
    tables=(
        Table(
            "pursuit.runs", "pursuit_runs", "pursuit_id", "sae", title="pursuits", empty="no pursuits yet; p starts one"
        ),
        Table(
            "pursuit.tokens",
            "pursuit_tokens",
            "row",
            "place",
            title="tokens",
            empty="no pursuit of this SAE yet; p starts one",
        ),
        Table(
            "pursuit.latents",
            "pursuit_latents",
            "latent",
            "latent",
            title="latents",
            empty="no latent fires",
            latent="latent",
        ),
    ),
    link=LinkForm(
        path=("pursuit", "pursued"),
        options=("sae", "beside", "pursue_tokens", "pursue_l0", "pursue_method"),
        cleared=("pursuit",),
    ),
)
