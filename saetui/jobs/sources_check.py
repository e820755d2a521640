"""What a job is to read, looked for when it is submitted: what is not there is refused at once, not by the worker.

Only files are looked at, and nothing is asked of the network: a name on a hub is looked for when the job runs. It
brings no science.
"""

import re
from collections.abc import Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from saetui.exceptions import SaetuiError
from saetui.jobs.exceptions import JobError
from saetui.jobs.sources_state import ALL, sae_names
from saetui.lm.checkpoint import EMBEDDED, check_checkpoint, layers_of, local_checkpoint
from saetui.lm.corpus import require_corpus
from saetui.lm.sites import EMBED, site_names, unknown_site
from saetui.lookup import meant

# Fields that name SAEs, and hook points; one name, or several.
_SAES = ("saes", "earlier_saes", "sae")
_HOOKS = ("hook_name", "hook_names")
_SPELLER = "speller"
# As many layers as a name may have where the model is not here.
_ANY_LAYERS = 1000


def check_sources(spec: Any, store_root: Path, coming: Collection[str] = ()) -> None:
    """JobError where a spec names a model, a corpus, a hook point or an SAE that is not there.

    ``coming``: names of the SAEs that jobs before it are to make.
    """
    try:
        folder = None
        config: dict[str, Any] = {}
        if "model" in spec.paths:
            field = "model"
            folder = local_checkpoint(spec.model)
            config = {} if folder is None else check_checkpoint(folder)
        if "corpus" in spec.paths:
            field = "corpus"
            require_corpus(spec.corpus)
        if "model" in spec.paths:
            for field in _HOOKS:
                for hook_name in _names(spec, field):
                    _check_hook_point(hook_name, spec.model, config)
    except SaetuiError as error:
        raise JobError(f"{field}: {error}") from error
    for field in _SAES:
        _check_saes(field, _names(spec, field), store_root, coming)


def _names(spec: Any, field: str) -> tuple[str, ...]:
    found = getattr(spec, field, ())
    return (found,) if isinstance(found, str) else tuple(found or ())


def _check_hook_point(name: str, source: str, config: dict[str, Any]) -> None:
    n_layers = layers_of(config)
    # Tokens that are embedded in fewer dimensions than the model has are at no hook point.
    without = (
        {EMBED} if config.get("word_embed_proj_dim", config.get("hidden_size")) != config.get("hidden_size") else ()
    )
    known = [each for each in site_names(n_layers or _ANY_LAYERS) if each not in without]
    if name in known:
        return
    if n_layers is None:
        kinds = [re.sub(r"\d+", "N", each) for each in site_names(1)]
        near = get_close_matches(re.sub(r"\d+", "N", name), kinds, n=1, cutoff=0.5) or kinds[-1:]
        raise JobError(f"no model has a hook point {name!r}. Nearest: {near[0]}, where N is a layer's number")
    model = _SPELLER if source == EMBEDDED else Path(source).expanduser().resolve().name
    raise unknown_site(name, known, model=model, n_layers=n_layers)


def _check_saes(field: str, names: Collection[str], store_root: Path, coming: Collection[str]) -> None:
    if not names:
        return
    saved = sae_names(store_root)
    known = [*saved.items(), *((name,) for name in coming)]
    if not known:
        raise JobError(f"{field}: the store {store_root} has no SAE yet; train one first, or import one")
    if missing := [name for name in names if name != ALL and not meant(name, known, tuple)]:
        near = get_close_matches(missing[0], {name for own in known for name in own}, n=1, cutoff=0.6)
        nearest = f"; did you mean {near[0]!r}?" if near else ""
        has = ", ".join(sorted({*saved.values(), *coming}))
        raise JobError(f"{field}: the store {store_root} has no SAE {missing[0]!r} (it has: {has}){nearest}")
