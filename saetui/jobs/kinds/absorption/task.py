"""The absorption job: letters, main latents, and what takes over where the main latents are silent (2409.14507 §6)."""

from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.absorption.rows import spool_absorption
from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.jobs.kinds.absorption.studied import StudiedSAE
from saetui.jobs.kinds.letters.rows import spool_site
from saetui.jobs.work.saes import UNUSABLE, LeftOut, saes_by_site, warm_sae
from saetui.jobs.work.shelf import SavedSAE
from saetui.jobs.work.spec_settings import settings_of
from saetui.jobs.work.study_model import study_model
from saetui.jobs.work.words import read_warm_words, warm_site
from saetui.letters import AbsorptionSettings, NothingFiresError, SiteStudy
from saetui.letters.study import MIN_ACCURACY, MOVED_F1


def run(spec: AbsorptionSpec, context: TaskContext) -> None:
    """Read the prompts once for all hook points; then one SAE after another, each kept as soon as it is done."""
    context.plan({"load": 6, "read": 22, "probes": 6, "study": 30})
    model = study_model(context, spec.model, spec.saes, spec.hook_names)
    sites = saes_by_site(context, spec.saes, model, spec.hook_names)
    words = read_warm_words(spec, context, model, list(sites))
    # Of SAEs that cannot be studied: the first that the spec names itself, and the first of all.
    left_out = LeftOut(context)
    failed: Exception | None = None
    silent: list[NothingFiresError] = []
    done, total = 0, sum(len(saes) for saes in sites.values())
    studied: list[str] = []
    for hook_name, saes in sites.items():
        study = SiteStudy(words, warm_site(context, words, hook_name))
        spool_site(context.spool, study)
        for saved in saes:
            context.progress("study", done, total, "SAEs")
            try:
                with left_out.unless_named(saved):
                    mark = StudiedSAE(spec, context, study, saved)
                    if mark.is_done() and not spec.again:
                        context.log(f"{saved.name} was studied with these settings before; its rows are kept")
                    else:
                        _study_sae(spec, context, study, saved, (done, total))
                        # Rows first, then the mark: a job killed in between measures once more, and loses nothing.
                        mark.set(context.spool.flush())
                    studied.append(saved.sae_id)
            except NothingFiresError as error:
                context.note(f"{error} It is left out")
                silent.append(error)
            except UNUSABLE as error:
                context.note(f"{saved.name} cannot be studied: {error}")
                failed = failed or error
            done += 1
    context.progress("study", total, total, "SAEs")
    if failed is not None:
        raise failed
    if not studied and silent:
        raise silent[0]
    left_out.require(studied)


def _study_sae(
    spec: AbsorptionSpec, context: TaskContext, study: SiteStudy, saved: SavedSAE, turn: tuple[int, int]
) -> None:
    """One SAE at one hook point: ``turn`` is its number, and how many there are."""
    done, total = turn
    sae = warm_sae(context, study.words.model, study.site.hook_name, saved)

    def progress(measured: int, words: int) -> None:
        context.progress("study", done + measured / words, total, "SAEs")

    found = study.absorption(sae, settings_of(spec, AbsorptionSettings), progress=progress)
    if not study.can_answer:
        context.log(
            f"the model names the first letter of {study.accuracy:.0%} of the words; below {MIN_ACCURACY:.0%} effects "
            "on its answer mean nothing, so there is no absorption rate. The projection metric needs no answer"
        )
    at_word, at_last = study.mean_f1(last=False), study.mean_f1(last=True)
    if at_last > MOVED_F1:
        context.log(
            f"{study.site.hook_name}: probes at the end of the prompt know the letter as well (mean F1 {at_last:.2f}, "
            f"at the word {at_word:.2f}); removing latents at the word may come too late. Study an earlier layer"
        )
    spool_absorption(context.spool, spec, study, saved.sae_id, found, probe_f1_last=at_last)
