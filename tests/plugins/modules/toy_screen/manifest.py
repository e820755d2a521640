"""What the screen says about itself."""

from saetui.workbench.glossary import Term
from saetui.workbench.screen_study import ScreenStudy
from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import RowChoice, Table

_WORDS = "SELECT DISTINCT surface, letter, length(surface) AS length FROM word ORDER BY length DESC, surface"
_SUMMED = """
SELECT job_id AS study_id, hook_name, list(sae_id) AS sae_ids
FROM job JOIN sae ON json_extract_string(job.spec, '$.up_to') = sae.name
WHERE kind = 'toy_sum' AND state = 'done'
GROUP BY ALL ORDER BY max(ended) DESC
"""

MANIFEST = ScreenManifest(
    name="toy_words",
    key="9",
    title="Toy words",
    help="How long are the words?",
    view="toy_screen.screen:ToyScreen",
    commands="toy_screen.commands",
    verbs=("longest", "only", "study"),
    study=ScreenStudy("toy_sum", _SUMMED, missing="nothing has been added up yet; A does it"),
    tables=(
        Table(
            "toy_words.words",
            _WORDS,
            "surface",
            "token",
            title="words",
            choices=(
                RowChoice("all"),
                RowChoice("summed", "length<4", study="toy_sum", missing="nothing was added up for this SAE"),
            ),
        ),
    ),
    glossary={"length": Term("How many characters the word has.", "characters"), "letter": Term("Another meaning.")},
    link=LinkForm(path=("letter",), options=("sae",)),
)
