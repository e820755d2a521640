"""The SAEs of a train job that an earlier run has saved."""

from saetui.jobs.context import TaskContext
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.train.trained_saes import WantedSAE, is_measured
from saetui.jobs.work.shelf import Shelf, sae_path
from saetui.sae import SAE, SAEError, load_sae
from saetui.sae.formats.saelens import refuse_foreign


def saved_saes(context: TaskContext, wanted: list[WantedSAE], shelf: Shelf) -> dict[str, SAE | None]:
    """The wanted SAEs that are in the store's folder and sound, by id; loaded where they have no figures yet.

    A damaged one is trained again, with a message.

    Raises:
        JobError: another SAE has the name of a wanted one.
        SAEError: the folder of a wanted one holds other things.
    """
    ids = {sae.sae_id for sae in wanted}
    for sae in wanted:
        taken = [other.sae_id for other in shelf.sound if other.name == sae.name and other.sae_id != sae.sae_id]
        if taken:
            raise JobError(f"recipes: the store has another SAE called {sae.name!r} ({taken[0]}); give this one a name")
    reasons = {damaged.sae_id: damaged.reason for damaged in shelf.damaged if damaged.sae_id in ids}
    saved: dict[str, SAE | None] = {}
    for sound in shelf.sound:
        if sound.sae_id not in ids:
            continue
        try:
            loaded = load_sae(context.store_root / sae_path(sound.sae_id), context.device)
            saved[sound.sae_id] = None if is_measured(context, sound.sae_id) else loaded
        except SAEError as error:
            reasons[sound.sae_id] = str(error)
    for sae in wanted:
        if sae.sae_id in reasons:
            context.note(f"{sae.name} is trained again, since its folder is damaged: {reasons[sae.sae_id]}")
        if sae.sae_id not in saved:
            # Before the training, which would be lost where its result cannot be put into its place.
            refuse_foreign(context.store_root / sae_path(sae.sae_id), over_damaged=True)
    return saved
