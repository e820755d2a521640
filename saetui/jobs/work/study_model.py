"""The language model of a study: in the number format in which the activations of its SAEs were read in training."""

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.sources_state import ALL
from saetui.jobs.work.saes import named_sae
from saetui.jobs.work.shelf import SavedSAE, read_shelf
from saetui.jobs.work.sources import warm_model
from saetui.lm import LanguageModel
from saetui.lm.checkpoint import checkpoint_id, find_checkpoint, weight_files

# Of SAEs that do not say, as those of other programs, and where there are none; training has the same default.
_DEFAULT = "float32"


def study_model(
    context: TaskContext, source: str, names: tuple[str, ...], hook_names: tuple[str, ...], *, field: str = "saes"
) -> LanguageModel:
    """The model of a spec, whose SAEs are ``names``; "*" names all that were trained on it, at the hook points given.

    On every device it is the same format, so that training and all studies see the same activations, and share a copy.

    Raises:
        JobError: the store has no such SAE, or the SAEs were trained on activations in different formats.
        ModelError: the model cannot be had.
    """
    saved = _meant(context, source, names, hook_names, field)
    formats = {sae.number_format or _DEFAULT: sae.name for sae in saved} or {_DEFAULT: ""}
    if len(formats) > 1:
        said = " and ".join(f"{name!r} on activations in {number_format}" for number_format, name in formats.items())
        raise JobError(f"{field}: {said} cannot be studied at once; name those of one format")
    (number_format,) = formats
    model = warm_model(context, source, number_format)
    if number_format != _DEFAULT:
        context.log(f"the language model runs in {number_format}, as in the training of the SAEs")
    return model


def _meant(
    context: TaskContext, source: str, names: tuple[str, ...], hook_names: tuple[str, ...], field: str
) -> list[SavedSAE]:
    shelf = read_shelf(context.store_root)
    saved = [named_sae(context, name, shelf, field) for name in names if name != ALL]
    if ALL in names:
        folder = find_checkpoint(source)
        model_id = checkpoint_id(folder, weight_files(folder))
        of_model = [sae for sae in shelf.sound if sae.model_id in (None, model_id)]
        saved += [sae for sae in of_model if not hook_names or sae.hook_name in (None, *hook_names)]
    return saved
