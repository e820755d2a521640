"""What the screen says about itself."""

from saetui.workbench.glossary import Term
from saetui.workbench.screens import LinkForm, ScreenManifest
from saetui.workbench.tables import Table

_WORDS = "SELECT DISTINCT surface, letter, length(surface) AS length FROM word ORDER BY length DESC, surface"

MANIFEST = ScreenManifest(
    name="toy_words",
    key="9",
    title="Toy words",
    help="How long are the words?",
    view="toy_screen.screen:ToyScreen",
    commands="toy_screen.commands",
    verbs=("longest",),
    tables=(Table("toy_words.words", _WORDS, "surface", "token", title="words"),),
    glossary={"length": Term("How many characters the word has.", "characters"), "letter": Term("Another meaning.")},
    link=LinkForm(path=("letter",), options=("sae",)),
)
