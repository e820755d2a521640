"""SAEs: their sizes, how well they reconstruct, how they were trained."""

from typing import Final

from saetui.workbench.glossary.term import ABSORPTION, DARK_MATTER, TOPK, Term

TERMS: Final[dict[str, Term]] = {
    "in_view": Term("SAEs in view are the ones that the other screens compare; space puts one in or takes it out."),
    "name": Term("Short name of the SAE, unique in this store; commands take it or the beginning of it."),
    "source": Term("Trained here, or where it was imported from."),
    "architecture": Term(
        "How the SAE decides which latents fire. TopK keeps the k largest on every token.", source=TOPK
    ),
    "width": Term("Number of latents: rows of the decoder.", "latents"),
    "k": Term("Latents that a TopK SAE keeps on each token.", "latents per token", TOPK),
    "l0": Term(
        "Latents that fire on a token, those with an activation above 1e-8; of an SAE the mean over the tokens on "
        "which it was evaluated.",
        "latents per token",
    ),
    "fvu": Term(
        "Fraction of variance unexplained: the summed squared error of the reconstruction over the summed squared "
        "distance of the activations from their mean, on the tokens on which the SAE was evaluated. 0 is a perfect "
        "reconstruction, 1 is no better than the mean.",
        "share",
        f"{DARK_MATTER}; scaling of the error",
        range="0 to 1",
    ),
    "ce_recovered": Term(
        "How much of the model's loss the reconstruction gives back: 1 when cross entropy with the reconstruction in "
        "place is that of the untouched model, 0 when it is as bad as setting the activations to zero.",
        "share",
        range="mostly 0 to 1",
    ),
    "dead_fraction": Term("Latents that never fired on the tokens on which the SAE was evaluated.", "share of latents"),
    "mean_letter_f1": Term(
        "Mean over the usable letters of the F1 of the best latent for that letter.",
        "share",
        f"{ABSORPTION}; latents as classifiers",
        range="0 to 1",
    ),
    "absorption_rate": Term(
        "Share of a letter's words on which its main latents stay silent because another, more specific latent carries "
        "the letter; the mean over usable letters.",
        "share",
        f"{ABSORPTION}; absorption rate",
        range="0 to 1",
    ),
    "linear_error_r2": Term(
        "How well the SAE's error can be predicted from the activation by a linear map: 1 minus the squared error of "
        "the prediction over the variance of the error, all dimensions together.",
        "share",
        f"{DARK_MATTER}; linear prediction of the error",
        range="up to 1",
    ),
    "tokens_trained": Term("Tokens seen in training, repeats counted.", "tokens"),
    "n_evaluated": Term("Tokens on which L0, FVU and dead latents were measured.", "tokens"),
}
