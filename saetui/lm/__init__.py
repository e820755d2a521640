"""Language models, corpora, and the harvest of activations.

TransformerLens is imported when the first model is loaded, not before.
"""

from saetui.lm.corpus import Corpus, load_corpus
from saetui.lm.exceptions import CorpusError, HookPointError, ModelError, NoLogitLensError
from saetui.lm.harvesting import HarvestBatch, harvest
from saetui.lm.language_model import LanguageModel
from saetui.lm.loading import load_model
from saetui.lm.logit_lens import LogitLens, logit_lens
from saetui.lm.sites import Site
from saetui.lm.stdlib_text import Document
from saetui.lm.tokens import TokenizedCorpus, tokenize

__all__ = [
    "Corpus",
    "CorpusError",
    "Document",
    "HarvestBatch",
    "HookPointError",
    "LanguageModel",
    "LogitLens",
    "ModelError",
    "NoLogitLensError",
    "Site",
    "TokenizedCorpus",
    "harvest",
    "load_corpus",
    "load_model",
    "logit_lens",
    "tokenize",
]
