"""Latents: what they fire on, where they point, what they make of words."""

from typing import Final

from saetui.workbench.glossary.term import ABSORPTION, DARK_MATTER, SAEBENCH, Term

TERMS: Final[dict[str, Term]] = {
    "latent": Term(
        "Number of a latent: its column of the encoder, its row of the decoder.",
        "",
        range="0 to width − 1",
    ),
    "f1": Term(
        'Harmonic mean of precision and recall of "the latent fires on a word" for "the word has the letter".',
        "share",
        f"{ABSORPTION}; latents as classifiers",
        range="0 to 1",
    ),
    "precision": Term(
        "Of the words on which the latent fires, the share that has the letter.",
        "share",
        f"{ABSORPTION}; latents as classifiers",
        range="0 to 1",
    ),
    "recall": Term(
        "Of the words that have the letter, the share on which the latent fires.",
        "share",
        f"{ABSORPTION}; latents as classifiers",
        range="0 to 1",
    ),
    "auroc": Term(
        "Area under the ROC curve of the latent's pre-activation for the letter: the chance that a word with the "
        "letter is above one without. 0.5 is guessing.",
        "share",
        f"{ABSORPTION}; latents as classifiers",
        range="0 to 1",
    ),
    "cos_encoder": Term(
        "Cosine of the latent's encoder direction with the probe direction; the paper picks the latent where it is "
        "highest.",
        "",
        f"{ABSORPTION}; latents as classifiers",
        range="−1 to 1",
    ),
    "cos_decoder": Term(
        "Cosine of the latent's decoder direction with the probe direction.",
        "",
        f"{ABSORPTION}; latents as classifiers",
        range="−1 to 1",
    ),
    "f1_gain": Term(
        "F1 that this latent adds to the ones before it in the k-sparse ranking; it is a main latent only where all "
        "before it are.",
        "share",
        f"{ABSORPTION} §4–5; k-sparse probing",
    ),
    "is_main": Term(
        "One of the letter's main latents by the k-sparse rule: it and every latent before it in the ranking adds more "
        "than tau to F1.",
        source=f"{ABSORPTION} §4–5; k-sparse probing",
    ),
    "role": Term(
        "What the latent is here. ● a main latent of the letter by the k-sparse rule or, where that was not run, the "
        "latent whose encoder has the largest cosine with the probe; ○ the latter where it is no main latent; ▶ the "
        "latent that took the word over; − one of the encoder's that the pursuit dropped, + one that it added.",
        source=f"{ABSORPTION}; latents as classifiers",
    ),
    "density": Term("Share of evaluated tokens on which the latent fires.", "share of tokens"),
    "n_fires": Term("Tokens on which the latent fires.", "tokens"),
    "max_activation": Term("Largest activation seen.", "model units"),
    "mean_activation": Term("Mean activation over the tokens on which the latent fires.", "model units"),
    "activation": Term(
        "How strongly the latent fires on this token; at a word, where it stands in the word's prompt.", "model units"
    ),
    "top_token": Term("The token with the largest share of the latent's activation; a leading space is a dot."),
    "surface": Term("Text of a token; a leading space is a dot."),
    "verdict": Term(
        "What is made of a word. By one latent (screen 2): found, it fires on a word of the letter; ✗ missed, it "
        "stays silent on one; ! false alarm, it fires on a word of another letter. On absorption (screen 3): "
        "absorbed, the main latents are silent and one latent took over. By effects: no lead, the first removal "
        "hurts too little more than the second; not aligned, that latent does not point along the probe; helps, no "
        "removal hurts; not sampled, effects were not measured; found, the main latents' sparse probe finds the "
        "word; fires, a main latent fires; undefined, the model cannot do the task. By projection: partly, others "
        "carry some of it; small share, they carry less than 40%.",
        source=f"{ABSORPTION} (effects), {SAEBENCH} (projection)",
    ),
    "n_found": Term(
        "Words of the letter on which the latent fires; beside a letter, those of its best latent.", "words"
    ),
    "n_missed": Term(
        "Words of the letter on which the latent stays silent; beside a letter, those of its best latent.", "words"
    ),
    "n_false_alarms": Term(
        "Words of other letters on which the latent fires; beside a letter, those of its best latent.", "words"
    ),
    "n_main_missed": Term("Words of the letter on which all of its main latents stay silent.", "words"),
    "n_main_false_alarms": Term("Words of other letters on which one of the main latents or more fire.", "words"),
    "decoder_norm": Term(
        "Length of the latent's decoder row; an activation times this is how far it moves the reconstruction.",
        "model units",
    ),
    "encoder_decoder_cosine": Term(
        "Cosine of the latent's encoder and decoder directions.",
        "",
        range="−1 to 1",
    ),
    "cosine": Term(
        "Cosine of two latents' decoder directions.",
        "",
        range="−1 to 1",
    ),
    "promotes": Term(
        "Tokens whose logits the latent's decoder direction raises most (logit lens: through attention's output matrix "
        "where the SAE reads heads, the final norm's weights and the unembedding). Empty where the model's blocks or "
        "head do more to the residual stream than that.",
        "logits",
    ),
    "suppresses": Term("Tokens whose logits the latent's decoder direction lowers most.", "logits"),
    "error_norm": Term(
        "Length of the error x − x̂ on this token.", "model units", f"{DARK_MATTER}; scaling of the error"
    ),
}
