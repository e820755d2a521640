"""What the numbers on screen mean: definition, unit, and the paper that defines them; keyed by column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from saetui.plugins import leave_out
from saetui.workbench.screens import GROUP, added_screens, screens

_ABSORPTION: Final = "2409.14507"
_DARK_MATTER: Final = "2410.14670"
_TOPK: Final = "2406.04093"
_SAEBENCH: Final = "2503.09532"


@dataclass(frozen=True)
class Term:
    """One term."""

    definition: str
    unit: str = ""
    source: str = ""


GLOSSARY: Final[dict[str, Term]] = {
    # SAEs
    "in_view": Term("SAEs in view are the ones that the other screens compare; space puts one in or takes it out."),
    "name": Term("Short name of the SAE, unique in this store; commands take it or the beginning of it."),
    "source": Term("Trained here, or where it was imported from."),
    "architecture": Term(
        "How the SAE decides which latents fire. TopK keeps the k largest on every token.", source=_TOPK
    ),
    "width": Term("Number of latents: rows of the decoder.", "latents"),
    "k": Term("Latents that a TopK SAE keeps on each token.", "latents per token", _TOPK),
    "l0": Term(
        "Mean number of latents that fire on a token; a latent fires when its activation is above 1e-8.",
        "latents per token",
    ),
    "fvu": Term(
        "Fraction of variance unexplained: the summed squared error of the reconstruction over the summed squared "
        "distance of the activations from their mean. 0 is a perfect reconstruction, 1 is no better than the mean.",
        "share, 0 to 1",
        f"{_DARK_MATTER}; scaling of the error",
    ),
    "ce_recovered": Term(
        "How much of the model's loss the reconstruction gives back: 1 when cross entropy with the reconstruction in "
        "place is that of the untouched model, 0 when it is as bad as setting the activations to zero.",
        "share, mostly 0 to 1",
    ),
    "dead_fraction": Term("Latents that never fired on the tokens on which the SAE was evaluated.", "share of latents"),
    "mean_letter_f1": Term(
        "Mean over the usable letters of the F1 of the best latent for that letter.",
        "share, 0 to 1",
        f"{_ABSORPTION}; latents as classifiers",
    ),
    "absorption_rate": Term(
        "Share of a letter's words on which its main latents stay silent because another, more specific latent carries "
        "the letter; the mean over usable letters.",
        "share, 0 to 1",
        f"{_ABSORPTION}; absorption rate",
    ),
    "linear_error_r2": Term(
        "How well the SAE's error can be predicted from the activation by a linear map: 1 minus the squared error of "
        "the prediction over the variance of the error, all dimensions together.",
        "share, up to 1",
        f"{_DARK_MATTER}; linear prediction of the error",
    ),
    "tokens_trained": Term("Tokens seen in training, repeats counted.", "tokens"),
    "n_evaluated": Term("Tokens on which L0, FVU and dead latents were measured.", "tokens"),
    # Letters and probes
    "letter": Term(
        "First letter of a word, capital or not. A probe and its latents are about one letter.", source=_ABSORPTION
    ),
    "probe_f1": Term(
        "F1 on held-out words of the linear probe that says whether a word begins with this letter, read at the word's "
        "own token. It is what a latent is measured against.",
        "share, 0 to 1",
        f"{_ABSORPTION}; linear probes",
    ),
    "best_f1": Term(
        "F1 of the latent that tracks this letter best in this SAE.",
        "share, 0 to 1",
        f"{_ABSORPTION}; latents as classifiers",
    ),
    "usable": Term(
        "The probe is good enough to judge latents by: enough words, and held-out F1 above 0.6.", source=_ABSORPTION
    ),
    "n_words": Term("Words of the letter: vocabulary tokens of plain ASCII letters, capital or not.", "words"),
    "n_main": Term(
        "Main latents: walking down the k-sparse ranking, every latent that raises F1 by more than 0.03 counts.",
        "latents",
        f"{_ABSORPTION} §4–5; k-sparse probing",
    ),
    "absorbed": Term(
        "Absorption rate of this letter: absorbed words over the words that the probe gets right. A dash where the "
        "model cannot do the task, or no missed word was judged.",
        "share, 0 to 1",
        f"{_ABSORPTION}; absorption rate",
    ),
    "model_accuracy": Term(
        "Share of the letter's words whose first letter the language model itself names.", "share, 0 to 1"
    ),
    "probe_logit": Term("Output of the letter's probe on the word; above 0 the probe says yes.", "logits"),
    "answer_margin": Term(
        "The model's logit of the right letter minus the mean of the 25 others, at the end of the word's prompt.",
        "logits",
        f"{_ABSORPTION}; first-letter task",
    ),
    # Absorption
    "n_probe": Term(
        "Words of the letter that its probe gets right, of those that were judged: what the absorption rate is a share "
        "of.",
        "words",
        f"{_ABSORPTION}; absorption rate",
    ),
    "n_candidates": Term(
        "Of the words that the probe gets right, those on which the main latents are silent and the sparse probe on "
        "them says no: on these another latent may have taken over.",
        "words",
        f"{_ABSORPTION}; absorption rate",
    ),
    "n_sampled": Term(
        "Missed words whose effects were measured. Where there are more missed words than were asked for, the absorbed "
        "among the judged stand for all.",
        "words",
        f"{_ABSORPTION}; absorption rate",
    ),
    "n_absorbed": Term(
        "Judged words on which one latent took over: removing it hurts the right answer by at least the lead more than "
        "removing any other, and its decoder row points along the probe.",
        "words",
        f"{_ABSORPTION}; absorption rate",
    ),
    "n_full": Term(
        "Words on which the main latents are silent and one other latent, aligned with the probe, carries 40% or more "
        "of the word's projection on it.",
        "words",
        f"{_SAEBENCH}; absorption",
    ),
    "full_rate": Term(
        "Share of the words that the probe gets right that are fully absorbed by projection.",
        "share, 0 to 1",
        f"{_SAEBENCH}; absorption",
    ),
    "mean_fraction": Term(
        "Mean absorption fraction of the words that the probe gets right: how much of what the main latents should "
        "carry of the probe's direction others carry. It counts words on which the main latents fire too weakly, too.",
        "share, 0 to 1",
        f"{_SAEBENCH}; absorption",
    ),
    "fraction": Term(
        "Absorption fraction of the word. The word's projection on the probe less that of its main latents is what "
        "they leave over; the fraction is what up to three other aligned latents carry of that, over that and what "
        "the main latents carry. 0 where the others carry less than 40% of the whole.",
        "share, 0 to 1",
        f"{_SAEBENCH}; absorption",
    ),
    "main_activation": Term(
        "Activation of the letter's main latents on this word, added up. 0.00: all of them are silent.",
        "model units",
        f"{_ABSORPTION}; absorption",
    ),
    "main_share": Term(
        "Share of the word's projection on the probe that the main latents carry.", "share", f"{_SAEBENCH}; absorption"
    ),
    "other_share": Term(
        "Share of the word's projection on the probe that the three largest other latents carry, of those whose cosine "
        "with the probe is 0.1 or more.",
        "share",
        f"{_SAEBENCH}; absorption",
    ),
    "absorber": Term(
        "The latent that took the word over, if any did: by effects the one whose removal hurts the right answer "
        "most, by projection the one that carries most of the probe's direction.",
        "0 to width − 1",
        f"{_ABSORPTION}; absorption",
    ),
    "absorber_activation": Term("How strongly the latent that took the word over fires here.", "model units"),
    "effect": Term(
        "What removing the latent at the word does to the answer: the change of the logit of the right letter less the "
        "mean of the 25 others, estimated by integrated gradients over a few steps, or exact where the study ran the "
        "model again. Below 0 the latent is needed for the right answer.",
        "logits",
        f"{_ABSORPTION}; integrated gradients",
    ),
    "second_effect": Term(
        "Effect of the latent whose removal hurts second most; 0 where only one latent fires.",
        "logits",
        f"{_ABSORPTION}; absorption rate",
    ),
    "lead_over_second": Term(
        "How much more the removal of the first latent hurts than that of the second: −first − max(0, −second). A "
        "word is absorbed from a lead of 1 on, unless another threshold is set.",
        "logits",
        f"{_ABSORPTION}; absorption rate",
    ),
    "exact_effect": Term(
        "The same change measured: the model is run again with the latent's contribution taken out at the word. A "
        "silent latent has nothing to take out: 0. A dash: not run; a does it.",
        "logits",
        f"{_ABSORPTION}; ablation",
    ),
    "answer_without": Term(
        "The letter that the model names when it is run again without the latent, of the 26 there are.",
        source=f"{_ABSORPTION}; ablation",
    ),
    "absorber_cosine": Term(
        "Cosine of the latent's decoder row with the direction of the letter's probe. A word is absorbed only where it "
        "is 0.025 or more, unless another threshold is set.",
        "−1 to 1",
        f"{_ABSORPTION}; absorption rate",
    ),
    "absorption_verdict": Term(
        "absorbed: the main latents are silent and one latent took over. By effects: no lead, the first removal hurts "
        "too little more than the second; not aligned, that latent does not point along the probe; helps, no removal "
        "hurts; not sampled, effects were not measured; found, the main latents' sparse probe finds the word; fires, "
        "a main latent fires; undefined, the model cannot do the task. By projection: partly, others carry some of "
        "it; small share, they carry less than 40%.",
        source=f"{_ABSORPTION} (effects), {_SAEBENCH} (projection)",
    ),
    "absorption_role": Term("● a main latent of the letter, listed although silent; ▶ the latent that took over."),
    "word_activation": Term("How strongly the latent fires at the word, in the word's prompt.", "model units"),
    "projection": Term(
        "What the latent carries of the letter: its activation times its decoder row, on the probe's unit direction.",
        "model units",
        f"{_SAEBENCH}; absorption",
    ),
    "share": Term("The latent's projection over the word's own projection on the probe.", "share"),
    "place": Term(
        "Place of the latent in the letter's k-sparse ranking; the first few are the main latents.",
        source=f"{_ABSORPTION} §4–5; k-sparse probing",
    ),
    "frequency": Term("How often the token stands in the corpus.", "tokens"),
    "occurrence": Term(
        "The word in a text, with eight tokens to either side: orange where the absorbing latent fires, blue where "
        "main latents do.",
    ),
    "context": Term("Number of the text in the token set.", "from 0"),
    "map_cell": Term(
        "Absorption of the letter in the SAE: the rate by effects, or the mean fraction by projection.",
        "percent",
        f"{_ABSORPTION}, {_SAEBENCH}",
    ),
    "tau": Term(
        "F1 that another latent must add to the ones before it to be a main latent; the paper's 0.03.",
        "share",
        f"{_ABSORPTION} §4–5; k-sparse probing",
    ),
    "lead": Term(
        "Logits by which the first effect must lead the second in an absorbed word; the paper's 1.",
        "logits",
        f"{_ABSORPTION}; absorption rate",
    ),
    "min_cosine": Term(
        "Least cosine of the absorber's decoder row with the probe direction; the paper's 0.025.",
        "−1 to 1",
        f"{_ABSORPTION}; absorption rate",
    ),
    # Latents
    "latent": Term("Number of a latent: its column of the encoder, its row of the decoder.", "0 to width − 1"),
    "f1": Term(
        'Harmonic mean of precision and recall of "the latent fires on a word" for "the word has the letter".',
        "share, 0 to 1",
        f"{_ABSORPTION}; latents as classifiers",
    ),
    "precision": Term(
        "Of the words on which the latent fires, the share that has the letter.",
        "share, 0 to 1",
        f"{_ABSORPTION}; latents as classifiers",
    ),
    "recall": Term(
        "Of the words that have the letter, the share on which the latent fires.",
        "share, 0 to 1",
        f"{_ABSORPTION}; latents as classifiers",
    ),
    "auroc": Term(
        "Area under the ROC curve of the latent's pre-activation for the letter: the chance that a word with the "
        "letter is above one without. 0.5 is guessing.",
        "share, 0 to 1",
        f"{_ABSORPTION}; latents as classifiers",
    ),
    "cos_encoder": Term(
        "Cosine of the latent's encoder direction with the probe direction; the paper picks the latent where it is "
        "highest.",
        "−1 to 1",
        f"{_ABSORPTION}; latents as classifiers",
    ),
    "cos_decoder": Term(
        "Cosine of the latent's decoder direction with the probe direction.",
        "−1 to 1",
        f"{_ABSORPTION}; latents as classifiers",
    ),
    "f1_gain": Term(
        "F1 that this latent adds to the ones before it in the k-sparse ranking.",
        "share",
        f"{_ABSORPTION} §4–5; k-sparse probing",
    ),
    "is_main": Term(
        "One of the letter's main latents by the k-sparse rule: it raises F1 by more than 0.03.",
        source=f"{_ABSORPTION} §4–5; k-sparse probing",
    ),
    "role": Term(
        "● marks a main latent of the letter by the k-sparse rule or, where that was not run, the latent whose encoder "
        "has the largest cosine with the probe; ○ marks the latter where it is no main latent.",
        source=f"{_ABSORPTION}; latents as classifiers",
    ),
    "density": Term("Share of evaluated tokens on which the latent fires.", "share of tokens"),
    "n_fires": Term("Tokens on which the latent fires.", "tokens"),
    "max_activation": Term("Largest activation seen.", "model units"),
    "mean_activation": Term("Mean activation over the tokens on which the latent fires.", "model units"),
    "activation": Term("How strongly the latent fires on this token.", "model units"),
    "top_token": Term("The token with the largest share of the latent's activation; a leading space is a dot."),
    "surface": Term("Text of a token; a leading space is a dot."),
    "verdict": Term(
        "What the latent makes of a word: found, it fires on a word of the letter; ✗ missed, it stays silent on one; "
        "! false alarm, it fires on a word of another letter."
    ),
    "n_missed": Term("Words of the letter on which its best latent stays silent.", "words"),
    "decoder_norm": Term(
        "Length of the latent's decoder row; an activation times this is how far it moves the reconstruction.",
        "model units",
    ),
    "encoder_decoder_cosine": Term("Cosine of the latent's encoder and decoder directions.", "−1 to 1"),
    "cosine": Term("Cosine of two latents' decoder directions.", "−1 to 1"),
    "promotes": Term(
        "Tokens whose logits the latent's decoder direction raises most (logit lens: through the final norm's scale "
        "and the unembedding).",
        "logits",
    ),
    "suppresses": Term("Tokens whose logits the latent's decoder direction lowers most.", "logits"),
    "error_norm": Term(
        "Length of the error x − x̂ on this token.", "model units", f"{_DARK_MATTER}; scaling of the error"
    ),
    # Pursuits
    "chosen": Term("Which tokens were pursued, as they were asked for."),
    "pursuit_method": Term(
        "How codes were found. persistent: gradient pursuit, where a latent once taken stays; dark_matter: as "
        "published; polish: more gradient steps at the end; nnls: the best weights for the latents that were taken; "
        "orthogonal: the best weights after every latent.",
        source=f"{_DARK_MATTER}; pursuit",
    ),
    "l0_rule": Term(
        "Latents that a token may have: own, as many as the SAE's encoder used on it, or one number for all.",
        "latents per token",
        f"{_DARK_MATTER}; pursuit",
    ),
    "n_pursued": Term("Tokens pursued; those whose activation is not finite are left out.", "tokens"),
    "pursuit_fvu_before": Term(
        "Fraction of the variance of these tokens that the SAE's own encoder leaves unexplained, about the mean of the "
        "error study's tokens, or their own mean where there is no study.",
        "share",
        f"{_DARK_MATTER}; pursuit",
    ),
    "pursuit_fvu_after": Term(
        "The same with the codes of the pursuit. The dictionary is the same: what is left, no choice of latents by "
        "this method takes away.",
        "share",
        f"{_DARK_MATTER}; pursuit",
    ),
    "pursuit_fvu_change": Term(
        "Change of the FVU by the pursuit. At each token's own L0 the paper finds −3 to −5%: the encoder is not what "
        "makes most of the error. A trained encoder can be better than a greedy pursuit, so it may also rise.",
        "relative change",
        f"{_DARK_MATTER}; pursuit",
    ),
    "nonlinear_change": Term(
        "Change of that part of the FVU which no linear map of the activation predicts; in the paper it falls only "
        "slightly. Before, the map is that of the error study; after, it also takes account of what pursuit changes, "
        "fitted on other tokens with the same settings.",
        "relative change",
        f"{_DARK_MATTER}; pursuit",
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
        f"{_DARK_MATTER}; linear prediction of the error",
    ),
    "token_nonlinear_after": Term(
        "The same of the pursuit's error.", "share", f"{_DARK_MATTER}; linear prediction of the error"
    ),
    "token_l0": Term("Latents of this token: those of the SAE's encoder → those of the pursuit.", "latents"),
    "n_kept": Term("Latents that both the encoder and the pursuit use on this token.", "latents"),
    "n_dropped": Term("Latents of the encoder that the pursuit does without.", "latents"),
    "n_added": Term("Latents of the pursuit that the encoder did not use.", "latents"),
    "pursued_error": Term("Length of the error on this token with the code of the pursuit.", "model units"),
    "pursued_role": Term(
        "− marks a latent of the encoder that the pursuit dropped, + one that it added; the others were kept."
    ),
    "activation_before": Term("How strongly the latent fires on this token in the SAE's own code.", "model units"),
    "activation_after": Term("How strongly it fires in the code of the pursuit.", "model units"),
    # Errors
    "token_error_norm": Term(
        "Length of the error x − x̂ that the SAE leaves on this token; the colour is against the largest shown.",
        "model units",
        f"{_DARK_MATTER}; per-token scaling",
    ),
    "token_error_share": Term(
        "Length of the error x − x̂ over that of the activation x: 0 is a perfect reconstruction, 100% an empty one.",
        "share",
        f"{_DARK_MATTER}; per-token scaling",
    ),
    "token_error_fvu": Term(
        "Squared length of the error on this token over the variance of all activations: what the token adds to the "
        "fraction of variance unexplained, were all tokens like it.",
        "share, from 0",
        f"{_DARK_MATTER}; scaling of the error",
    ),
    "error_slope": Term(
        "Change of log2 of the error norm with each doubling of the width, a line through one SAE of each width: of "
        "several, the one whose L0 is most like that of the other widths. "
        "−0.10: each doubling takes 7% of the error away; above 0 the token gets worse as SAEs grow.",
        "per doubling",
        f"{_DARK_MATTER}; per-token scaling",
    ),
    "width_change": Term(
        "Error norm of the widest SAE of the study minus that of the narrowest; where a width has several, that of the "
        "SAE whose L0 is most like the other widths'. Solved by width sorts by it from the lowest, worse with width "
        "from the highest.",
        "model units",
        f"{_DARK_MATTER}; per-token scaling",
    ),
    "nonlinear_share": Term(
        "Share of the squared error that is no linear map of the activation, the mean over the study's SAEs. On texts "
        "that the map was fitted on it comes out a little too low.",
        "share",
        f"{_DARK_MATTER}; linear prediction of the error",
    ),
    "damage": Term(
        "What putting the reconstruction in place of the activation adds to the loss of predicting the next token; on "
        "a token the mean over the study's SAEs, of an SAE the mean over held-out texts drawn at random. Below 0 the "
        "model predicts better with it.",
        "nats",
        f"{_DARK_MATTER}; effect on cross entropy",
    ),
    "linear_norm": Term(
        "Length of the part of the current SAE's error that a linear map of the activation predicts.",
        "model units",
        f"{_DARK_MATTER}; linear prediction of the error",
    ),
    "nonlinear_norm": Term(
        "Length of the part of the current SAE's error that no linear map of the activation predicts.",
        "model units",
        f"{_DARK_MATTER}; linear prediction of the error",
    ),
    "token_ce": Term("What the current SAE adds to the loss of predicting the next token.", "nats"),
    "activation_norm": Term("Length of the activation x on this token.", "model units"),
    "clean_loss": Term("Loss of predicting the next token with nothing replaced.", "nats"),
    "fvu_nonlinear": Term(
        "Fraction of variance that is left unexplained when the linear part of the error is added back to the "
        "reconstruction. The paper finds it roughly the same at all widths.",
        "share, 0 to 1",
        f"{_DARK_MATTER}; scaling of the error",
    ),
    "r2_norm": Term(
        "How well the squared norm of the error is predicted by a linear map of the activation, on held-out texts; "
        "above 0.9 in the paper.",
        "share, up to 1",
        f"{_DARK_MATTER}; linear prediction of the norm",
    ),
    "shrinkage_share": Term(
        "Share of the linearly predicted error that is mere shrinkage, a multiple of the activation. An SAE that makes "
        "all activations shorter has an error that is linear for that reason alone.",
        "share",
        f"{_DARK_MATTER}; linear prediction of the error",
    ),
    "interval": Term("End of the 95% interval over texts, by resampling them.", "as the number it is about"),
    "width_norms": Term(
        "R² of predicting, token by token, the error norm of a wider SAE from that of a narrower one: near 1, the same "
        "tokens stay hard.",
        "share, up to 1",
        f"{_DARK_MATTER}; per-token scaling",
    ),
    "absorbed_words": Term(
        "absorbed: another latent of this SAE took the word over; missed: the main latents are silent, and none did; "
        "other: the remaining words of the first-letter task that its probe gets right.",
        source=f"{_ABSORPTION}; absorption",
    ),
    "n_occurrences": Term("How often these words stand among the tokens of the error study.", "tokens"),
    "error_ratio": Term(
        "Mean norm on these words over that on the other words, in the same SAE; in the columns linear and nonlinear "
        "of that part of the error, on held-out texts only. 1: no harder.",
        "ratio",
        f"{_DARK_MATTER}; per-token scaling",
    ),
    # Jobs
    "progress": Term(
        "Share of the whole job that is done, where the job knows it; of the running phase otherwise.", "share"
    ),
    "rate": Term("Work done per second lately; pauses are left out.", "units per second"),
    "eta": Term("Time left at the present rate.", "h:mm:ss"),
}


def glossary() -> Mapping[str, Term]:
    """Every entry: ours, and those in the manifests of other packages' screens; a term of ours stays as it is."""
    found = dict(GLOSSARY)
    for name, package in added_screens().items():
        for term, entry in screens()[name].glossary.items():
            if found.setdefault(term, entry) is not entry:
                leave_out(GROUP, name, package, f"{GROUP}: there is one already", part=f"the glossary entry {term!r}")
    return found
