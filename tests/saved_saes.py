"""Folders of SAEs for stores whose rows a test has made up, so that jobs may name them."""

import json
from pathlib import Path

from store import Store

_SAES = ("tensors", "sae")


def save_folders(root: Path) -> Path:
    """Give each SAE in a store's rows a folder with its name, and no weights; returns the store's folder."""
    with Store.open(root) as store:
        for sae_id, name in store.fetch("SELECT sae_id, name FROM sae").rows:
            save_folder(root, sae_id, name)
    return root


def save_folder(root: Path, sae_id: str, name: str) -> None:
    """Give one SAE such a folder."""
    folder = root.joinpath(*_SAES, sae_id)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "workbench.json").write_text(json.dumps({"name": name}))
