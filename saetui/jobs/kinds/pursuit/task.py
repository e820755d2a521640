"""The pursuit job: some tokens' codes found in an SAE's own dictionary (2410.14670, pursuit)."""

import hashlib
import json

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.pursuit.linear_maps import change_map, saved_map
from saetui.jobs.kinds.pursuit.rows import code_rows, run_row
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.kinds.pursuit.tokens import read_tokens, require_same_tokens
from saetui.jobs.work.saes import saes_by_site, warm_encoders, warm_sae
from saetui.jobs.work.shelf import SavedSAE
from saetui.jobs.work.sources import warm_tokens
from saetui.jobs.work.study_model import study_model
from saetui.pursuit.exceptions import PursuitError
from saetui.pursuit.study import LinearPart, study_pursuit


def run(spec: PursuitSpec, context: TaskContext) -> None:
    """Read the tokens, pursue them, split the errors before and after; seconds where model and SAE are warm."""
    context.plan({"load": 5, "read": 2, "fit": 4, "pursue": 6})
    try:
        _run(spec, context)
    except PursuitError as error:
        raise JobError(str(error)) from error


def _run(spec: PursuitSpec, context: TaskContext) -> None:
    model = study_model(context, spec.model, (spec.sae,), (spec.hook_name,), field="sae")
    saved: SavedSAE = saes_by_site(context, (spec.sae,), model, (spec.hook_name,))[spec.hook_name][0]
    sae = warm_sae(context, model, spec.hook_name, saved)
    if spec.l0 is not None and spec.l0 > sae.d_sae:
        raise JobError(f"l0: {spec.l0} latents per token are more than the {sae.d_sae} of {saved.name}")
    corpus = warm_tokens(context, model, spec.corpus, spec.context_length, spec.max_tokens)
    require_same_tokens(spec, corpus)
    encoders = warm_encoders(context, saved.sae_id, sae)
    known = saved_map(context.store_root, saved.sae_id, spec.hook_name, corpus.corpus_id, spec.study, model.device)
    if known is None:
        context.log("no error study has looked at this SAE here, so errors are not split")
    tokens = read_tokens(spec, context, model, corpus, None if known is None else known.held_out)
    if n_excluded := int((~tokens.finite).sum()):
        context.log(f"{n_excluded} tokens left out, whose activations are not finite")
    if n_excluded == len(tokens):
        raise JobError(f"none of the {len(tokens)} tokens has a finite activation at {spec.hook_name}")
    # Before the pursuit, which is worth watching to its end.
    linear = None
    if known is not None:
        change = change_map(spec, context, model, corpus, encoders, known, saved.sae_id)
        linear = LinearPart(known.map, known.activation_mean, change)
    study_id = None if known is None else known.study_id
    pursuit_id = _pursuit_id(spec, saved.sae_id, study_id)
    found = study_pursuit(
        encoders,
        tokens,
        method=spec.method,
        l0=spec.l0,
        linear=linear,
        progress=lambda done, total, curve: context.progress(
            "pursue", done, total, "steps", pursuit=pursuit_id, **curve
        ),
    )
    if n_capped := int(found.codes.capped.sum()):
        context.log(f"the L0 of {n_capped} tokens was cut to {found.residuals.shape[1] - 1}")
    row = run_row(spec, pursuit_id, saved.sae_id, corpus.corpus_id, study_id, tokens, found)
    context.spool.add("pursuit_run", [row])
    context.spool.add("pursuit_code", code_rows(pursuit_id, tokens, found))


def _pursuit_id(spec: PursuitSpec, sae_id: str, study_id: str | None) -> str:
    """The same for the same tokens, settings and linear map: a run that is repeated replaces itself."""
    settings = [spec.model_dump(mode="json", exclude={"store", "batch_size", "chosen"}), sae_id, study_id]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
