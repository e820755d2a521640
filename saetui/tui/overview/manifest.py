"""What the screen says about itself."""

from saetui.workbench.screen_study import ScreenStudy
from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import Table
from saetui.workbench.written_values import SHARE

MANIFEST = ScreenManifest(
    name="overview",
    key="1",
    title="Overview",
    help="Which SAEs are there, and how good are they?",
    view="saetui.tui.overview.screen:OverviewScreen",
    verbs=("study", "view"),
    study=ScreenStudy("demo"),
    tables=(
        Table(
            "overview.saes",
            "overview",
            "sae_id",
            "sae",
            title="SAEs",
            # Until then the mean F1 counted letters that are not usable.
            rows_since=4,
            writings={**dict.fromkeys(("ce_recovered", "dead_fraction", "absorption_rate"), SHARE)},
            names={
                "view": "in_view",
                "SAE": "name",
                "trained": "tokens_trained",
                "kind": "architecture",
                "CE rec": "ce_recovered",
                "dead": "dead_fraction",
                "letter F1": "mean_letter_f1",
                "absorbed": "absorption_rate",
                "lin. R²": "linear_error_r2",
            },
            earlier={"tokens": "tokens_trained"},
            enter="letters",
            enter_help="choose the SAE for all screens, and go to its letters",
        ),
    ),
    link=LinkForm(options=("sae", "token")),
)
