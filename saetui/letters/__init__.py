"""The first-letter study: words, prompts, probes, and how well latents stand for letters (2409.14507)."""

from saetui.letters.activations import Answers, letter_indices, model_answers, word_activations
from saetui.letters.encoding import EncodedPrompts, Encoding, LettersError, answer_token_ids, encode_prompts
from saetui.letters.latents import LetterLatent, SparseLatents, f1_scores, letter_latents
from saetui.letters.metrics import LetterMetrics, letter_metrics
from saetui.letters.probes import LetterProbes, ProbeSettings, probe_metrics, train_probes, usable_letters
from saetui.letters.prompts import Prompt, first_letter_prompt, first_letter_prompts
from saetui.letters.split import Split, split_words
from saetui.letters.vocabulary import LETTERS, Word, first_letter_words, words_per_letter

__all__ = [
    "LETTERS",
    "Answers",
    "EncodedPrompts",
    "Encoding",
    "LetterLatent",
    "LetterMetrics",
    "LetterProbes",
    "LettersError",
    "ProbeSettings",
    "Prompt",
    "SparseLatents",
    "Split",
    "Word",
    "answer_token_ids",
    "encode_prompts",
    "f1_scores",
    "first_letter_prompt",
    "first_letter_prompts",
    "first_letter_words",
    "letter_indices",
    "letter_latents",
    "letter_metrics",
    "model_answers",
    "probe_metrics",
    "split_words",
    "train_probes",
    "usable_letters",
    "word_activations",
    "words_per_letter",
]
