"""Absorption: rates, words, effects and thresholds."""

from typing import Final

from saetui.workbench.glossary.term import ABSORPTION, SAEBENCH, Term

TERMS: Final[dict[str, Term]] = {
    "n_probe": Term(
        "Words of the letter that its probe gets right, of those that were judged: what the absorption rate is a "
        "share of.",
        "words",
        f"{ABSORPTION}; absorption rate",
    ),
    "n_candidates": Term(
        "Of the words that the probe gets right, those on which the main latents are silent and the sparse probe on "
        "them says no: on these another latent may have taken over.",
        "words",
        f"{ABSORPTION}; absorption rate",
    ),
    "n_sampled": Term(
        "Missed words whose effects were measured. Where there are more missed words than were asked for, the "
        "absorbed among the judged stand for all.",
        "words",
        f"{ABSORPTION}; absorption rate",
    ),
    "n_absorbed": Term(
        "Judged words on which one latent took over: removing it hurts the right answer by at least the lead more "
        "than removing any other, and its decoder row points along the probe.",
        "words",
        f"{ABSORPTION}; absorption rate",
    ),
    "n_full": Term(
        "Words on which the main latents are silent and one other latent, aligned with the probe, carries 40% or "
        "more of the word's projection on it.",
        "words",
        f"{SAEBENCH}; absorption",
    ),
    "full_rate": Term(
        "Share of the words that the probe gets right that are fully absorbed by projection.",
        "share",
        f"{SAEBENCH}; absorption",
        range="0 to 1",
    ),
    "mean_fraction": Term(
        "Mean absorption fraction of the words that the probe gets right: how much of what the main latents should "
        "carry of the probe's direction others carry. It counts words on which the main latents fire too weakly, too.",
        "share",
        f"{SAEBENCH}; absorption",
        range="0 to 1",
    ),
    "fraction": Term(
        "Absorption fraction of the word. The word's projection on the probe less that of its main latents is what "
        "they leave over; the fraction is what up to three other aligned latents carry of that, over that and what "
        "the main latents carry. 0 where the others carry less than 40% of the whole.",
        "share",
        f"{SAEBENCH}; absorption",
        range="0 to 1",
    ),
    "main_activation": Term(
        "Activation of the letter's main latents on this word, added up. 0.00: all of them are silent.",
        "model units",
        f"{ABSORPTION}; absorption",
    ),
    "main_share": Term(
        "Share of the word's projection on the probe that the main latents carry.", "share", f"{SAEBENCH}; absorption"
    ),
    "other_share": Term(
        "Share of the word's projection on the probe that the three largest other latents carry, of those whose "
        "cosine with the probe is 0.1 or more.",
        "share",
        f"{SAEBENCH}; absorption",
    ),
    "absorber": Term(
        "The latent that took the word over, if any did: by effects the one whose removal hurts the right answer "
        "most, by projection the one that carries most of the probe's direction.",
        "",
        f"{ABSORPTION}; absorption",
        range="0 to width − 1",
    ),
    "absorber_activation": Term("How strongly the latent that took the word over fires here.", "model units"),
    "effect": Term(
        "What removing the latent at the word does to the answer: the change of the logit of the right letter less "
        "the mean of the 25 others, estimated by integrated gradients over a few steps, or exact where the study ran "
        "the model again. Below 0 the latent is needed for the right answer.",
        "logits",
        f"{ABSORPTION}; integrated gradients",
    ),
    "second_effect": Term(
        "Effect of the latent whose removal hurts second most; 0 where only one latent fires.",
        "logits",
        f"{ABSORPTION}; absorption rate",
    ),
    "lead_over_second": Term(
        "How much more the removal of the first latent hurts than that of the second: −first − max(0, −second). A "
        "word is absorbed from a lead of 1 on, unless another threshold is set.",
        "logits",
        f"{ABSORPTION}; absorption rate",
    ),
    "exact_effect": Term(
        "The same change measured: the model is run again with the latent's contribution taken out at the word. A "
        "silent latent has nothing to take out: 0. A dash: not run; a does it.",
        "logits",
        f"{ABSORPTION}; ablation",
    ),
    "rival_lead": Term(
        "The model's logit of the right letter minus that of the best other letter, its rival: below 0 the rival is "
        "the answer. The margin is against the mean of the 25 others instead, so it may be above 0 where the answer is "
        "wrong.",
        "logits",
        f"{ABSORPTION}; ablation",
    ),
    "answer_without": Term(
        "The letter that the model names when it is run again without the latent, of the 26 there are.",
        source=f"{ABSORPTION}; ablation",
    ),
    "absorber_cosine": Term(
        "Cosine of the latent's decoder row with the direction of the letter's probe. A word is absorbed only where it "
        "is 0.025 or more, unless another threshold is set.",
        "",
        f"{ABSORPTION}; absorption rate",
        range="−1 to 1",
    ),
    "projection": Term(
        "What the latent carries of the letter: its activation times its decoder row, on the probe's unit direction.",
        "model units",
        f"{SAEBENCH}; absorption",
    ),
    "share": Term("The latent's projection over the word's own projection on the probe.", "share"),
    "place": Term(
        "Place of the latent in the letter's k-sparse ranking; the first few are the main latents.",
        source=f"{ABSORPTION} §4–5; k-sparse probing",
    ),
    "frequency": Term("How often the token stands in the corpus.", "tokens"),
    "occurrence": Term(
        "The token in its text, with up to eight tokens to either side. On screen 3 they are orange where the "
        "absorbing latent fires, and blue where main latents do.",
    ),
    "context": Term(
        "Number of the text in the token set.",
        "",
        range="from 0",
    ),
    "map_cell": Term(
        "Absorption of the letter in the SAE: the rate by effects, or the mean fraction by projection.",
        "percent",
        f"{ABSORPTION}, {SAEBENCH}",
    ),
    "tau": Term(
        "F1 that the next latent of the ranking must add to the ones before it to be a main latent, or else the walk "
        "down the ranking stops; the paper's 0.03.",
        "share",
        f"{ABSORPTION} §4–5; k-sparse probing",
    ),
    "lead": Term(
        "Logits by which the first effect must lead the second in an absorbed word; the paper's 1.",
        "logits",
        f"{ABSORPTION}; absorption rate",
    ),
    "min_cosine": Term(
        "Least cosine of the absorber's decoder row with the probe direction; the paper's 0.025.",
        "",
        f"{ABSORPTION}; absorption rate",
        range="−1 to 1",
    ),
}
