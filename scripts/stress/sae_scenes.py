"""Plays of SAEs for ``kill.py``: trained by the real task, and saved."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from job_scenes import BrokenError, asked, client_of, made, nobody_left, settle

from saetui.jobs.submission import Submittable

if TYPE_CHECKING:
    from saetui.sae import SAE


def train_spec(root: Path) -> Submittable:
    from saetui.jobs import parse_spec

    return parse_spec(
        {
            "kind": "train",
            "corpus": str(root.parent / "corpus.txt"),
            "hook_name": "blocks.1.hook_resid_post",
            "recipes": [{"width": 48, "k": 4}, {"width": 64, "k": 4}],
            "tokens": 1024,
            "batch_size": 256,
            "context_length": 32,
            "max_tokens": 1024,
        }
    )


def before_train(root: Path) -> None:
    made(root)
    (root.parent / "corpus.txt").write_text("the cat sat on the short mat and the self said so\n" * 200)


def play_train(root: Path) -> None:
    """Two SAEs trained in one job, saved and measured."""
    client = client_of(root)
    client.submit(train_spec(root))
    settle(client, ("train",), of=lambda job: job.kind)
    client.release_workers()


def recover_train(root: Path) -> None:
    whole = _weights(root)
    play_train(root)
    nobody_left(root, client_of(root))
    after = _weights(root)
    if not whole.items() <= after.items():
        raise BrokenError("lost", "an SAE that was saved is gone or another one")
    rows = asked(root, _ask_saes)
    if sorted(str(name) for _, name in rows) != ["w48-k4", "w64-k4"]:
        raise BrokenError("lost", f"the store's SAEs are {rows}")
    if set(after) != {str(sae) for sae, _ in rows}:
        raise BrokenError("wrong", f"the SAE folders are {sorted(after)}, the rows {rows}")
    if left := [path.name for path in (root / "tensors" / "sae").iterdir() if path.name not in after]:
        raise BrokenError("left over", f"tensors/sae has {left}")


def _ask_saes(root: Path) -> list[tuple[object, ...]]:
    from store import Store

    with Store.open(root) as store:
        report = store.commit_spool()
        if report.rejected:
            raise BrokenError("lost", f"a result was rejected: {report.rejected[0].reason}")
        return store.fetch("SELECT sae_id, name FROM sae").rows


def _shelved(root: Path) -> list[Any]:
    """The SAEs that count; none of them may be damaged."""
    from saetui.jobs.work.shelf import read_shelf

    shelf = read_shelf(root)
    if shelf.damaged:
        raise BrokenError("wrong", f"what counts as an SAE, and is damaged: {shelf.damaged[0]}")
    return shelf.sound


def _weights(root: Path) -> dict[str, bytes]:
    """The weights of the SAEs that count, by id."""
    import hashlib

    from saetui.sae import load_sae

    found = {}
    for saved in _shelved(root):
        folder = root / "tensors" / "sae" / saved.sae_id
        load_sae(folder)
        found[saved.sae_id] = hashlib.sha256((folder / "sae_weights.safetensors").read_bytes()).digest()
    return found


# Saving alone


def made_sae(seed: int) -> "SAE":
    import torch

    from saetui.sae.architectures.topk import TopKSAE

    draw = torch.Generator().manual_seed(seed)
    shapes = {"W_enc": (8, 16), "W_dec": (16, 8), "b_dec": (8,), "b_enc": (16,)}
    weights: dict[str, Any] = {name: torch.randn(shape, generator=draw) for name, shape in shapes.items()}
    return TopKSAE(**weights, latents_kept=2, metadata={"hook_name": "h"}, workbench={"name": f"sae {seed}"})


def before_save(root: Path) -> None:
    from saetui.sae import save_sae

    made(root)
    save_sae(made_sae(1), root / "tensors" / "sae" / "old")


def play_save(root: Path) -> None:
    """A new SAE is saved, and then one in the place of another."""
    from saetui.sae import save_sae

    save_sae(made_sae(2), root / "tensors" / "sae" / "new")
    save_sae(made_sae(3), root / "tensors" / "sae" / "old")


def recover_save(root: Path) -> None:
    from saetui.sae import load_sae
    from saetui.sae.exceptions import SAEError

    try:
        found = {saved.sae_id: saved.name for saved in _shelved(root)}
        for sae_id in found:
            load_sae(root / "tensors" / "sae" / sae_id)
    except SAEError as error:
        raise BrokenError("wrong", f"an SAE cannot be read: {error}") from error
    if not set(found) <= {"old", "new"}:
        raise BrokenError("wrong", f"what counts as an SAE: {found}")
    if found.get("old") not in ("sae 1", "sae 3"):
        raise BrokenError("lost", f"neither the old SAE nor the new one is there: {found}")
    play_save(root)
    if {saved.sae_id: saved.name for saved in _shelved(root)} != {"old": "sae 3", "new": "sae 2"}:
        raise BrokenError("wrong", "saving again does not give both SAEs")
    if left := sorted(path.name for path in (root / "tensors" / "sae").iterdir() if path.name not in ("old", "new")):
        raise BrokenError("left over", f"tensors/sae has {left} after both were saved again")
