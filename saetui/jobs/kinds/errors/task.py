"""The errors job: what the SAEs of a hook point leave out of one token set (2410.14670)."""

import hashlib
import json
from functools import partial
from pathlib import Path

from saetui.dark_matter.settings import ErrorSettings
from saetui.dark_matter.study import ErrorFindings, ErrorStudy
from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.errors.rows import spool_findings
from saetui.jobs.kinds.errors.spec import ErrorsSpec
from saetui.jobs.work.corpus_rows import spool_corpus, spool_model
from saetui.jobs.work.saes import find_earlier_saes, find_saes, warm_encoders
from saetui.jobs.work.sources import warm_tokens
from saetui.jobs.work.spec_settings import settings_of
from saetui.jobs.work.study_model import study_model
from saetui.jobs.work.tensor_files import save_tensors
from saetui.lm import LanguageModel, TokenizedCorpus

FOLDER = Path("tensors", "errors")
_WEIGHTS = {"components": 60.0, "earlier": 40.0, "introduced": 20.0}


def run(spec: ErrorsSpec, context: TaskContext) -> None:
    """One reading of the tokens for all SAEs; then what the errors cost, and what a better encoder would leave."""
    context.plan({"load": 6, "read": 40, "losses": 20, "parts": 15, "pursuit": 10} | _asked_phases(spec))
    model = study_model(context, spec.model, spec.saes, (spec.hook_name,))
    saes = find_saes(context, spec.saes, model, spec.hook_name)
    earlier = find_earlier_saes(context, spec.earlier_saes, model, spec.hook_name)
    corpus = warm_tokens(context, model, spec.corpus, spec.context_length, spec.max_tokens)
    study = ErrorStudy(
        model,
        saes,
        corpus,
        spec.hook_name,
        settings_of(spec, ErrorSettings),
        earlier=earlier,
        encoders=partial(warm_encoders, context),
        progress=lambda phase, unit, done, total: context.progress(phase, done, total, unit),
        check=context.check,
        log=context.log,
    )
    try:
        found = study.decompose()
    except ValueError as error:
        raise JobError(f"errors at {spec.hook_name}: {error}") from error
    study.finish(found)
    study_id = _study_id(spec, model, corpus, list(study.saes), list(earlier))
    spool_model(context, model)
    spool_corpus(context, model, corpus)
    spool_findings(context.spool, study_id, spec, model, corpus, study.saes, found)
    # Last, so that no map is left of a study that has no rows.
    _save_maps(spec, context, corpus, study_id, found)
    context.spool.flush()


def _save_maps(
    spec: ErrorsSpec, context: TaskContext, corpus: TokenizedCorpus, study_id: str, found: ErrorFindings
) -> None:
    """The linear maps, so that later jobs can split errors in the same way."""
    tensors = {"held_out_contexts": found.split.test.contiguous()}
    for sae_id, fit in found.fits.items():
        tensors[f"{sae_id}.weight"] = fit.map.weight.cpu().contiguous()
        tensors[f"{sae_id}.intercept"] = fit.map.intercept.cpu().contiguous()
        tensors["activation_mean"] = fit.activation_mean.cpu().contiguous()
    path = context.store_root / FOLDER / f"{study_id}.safetensors"
    save_tensors(context, path, tensors, {"hook_name": spec.hook_name, "corpus_id": corpus.corpus_id})


def _asked_phases(spec: ErrorsSpec) -> dict[str, float]:
    """The phases of what is measured only on request."""
    asked = {"components": spec.component_steps, "earlier": spec.earlier_saes, "introduced": spec.introduced_error}
    return {phase: _WEIGHTS[phase] for phase, wanted in asked.items() if wanted}


def _study_id(
    spec: ErrorsSpec, model: LanguageModel, corpus: TokenizedCorpus, sae_ids: list[str], earlier: list[str]
) -> str:
    settings = [
        spec.model_dump(mode="json", exclude={"saes", "earlier_saes", "store", "batch_size"} | spec.unused),
        model.model_id,
        corpus.corpus_id,
        sae_ids,
        *([earlier] if earlier else []),
    ]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
