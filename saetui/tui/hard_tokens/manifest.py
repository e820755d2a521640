"""What the screen says about itself."""

from saetui.workbench.screen_study import ScreenStudy
from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.table_query import Order
from saetui.workbench.tables import RowChoice, Table
from saetui.workbench.written_values import CAPITALS, POINTS, SHARE

_ABSORBED = (
    "token_id IN (SELECT token_id FROM absorption_verdicts([$sae], $tau, $lead, $min_cosine) "
    "WHERE verdict = 'absorbed')"
)
_VOCABULARY = (
    "token_id IN (SELECT vocabulary.token_id FROM vocabulary JOIN error_study USING (model_id) "
    "WHERE study_id = $study AND ({}))"
)

MANIFEST = ScreenManifest(
    name="hard_tokens",
    key="4",
    title="Hard tokens",
    help="Which tokens stay hard as the SAE grows, and what of their error is linear?",
    view="saetui.tui.hard_tokens.screen:HardTokensScreen",
    commands="saetui.commands.hard_tokens",
    verbs=("study", "order", "unit", "only", "compare", "cancel", "place"),
    study=ScreenStudy(
        "errors",
        "SELECT study_id, hook_name, sae_ids, corpus_id FROM error_study ORDER BY created DESC, study_id",
        together=True,
        missing="no errors have been studied; A studies those of the SAEs in view",
    ),
    kinds=("errors",),
    across="hard_tokens.scaling",
    tables=(
        Table(
            "hard_tokens.tokens",
            "hard_tokens",
            "place",
            "place",
            title="tokens",
            empty="no tokens",
            study="errors",
            unstudied="the errors of this SAE have not been studied\nA studies all SAEs in view",
            # The order of the query, named: a place in millions of rows is then found without sorting them.
            order=(Order("rank_value", True),),
            enter="text",
            enter_help="choose the token for all screens, and go to it in its text, one line for each SAE",
            filters={"absorbed": _ABSORBED},
            # What equal activations cost the model, and where they stand, is not equal.
            distinct="(is_first OR $order = 'damage')",
            differing=("context", "position", "place", "held_out", "clean_loss", "damage", "ce", "row"),
            rows_since=4,
            looked_up=dict.fromkeys(("surface", "letter"), _VOCABULARY),
            choices=(
                RowChoice("all"),
                RowChoice(
                    "absorbed",
                    "absorbed",
                    study="absorption",
                    missing="the absorption of this SAE has not been studied; run :study absorption first",
                ),
                RowChoice("letter", "letter={letter}", needs="letter", missing="choose a letter first, e.g. :letter s"),
                RowChoice("token", 'surface="{token}"', needs="token", missing="put the cursor on a token first"),
            ),
            writings={"letter": CAPITALS, "nonlinear_share": SHARE},
            names={
                "token in its text": "surface",
                "equal": "n_equal",
                "nonlin": "nonlinear_share",
                "CE+": "damage",
                "CE+ own": "ce",
                "|x|": "activation_norm",
                "loss": "clean_loss",
                "pos.": "position",
            },
            earlier={"n": "n_equal"},
            sae_columns="error_",
        ),
        Table(
            "hard_tokens.scaling",
            "error_scaling",
            "sae_id",
            "sae",
            title="what is left unexplained",
            empty="no study of these SAEs",
            enter="tokens",
            enter_help="choose the SAE for all screens, and go back to the tokens",
            pages=("scaling",),
            writings={**dict.fromkeys(("r2_error", "r2_norm", "shrinkage_share", "study_ce_recovered"), SHARE)},
            names={
                "FVU nonl.": "fvu_nonlinear",
                "R² error": "r2_error",
                "R² norm": "r2_norm",
                "shrink.": "shrinkage_share",
                "study CE rec": "study_ce_recovered",
                "CE+ SAE": "ce_damage",
                "FVU from": "fvu_low",
                "FVU to": "fvu_high",
                "nonl. from": "fvu_nonlinear_low",
                "nonl. to": "fvu_nonlinear_high",
            },
            earlier={
                "CE rec.": "study_ce_recovered",
                "CE+": "ce_damage",
                "ce_recovered": "study_ce_recovered",
                "fvu": "study_fvu",
                "nonlinear": "fvu_nonlinear",
            },
            renamed={"study_fvu": "fvu", "study_ce_recovered": "ce_recovered"},
        ),
        Table(
            "hard_tokens.absorbed",
            "hard_absorbed",
            "row",
            title="absorbed words beside others",
            empty="the letters of these SAEs were not studied for absorption\nA on screen 3 studies them",
            # Words of all letters: those of one are too few to compare.
            fixed={"letter": None},
            rows_since=4,
            pages=("scaling",),
            writings={"error_share": SHARE, **dict.fromkeys(("harder", "harder_low", "harder_high"), POINTS)},
            names={
                "which": "words",
                "n words": "n_words",
                "occur.": "n_occurrences",
                "harder %": "harder",
                "from": "harder_low",
                "to": "harder_high",
                "linear": "linear_norm",
                "nonlinear": "nonlinear_norm",
                "error": "error_norm",
                "of |x|": "error_share",
                "CE+ words": "word_damage",
            },
            earlier={"damage": "word_damage", "n": "n_words", "share": "error_share", "tokens": "n_occurrences"},
        ),
    ),
    link=LinkForm(
        path=("context", "position"),
        options=("sae", "token", "letter", "order", "unit"),
        implied=("token",),
        whole="a place is a context and a position, e.g. hard_tokens/17/45",
    ),
    earlier_names=("hard",),
)
