"""The first-letter study: words, prompts, probes, and how well latents stand for letters (2409.14507)."""

from saetui.letters.ablation import Ablations, exact_ablations
from saetui.letters.absorption import (
    AbsorptionRule,
    LetterRate,
    PaperVerdict,
    absorption_candidates,
    draw_order,
    mean_rate,
    paper_verdicts,
    sample_words,
)
from saetui.letters.attribution import latent_attribution
from saetui.letters.effects import WordEffects, word_effects
from saetui.letters.encoding import EncodedPrompts, Encoding, LettersError, answer_token_ids, encode_prompts
from saetui.letters.judged_words import JudgedWords, judged_words
from saetui.letters.latents import LetterLatent, SparseLatents, f1_scores, letter_latents
from saetui.letters.metrics import LetterMetrics, letter_metrics
from saetui.letters.probes import LetterProbes, ProbeSettings, probe_metrics, train_probes, usable_letters
from saetui.letters.projection import (
    ProjectionRule,
    ProjectionScores,
    ProjectionVerdict,
    projection_scores,
    projection_verdicts,
)
from saetui.letters.prompts import Prompt, first_letter_prompt, first_letter_prompts
from saetui.letters.readings import WordReadings, letter_indices, letter_margins, read_words
from saetui.letters.sparse_probes import SparseProbe, sparse_probes
from saetui.letters.split import Split, split_words
from saetui.letters.splitting import SPLIT_F1, main_latents, n_main
from saetui.letters.study import (
    AbsorptionSettings,
    LatentSettings,
    SAEAbsorption,
    SAELetters,
    SiteStudy,
    WordAblations,
    study_absorption,
    study_letters,
    study_site,
)
from saetui.letters.toy import delta_cost, delta_sae
from saetui.letters.toy_training import ToySAE, train_toys
from saetui.letters.vocabulary import LETTERS, Word, first_letter_words, words_per_letter
from saetui.letters.word_latents import NothingFiresError, WordLatents
from saetui.letters.words import KeptTensors, LetterSite, LetterWords, WordSettings

__all__ = [
    "LETTERS",
    "SPLIT_F1",
    "Ablations",
    "AbsorptionRule",
    "AbsorptionSettings",
    "EncodedPrompts",
    "Encoding",
    "JudgedWords",
    "KeptTensors",
    "LatentSettings",
    "LetterLatent",
    "LetterMetrics",
    "LetterProbes",
    "LetterRate",
    "LetterSite",
    "LetterWords",
    "LettersError",
    "NothingFiresError",
    "PaperVerdict",
    "ProbeSettings",
    "ProjectionRule",
    "ProjectionScores",
    "ProjectionVerdict",
    "Prompt",
    "SAEAbsorption",
    "SAELetters",
    "SiteStudy",
    "SparseLatents",
    "SparseProbe",
    "Split",
    "ToySAE",
    "Word",
    "WordAblations",
    "WordEffects",
    "WordLatents",
    "WordReadings",
    "WordSettings",
    "absorption_candidates",
    "answer_token_ids",
    "delta_cost",
    "delta_sae",
    "draw_order",
    "encode_prompts",
    "exact_ablations",
    "f1_scores",
    "first_letter_prompt",
    "first_letter_prompts",
    "first_letter_words",
    "judged_words",
    "latent_attribution",
    "letter_indices",
    "letter_latents",
    "letter_margins",
    "letter_metrics",
    "main_latents",
    "mean_rate",
    "n_main",
    "paper_verdicts",
    "probe_metrics",
    "projection_scores",
    "projection_verdicts",
    "read_words",
    "sample_words",
    "sparse_probes",
    "split_words",
    "study_absorption",
    "study_letters",
    "study_site",
    "train_probes",
    "train_toys",
    "usable_letters",
    "word_effects",
    "words_per_letter",
]
