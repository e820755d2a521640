"""The ablation job: one word's prompt, again without each of the latents that fire at the word."""

import torch

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.ablation.spec import AblationSpec
from saetui.jobs.kinds.absorption.rows import ablation_rows
from saetui.jobs.work.saes import saes_by_site, warm_sae
from saetui.jobs.work.shelf import SavedSAE
from saetui.jobs.work.study_model import study_model
from saetui.jobs.work.words import warm_words
from saetui.letters import exact_ablations


def run(spec: AblationSpec, context: TaskContext) -> None:
    """A fraction of a second where the model and the words are warm."""
    context.plan({"load": 5, "remove": 1})
    model = study_model(context, spec.model, (spec.sae,), (spec.hook_name,), field="sae")
    saved: SavedSAE = saes_by_site(context, (spec.sae,), model, (spec.hook_name,))[spec.hook_name][0]
    sae = warm_sae(context, model, spec.hook_name, saved)
    words = warm_words(spec, context, model)
    row = words.rows_of.get(spec.word)
    if row is None:
        raise JobError(
            f"word: {spec.word!r} is not one of the {len(words.words)} words of the first-letter task on {model.name}; "
            "write it with its leading space, if it has one"
        )
    context.progress("remove", 0, None, "latents")
    for _, tokens, position in words.prompts_of(torch.tensor([row])):
        found = exact_ablations(model, sae, spec.hook_name, tokens, words.letters[row : row + 1], position=position)
    token_id = words.words[row].token_id
    context.spool.add("ablation", ablation_rows(found, saved.sae_id, words.probe_id(spec.hook_name), [token_id]))
    context.progress("remove", len(found.latents), len(found.latents), "latents")
