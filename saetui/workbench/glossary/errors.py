"""Errors of SAEs: their lengths, their linear and nonlinear parts, what they cost."""

from typing import Final

from saetui.workbench.glossary.term import ABSORPTION, DARK_MATTER, Term

TERMS: Final[dict[str, Term]] = {
    "token_error_norm": Term(
        "Length of the error x − x̂ that the SAE leaves on this token; the colour is against the largest shown.",
        "model units",
        f"{DARK_MATTER}; per-token scaling",
    ),
    "token_error_share": Term(
        "Length of the error x − x̂ over that of the activation x: 0 is a perfect reconstruction, 100% an empty one.",
        "share",
        f"{DARK_MATTER}; per-token scaling",
    ),
    "token_error_fvu": Term(
        "Squared length of the error on this token over the variance of all activations: what the token adds to the "
        "fraction of variance unexplained, were all tokens like it.",
        "share",
        f"{DARK_MATTER}; scaling of the error",
        range="from 0",
    ),
    "error_slope": Term(
        "Change of log2 of the error norm with each doubling of the width, a line through one SAE of each width: of "
        "several, the one whose L0 is most like that of the other widths. −0.10: each doubling takes 7% of the error "
        "away; above 0 the token gets worse as SAEs grow.",
        "per doubling",
        f"{DARK_MATTER}; per-token scaling",
    ),
    "width_change": Term(
        "Error norm of the widest SAE of the study minus that of the narrowest; where a width has several, that of "
        "the SAE whose L0 is most like the other widths'. Solved by width sorts by it from the lowest, worse with "
        "width from the highest.",
        "model units",
        f"{DARK_MATTER}; per-token scaling",
    ),
    "nonlinear_share": Term(
        "Share of the squared error that is no linear map of the activation, of the study's SAEs together. No share is "
        "given where the squared error is under 1% of the variance, and where a part is longer than the whole error, "
        "since the two cancel each other: then the norm of the nonlinear part of the current SAE's error stands here, "
        "without a %, beside the norms of the errors. On texts that the map was fitted on it comes out too low.",
        "share",
        f"{DARK_MATTER}; linear prediction of the error",
    ),
    "damage": Term(
        "What putting the reconstruction in place of the activation adds to the loss of predicting the next token: "
        "the mean over the study's SAEs. Below 0 the model predicts better with it.",
        "nats",
        f"{DARK_MATTER}; effect on cross entropy",
    ),
    "ce_damage": Term(
        "What the SAE's reconstruction in place of the activation adds to the loss of predicting the next token, the "
        "mean over held-out texts of the error study drawn at random.",
        "nats",
        f"{DARK_MATTER}; effect on cross entropy",
    ),
    "word_damage": Term(
        "What the SAE's reconstruction in place of the activation adds to the loss of predicting the token after one "
        "of these words: the mean over words, each the mean of its held-out tokens.",
        "nats",
        f"{DARK_MATTER}; effect on cross entropy",
    ),
    "error_share": Term(
        "Length of the SAE's error on these words over that of the activation: the mean over words, each the mean of "
        "its held-out tokens.",
        "share",
        f"{DARK_MATTER}; per-token scaling",
    ),
    "study_fvu": Term(
        "Fraction of variance unexplained on the held-out tokens of the error study. Screen 1 has that on the tokens "
        "on which the SAE was evaluated, which are others: both come near to each other, and are not the same.",
        "share",
        f"{DARK_MATTER}; scaling of the error",
        range="0 to 1",
    ),
    "study_ce_recovered": Term(
        "How much of the model's loss the reconstruction gives back on held-out texts of the error study; screen 1 "
        "has that on the texts on which the SAE was evaluated.",
        "share",
        range="mostly 0 to 1",
    ),
    "linear_norm": Term(
        "Length of the part of the current SAE's error that a linear map of the activation predicts.",
        "model units",
        f"{DARK_MATTER}; linear prediction of the error",
    ),
    "nonlinear_norm": Term(
        "Length of the part of the current SAE's error that no linear map of the activation predicts.",
        "model units",
        f"{DARK_MATTER}; linear prediction of the error",
    ),
    "token_ce": Term("What the current SAE adds to the loss of predicting the next token.", "nats"),
    "n_equal": Term(
        "Tokens of the study with exactly this activation, as of a token with the same ones before it; this row stands "
        "for them. In the order CE damage, and where a filter asks for places, each has a row of its own.",
        "tokens",
    ),
    "activation_norm": Term("Length of the activation x on this token.", "model units"),
    "clean_loss": Term("Loss of predicting the next token with nothing replaced.", "nats"),
    "fvu_nonlinear": Term(
        "Fraction of variance that is left unexplained when the linear part of the error is added back to the "
        "reconstruction. The paper finds it roughly the same at all widths.",
        "share",
        f"{DARK_MATTER}; scaling of the error",
        range="0 to 1",
    ),
    "r2_norm": Term(
        "How well the squared norm of the error is predicted by a linear map of the activation, on held-out texts; "
        "above 0.9 in the paper.",
        "share",
        f"{DARK_MATTER}; linear prediction of the norm",
        range="up to 1",
    ),
    "shrinkage_share": Term(
        "Share of the linearly predicted error that is mere shrinkage, a multiple of the activation. An SAE that "
        "makes all activations shorter has an error that is linear for that reason alone.",
        "share",
        f"{DARK_MATTER}; linear prediction of the error",
    ),
    "interval": Term("End of the 95% interval over texts, by resampling them.", "as the number it is about"),
    "width_norms": Term(
        "R² of predicting, token by token, the error norm of a wider SAE from that of a narrower one: near 1, the same "
        "tokens stay hard.",
        "share",
        f"{DARK_MATTER}; per-token scaling",
        range="up to 1",
    ),
    "absorbed_words": Term(
        "absorbed: another latent of this SAE took the word over; missed: the main latents are silent, and none did; "
        "other: the remaining words of the first-letter task that its probe gets right.",
        source=f"{ABSORPTION}; absorption",
    ),
    "n_occurrences": Term(
        "How often these words stand among the held-out tokens of the error study. Figures are means over words, "
        "however often each stands there.",
        "tokens",
    ),
    "absorbed_harder": Term(
        "Percent by which the error norm of absorbed words is larger than that of words of like frequency and "
        "activation norm on which a main latent fires, over words and in the geometric mean; below zero, absorbed "
        "words are the easier ones. :study absorbed_errors computes it; this is the one that is stored.",
        "percent",
        f"{ABSORPTION} and {DARK_MATTER} together",
    ),
    "absorbed_harder_interval": Term(
        "End of the 95% interval of that percentage over words, by resampling them.", "percent"
    ),
}
