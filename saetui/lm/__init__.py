"""Language models, corpora, and the harvest of activations.

Each name is imported when it is first asked for: what only looks at files brings no torch. TransformerLens is imported
when the first model is loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saetui.lm.corpus import Corpus as Corpus
    from saetui.lm.corpus import load_corpus as load_corpus
    from saetui.lm.exceptions import CorpusError as CorpusError
    from saetui.lm.exceptions import HookPointError as HookPointError
    from saetui.lm.exceptions import ModelError as ModelError
    from saetui.lm.exceptions import NoLogitLensError as NoLogitLensError
    from saetui.lm.harvesting import HarvestBatch as HarvestBatch
    from saetui.lm.harvesting import harvest as harvest
    from saetui.lm.language_model import LanguageModel as LanguageModel
    from saetui.lm.lens import LogitLens as LogitLens
    from saetui.lm.lens import logit_lens as logit_lens
    from saetui.lm.loading import load_model as load_model
    from saetui.lm.sites import Site as Site
    from saetui.lm.stdlib_text import Document as Document
    from saetui.lm.tokens import TokenizedCorpus as TokenizedCorpus
    from saetui.lm.tokens import tokenize as tokenize

_HOMES = {
    "Corpus": "saetui.lm.corpus",
    "CorpusError": "saetui.lm.exceptions",
    "Document": "saetui.lm.stdlib_text",
    "HarvestBatch": "saetui.lm.harvesting",
    "HookPointError": "saetui.lm.exceptions",
    "LanguageModel": "saetui.lm.language_model",
    "LogitLens": "saetui.lm.lens",
    "ModelError": "saetui.lm.exceptions",
    "NoLogitLensError": "saetui.lm.exceptions",
    "Site": "saetui.lm.sites",
    "TokenizedCorpus": "saetui.lm.tokens",
    "harvest": "saetui.lm.harvesting",
    "load_corpus": "saetui.lm.corpus",
    "load_model": "saetui.lm.loading",
    "logit_lens": "saetui.lm.lens",
    "tokenize": "saetui.lm.tokens",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'saetui.lm' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
