"""The SAEs whose folders are in a store, sound or not: a damaged one is listed with its name and the reason."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from saetui.jobs.sources_state import SAE_FOLDER
from saetui.lm import LanguageModel
from saetui.recipes import TrainedBy
from saetui.sae import SAEError
from saetui.sae.config import read_config
from saetui.sae.formats.saelens import CONFIG, WEIGHTS, WORKBENCH, read_workbench
from saetui.sae.placing import sweep
from store.exceptions import StoreUnreadable
from store.plain import check_plain, is_plain_folder
from store.tables import columns_of

_FILES = (CONFIG, WEIGHTS, WORKBENCH)
_TEXTS = ("sae_id", "model_id", "hook_name", "name", "architecture", "source", "path", "added")
_COUNTS = ("d_in", "width", "tokens_trained", "seed")
_MEASURED = ("k", "l0", "fvu", "dead_fraction", "ce_recovered", "n_evaluated")


@dataclass(frozen=True)
class SavedSAE:
    """An SAE whose folder is in the store, and where its files say that it belongs."""

    sae_id: str
    name: str
    hook_name: str | None
    model_id: str | None
    number_format: str | None = None
    """Of the language model whose activations it was trained on; None where its files do not say."""
    named: bool = False
    """The spec names it itself, so that a study must not leave it out."""

    def fits(self, model: LanguageModel) -> bool:
        """Whether it may be of this model: its files do not name another."""
        return self.model_id in (None, model.model_id)


@dataclass(frozen=True)
class DamagedSAE:
    """A folder that should hold an SAE, and why it cannot be used."""

    sae_id: str
    name: str | None
    reason: str

    def __str__(self) -> str:
        return f"{self.name or self.sae_id} is left out: {self.reason}"


@dataclass(frozen=True)
class Shelf:
    """All SAE folders of a store, by id."""

    sound: list[SavedSAE]
    damaged: list[DamagedSAE]


def sae_path(sae_id: str) -> Path:
    """An SAE's folder, relative to the store."""
    return SAE_FOLDER / sae_id


def read_shelf(store_root: Path) -> Shelf:
    """Look at every SAE folder of a store; what killed processes have left is swept.

    Raises:
        StoreUnreadable: the folder of all SAEs is reached through a link.
    """
    root = store_root / SAE_FOLDER
    check_plain(store_root, root)
    sweep(root)
    sound: list[SavedSAE] = []
    damaged: list[DamagedSAE] = []
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if not _is_id(path.name) or not _holds_sae(path):
            continue
        name = None
        try:
            _check_links(store_root, path)
            # The name first, so that the folder is listed under it whatever else is wrong.
            workbench = read_workbench(path)
            name = _text(path / WORKBENCH, "name", workbench.get("name"))
            row = _row(path, workbench)
            model_id = _text(path / WORKBENCH, "row.model_id", row.get("model_id"))
            recipe = TrainedBy.read(_text(path / WORKBENCH, "row.recipe", row.get("recipe")))
            hook_name = read_config(path / CONFIG).metadata.get("hook_name")
            number_format = recipe.dtype if recipe is not None else None
            sound.append(SavedSAE(path.name, name or path.name, hook_name, model_id, number_format))
        except (SAEError, StoreUnreadable) as error:
            damaged.append(DamagedSAE(path.name, name, str(error)))
    return Shelf(sound, damaged)


def sae_row(store_root: Path, sae_id: str) -> dict[str, Any]:
    """The store's row of an SAE that was trained here, every field checked.

    Raises:
        SAEError: the row in its workbench.json is missing or damaged.
    """
    folder = store_root / sae_path(sae_id)
    path = folder / WORKBENCH
    row = dict(_row(folder, read_workbench(folder)))
    if unknown := sorted(set(row) - set(columns_of("sae").names)):
        raise SAEError(f"{path}: row.{unknown[0]} is unknown; train the SAE again")
    for field in _TEXTS:
        if not isinstance(row.get(field), str):
            raise SAEError(f"{path}: row.{field} must be text; train the SAE again")
    for field in (*_COUNTS, *_MEASURED):
        value = row.get(field)
        wanted = int if field in (*_COUNTS, "n_evaluated") else (int, float)
        if value is None and field in _MEASURED:
            continue
        if not isinstance(value, wanted) or isinstance(value, bool) or not 0 <= value < 2**63:
            raise SAEError(f"{path}: row.{field} must be a number; train the SAE again")
    # SAEs that were trained before it was kept lack it.
    if not isinstance(row.get("recipe"), str | None):
        raise SAEError(f"{path}: row.recipe must be text; train the SAE again")
    if row["sae_id"] != sae_id:
        raise SAEError(f"{path}: row.sae_id is that of another SAE, {row['sae_id']}; train the SAE again")
    try:
        row["added"] = datetime.fromisoformat(row["added"])
    except ValueError as error:
        raise SAEError(f"{path}: row.added is no time ({error}); train the SAE again") from error
    return row


def _row(folder: Path, workbench: dict[str, Any]) -> dict[str, Any]:
    row = workbench.get("row", {})
    if not isinstance(row, dict):
        raise SAEError(f"{folder / WORKBENCH}: row must be an object; train the SAE again")
    return row


def _text(path: Path, field: str, value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise SAEError(f"{path}: {field} must be text, not {json.dumps(value)[:60]}; correct it or train the SAE again")


def _is_id(name: str) -> bool:
    """Whether a folder of this name can be an SAE: hidden ones and names that cannot be shown do not count."""
    return not name.startswith(".") and name.isprintable()


def _holds_sae(path: Path) -> bool:
    """Whether any file of an SAE is there; a link in the place of its folder counts, for it is to be named."""
    if path.is_symlink():
        return True
    return is_plain_folder(path) and any((path / name).exists() or (path / name).is_symlink() for name in _FILES)


def _check_links(store_root: Path, folder: Path) -> None:
    for name in _FILES:
        check_plain(store_root, folder / name)
