"""Pursuits: how codes were found, and what they left."""

from typing import Final

from saetui.workbench.glossary.term import DARK_MATTER, Term

TERMS: Final[dict[str, Term]] = {
    "chosen": Term("Which tokens were pursued, as they were asked for."),
    "pursuit_method": Term(
        "How codes were found. persistent: gradient pursuit, where a latent once taken stays; dark_matter: as "
        "published; polish: more gradient steps at the end; nnls: the best weights for the latents that were taken; "
        "orthogonal: the best weights after every latent.",
        source=f"{DARK_MATTER}; pursuit",
    ),
    "l0_rule": Term(
        "Latents that a token may have: own, as many as the SAE's encoder used on it, or one number for all.",
        "latents per token",
        f"{DARK_MATTER}; pursuit",
    ),
    "n_pursued": Term("Tokens pursued; those whose activation is not finite are left out.", "tokens"),
    "pursuit_fvu_before": Term(
        "Fraction of the variance of these tokens that the SAE's own encoder leaves unexplained, about the mean of the "
        "error study's tokens, or their own mean where there is no study.",
        "share",
        f"{DARK_MATTER}; pursuit",
    ),
    "pursuit_fvu_after": Term(
        "The same with the codes of the pursuit. The dictionary is the same: what is left, no choice of latents by "
        "this method takes away.",
        "share",
        f"{DARK_MATTER}; pursuit",
    ),
    "pursuit_fvu_change": Term(
        "Change of the FVU by the pursuit. At each token's own L0 the paper finds −3 to −5%: the encoder is not what "
        "makes most of the error. A trained encoder can be better than a greedy pursuit, so it may also rise.",
        "relative change",
        f"{DARK_MATTER}; pursuit",
    ),
    "nonlinear_change": Term(
        "Change of that part of the FVU which no linear map of the activation predicts; in the paper it falls only "
        "slightly. Before, the map is that of the error study; after, it also takes account of what pursuit changes, "
        "fitted on other tokens with the same settings.",
        "relative change",
        f"{DARK_MATTER}; pursuit",
    ),
    "l0_after": Term("Mean number of latents in the codes of the pursuit.", "latents per token"),
    "products_saved": Term(
        "Products of a token with the whole dictionary that the pursuit did without, of one for every token and step.",
        "share",
    ),
    "pursuit_speed": Term("Tokens pursued in a second, without reading and fitting.", "tokens per second"),
    "created": Term("When it was made."),
    "position": Term("Place of the token in its context; special tokens count."),
    "token_fvu_before": Term(
        "Squared error of the SAE on this token over its squared distance to the mean activation.", "share"
    ),
    "token_fvu_after": Term("The same with the code of the pursuit.", "share"),
    "beside_after": Term("What the pursuit that is held beside this one (=) left of the same token.", "share"),
    "error_change": Term(
        "Change of the length of the error on this token by the pursuit; × where it is ten times as long or more.",
        "relative change",
    ),
    "token_nonlinear_before": Term(
        "Squared nonlinear part of the SAE's error on this token, over the token's squared distance to the mean.",
        "share",
        f"{DARK_MATTER}; linear prediction of the error",
    ),
    "token_nonlinear_after": Term(
        "The same of the pursuit's error.", "share", f"{DARK_MATTER}; linear prediction of the error"
    ),
    "l0_before": Term("Latents of this token: those of the SAE's encoder → those of the pursuit.", "latents"),
    "n_kept": Term("Latents that both the encoder and the pursuit use on this token.", "latents"),
    "n_dropped": Term("Latents of the encoder that the pursuit does without.", "latents"),
    "n_added": Term("Latents of the pursuit that the encoder did not use.", "latents"),
    "pursued_error": Term("Length of the error on this token with the code of the pursuit.", "model units"),
    "activation_before": Term("How strongly the latent fires on this token in the SAE's own code.", "model units"),
    "activation_change": Term(
        "How strongly the latent fires on this token: in the SAE's own code → in that of the pursuit.", "model units"
    ),
    "pursuit_residual": Term(
        "What is left after each latent of what the pursuit sets out to explain: summed squared residuals over the "
        "summed squares at the start. The level line is the SAE's own encoder.",
        "share",
        f"{DARK_MATTER}; pursuit",
        range="0 to 1",
    ),
    "activation_after": Term("How strongly it fires in the code of the pursuit.", "model units"),
}
