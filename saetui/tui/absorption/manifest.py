"""What the screen says about itself."""

from string import ascii_lowercase

from saetui.workbench.screen_study import ScreenStudy
from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import RowChoice, Table
from saetui.workbench.written_values import CAPITALS, SHARE, WHOLE, Writing

# What marks the latents of a word.
ROLES = {"main": "●", "absorber": "▶"}
# What the query of the words says of them, by effects and by projection.
VERDICTS = (
    *("absorbed", "no lead", "not aligned", "helps", "not sampled", "undefined", "found", "fires"),
    *("partly", "small share"),
)

MANIFEST = ScreenManifest(
    name="absorption",
    key="3",
    title="Absorption",
    help="Where do the latents of a letter stay silent, and which latent takes over?",
    view="saetui.tui.absorption.screen:AbsorptionScreen",
    commands="saetui.commands.absorption",
    verbs=("study", "only", "ablate", "inspect", "metric", "reset", "compare", "cancel", "tau", "lead", "cosine"),
    study=ScreenStudy(
        "absorption",
        "SELECT sae_id AS study_id, hook_name, [sae_id] AS sae_ids FROM sae "
        "WHERE sae_id IN (SELECT sae_id FROM absorption_run)",
    ),
    kinds=("absorption", "ablation"),
    across="absorption.map",
    tables=(
        Table(
            "absorption.letters",
            "absorption_letters",
            "letter",
            "letter",
            title="letters",
            full="usable",
            undigested=("n_words",),
            empty="no letters",
            study="absorption",
            writings={"letter": CAPITALS, "rate": SHARE, "mean_fraction": SHARE},
            names={
                "abs.": "n_absorbed",
                "fraction": "mean_fraction",
                "full": "n_full",
                "main": "n_main",
                "words": "n_words",
                "right": "n_probe",
                "cand.": "n_candidates",
                "judged": "n_sampled",
                "probe": "probe_f1",
            },
            earlier={"missed": "n_candidates"},
            enter="words",
            enter_help="choose the letter for all screens, and go to its words",
        ),
        Table(
            "absorption.cases",
            "absorption_cases",
            "surface",
            "token",
            title="words",
            empty="no words of this letter were judged",
            needs=(("letter", "choose a letter"),),
            study="absorption",
            choices=(
                RowChoice("all"),
                RowChoice("absorbed", "verdict = absorbed"),
                RowChoice("missed", "main_activation < 1e-8"),
            ),
            latent="absorber",
            writings={
                "verdict": Writing(dict.fromkeys(VERDICTS, "")),
                "letter": CAPITALS,
                "answer_before": CAPITALS,
                "answer_without": CAPITALS,
                "main_share": SHARE,
                "other_share": SHARE,
            },
            names={
                "logit": "probe_logit",
                "fire": "main_activation",
                "word": "surface",
                "cos": "cosine",
                "main %": "main_share",
                "others": "other_share",
                "fract.": "fraction",
                "fires on": "absorber_token",
                "2nd": "second_effect",
                "says": "answer_without",
                "lead": "lead_over_second",
                "exact": "exact_effect",
                "seen": "frequency",
            },
            earlier={"main": "main_activation", "probe": "probe_logit"},
            enter="contexts",
            enter_help="choose the word for all screens: every place where the word stands, and what fires there",
        ),
        Table(
            "absorption.evidence",
            "absorption_evidence",
            "latent",
            "latent",
            title="latents",
            rows_since=4,
            empty="no latent fires on this word",
            needs=(("letter", "choose a letter"), ("token", "choose a word")),
            study="absorption",
            latent="latent",
            enter="latent",
            enter_help="look at the latent on the screen of letters",
            pages=("", "word"),
            writings={"role": Writing(ROLES), "answer_without": CAPITALS, "share": SHARE},
            names={
                "exact": "exact_effect",
                "says": "answer_without",
                "act.": "activation",
                "cos": "cosine",
                "fires on": "top_token",
                "proj.": "projection",
                "rank": "place",
            },
            earlier={"k": "place"},
        ),
        Table(
            "absorption.occurrences",
            "absorption_occurrences",
            "rank",
            "token",
            title="contexts",
            rows_since=4,
            empty="the word does not stand in the tokens whose activations are stored",
            pages=("word",),
            names={
                "abs. act.": "absorber_activation",
                "fire": "main_activation",
                "in the corpus": "tokens",
            },
            earlier={"absorber": "absorber_activation", "main": "main_activation"},
        ),
        Table(
            "absorption.map",
            "absorption_map",
            "sae_id",
            "sae",
            title="map",
            writings={"l0": WHOLE, **dict.fromkeys(("mean", *ascii_lowercase), SHARE)},
            names={"not in mean": "left_out"},
            undigested=("left_out",),
            empty="none of the SAEs in view has been studied\nA studies them",
            enter="look",
            enter_help="look at the SAE, or at the letter under the cursor in it",
            pages=("map",),
        ),
    ),
    link=LinkForm(
        path=("letter", "token"),
        options=("sae", "token", "metric", "tau", "lead", "min_cosine"),
        implied=("token",),
    ),
)
