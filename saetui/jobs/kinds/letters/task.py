"""The letters job: probes for the 26 letters at a hook point, and how well each SAE's latents stand for them."""

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.letters.rows import spool_letters, spool_site
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.jobs.work.saes import find_saes
from saetui.jobs.work.spec_settings import settings_of
from saetui.jobs.work.study_model import study_model
from saetui.jobs.work.words import read_warm_words, warm_site
from saetui.letters import LatentSettings, NothingFiresError, SiteStudy


def run(spec: LettersSpec, context: TaskContext) -> None:
    """Probes and words once, then every SAE; the rows of one SAE are independent of the others'."""
    context.plan({"load": 6, "read": 22, "probes": 4, "latents": 8})
    model = study_model(context, spec.model, spec.saes, (spec.hook_name,))
    saes = find_saes(context, spec.saes, model, spec.hook_name)
    words = read_warm_words(spec, context, model, [spec.hook_name])
    study = SiteStudy(words, warm_site(context, words, spec.hook_name))
    spool_site(context.spool, study)
    silent: list[NothingFiresError] = []
    for done, (sae_id, sae) in enumerate(saes.items()):
        context.progress("latents", done, len(saes), "SAEs")
        try:
            found = study.letters(sae, settings_of(spec, LatentSettings))
        except NothingFiresError as error:
            context.note(f"{error} It is left out")
            silent.append(error)
            continue
        spool_letters(context.spool, study, sae_id, found)
        # The rows of one SAE are whole, whatever becomes of the next one.
        context.spool.flush()
    context.progress("latents", len(saes), len(saes), "SAEs")
    if len(silent) == len(saes):
        raise silent[0]
