"""What the screen says about itself."""

from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import Table
from saetui.workbench.written_values import SHARE, WHOLE, Writing

# What marks the latents that a pursuit leaves out or takes in.
ROLES = {"kept": "", "dropped": "−", "added": "+"}

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
            "pursuit.runs",
            "pursuit_runs",
            "pursuit_id",
            "sae",
            title="pursuits",
            empty="no pursuits yet; p starts one",
            writings={
                **dict.fromkeys(("fvu_change", "nonlinear_change", "products_saved"), SHARE),
                "tokens_per_second": WHOLE,
            },
            names={
                "tokens": "chosen",
                "ΔFVU": "fvu_change",
                "Δnonlin": "nonlinear_change",
                "pursued": "n_tokens",
                "FVU bef.": "fvu_before",
                "FVU aft.": "fvu_after",
                "L0 used": "l0_after",
                "saved": "products_saved",
                "tok/s": "tokens_per_second",
                "made": "created",
            },
            earlier={
                "FVU": "fvu_change",
                "L0": "l0_rule",
                "after": "fvu_after",
                "before": "fvu_before",
                "n": "n_tokens",
                "nonlin.": "nonlinear_change",
            },
            enter="tokens",
            enter_help="choose the pursuit, and go to its tokens",
        ),
        Table(
            "pursuit.tokens",
            "pursuit_tokens",
            "row",
            "place",
            title="tokens",
            empty="no pursuit of this SAE yet; p starts one",
            renamed={"token_fvu_before": "fvu_before", "token_fvu_after": "fvu_after", "error_change": "change"},
            writings={"error_change": SHARE},
            names={
                "token in context": "tokens",
                "tok.FVU": "token_fvu_before",
                "→FVU": "token_fvu_after",
                "Δ|e|": "error_change",
                "nonl.": "fvu_nonlinear_before",
                "→nonl.": "fvu_nonlinear_after",
                "used": "l0_before",
                "→|e|": "error_after",
                "beside": "beside_after",
                "kept": "n_kept",
                "dropped": "n_dropped",
                "added": "n_added",
                "|e|": "error_before",
                "pos.": "position",
            },
            earlier={
                "FVU": "token_fvu_before",
                "L0": "l0_before",
                "change": "error_change",
                "error": "error_change",
                "fvu_after": "token_fvu_after",
                "fvu_before": "token_fvu_before",
            },
            enter="latents",
            enter_help="choose the token: its latents, and how its residual falls with each",
        ),
        Table(
            "pursuit.latents",
            "pursuit_latents",
            "latent",
            "latent",
            title="latents",
            empty="no latent fires",
            enter="latent",
            enter_help="look at the latent on the screen of letters",
            latent="latent",
            writings={"role": Writing(ROLES)},
            names={
                "before": "activation_before",
                "after": "activation_after",
                "fires on": "top_token",
                "promotes": "promoted",
            },
        ),
    ),
    link=LinkForm(
        path=("pursuit", "pursued"),
        options=("sae", "beside", "pursue_tokens", "pursue_l0", "pursue_method"),
        cleared=("pursuit",),
    ),
)
