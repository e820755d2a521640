"""Letters, their probes, and latents as classifiers of them."""

from typing import Final

from saetui.workbench.glossary.term import ABSORPTION, Term

TERMS: Final[dict[str, Term]] = {
    "letter": Term(
        "First letter of a word, capital or not. A probe and its latents are about one letter. Dim letters are left "
        "out of means: they have too few words, or a probe with a held-out F1 of 0.6 or less.",
        source=ABSORPTION,
    ),
    "probe_f1": Term(
        "F1 on held-out words of the linear probe that says whether a word begins with this letter, read at the word's "
        "own token. It is what a latent is measured against.",
        "share",
        f"{ABSORPTION}; linear probes",
        range="0 to 1",
    ),
    "best_f1": Term(
        "F1 of the latent that tracks this letter best in this SAE.",
        "share",
        f"{ABSORPTION}; latents as classifiers",
        range="0 to 1",
    ),
    "usable": Term(
        "The probe is good enough to judge latents by: enough words, and held-out F1 above 0.6. Letters that are not "
        "usable are drawn dim and left out of every mean.",
        source=ABSORPTION,
    ),
    "left_out": Term(
        "Letters that are left out of the mean, as too few words or a probe with a held-out F1 of 0.6 or less say "
        "little; each with its number of words.",
        source=ABSORPTION,
    ),
    "n_words": Term("Words of the letter: vocabulary tokens of plain ASCII letters, capital or not.", "words"),
    "n_main": Term(
        "Main latents: the first of the letter's k-sparse ranking, as long as each adds more than tau (0.03 unless it "
        "is set otherwise) to the F1 of those before it. The walk stops at the first that does not, whatever later "
        "ones add.",
        "latents",
        f"{ABSORPTION} §4–5; k-sparse probing",
    ),
    "absorbed": Term(
        "Absorption rate of this letter: absorbed words over the words that the probe gets right. A dash where the "
        "model cannot do the task, or no missed word was judged.",
        "share",
        f"{ABSORPTION}; absorption rate",
        range="0 to 1",
    ),
    "model_accuracy": Term(
        "Share of the letter's words whose first letter the language model itself names.",
        "share",
        range="0 to 1",
    ),
    "probe_logit": Term("Output of the letter's probe on the word; above 0 the probe says yes.", "logits"),
    "answer_margin": Term(
        "The model's logit of the right letter minus the mean of the 25 others, at the end of the word's prompt.",
        "logits",
        f"{ABSORPTION}; first-letter task",
    ),
}
