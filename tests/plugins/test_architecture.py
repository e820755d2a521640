"""An architecture is added by another package: it trains, is saved and loaded, and nothing in saetui is touched."""

from pathlib import Path

import pytest
import torch

from saetui.jobs import JobClient, parse_spec
from saetui.plugins import architecture_names
from saetui.sae import SAEError, TrainingRecipe, load_sae, save_sae, train_saes
from store import Store
from tests.jobs.harness import end_workers, ended

from .conftest import Install

D, N = 8, 64


def stream(steps: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(N, D, generator=generator) for _ in range(steps)]


def test_it_trains_and_is_saved_and_loaded(install: Install, tmp_path: Path) -> None:
    install("saetui.architectures", "toy_absolute", "toy_architecture")
    assert "toy_absolute" in architecture_names()
    recipe = TrainingRecipe(architecture="toy_absolute", width=32, steps=300, lr=3e-3)
    (trained,) = train_saes(stream(300), [recipe], report_every=10)
    assert trained.log[-1].fvu < trained.log[0].fvu / 2
    save_sae(trained.sae, tmp_path / "sae")
    loaded = load_sae(tmp_path / "sae")
    assert (type(loaded).__name__, loaded.architecture) == ("ToyAbsoluteSAE", "toy_absolute")
    x = stream(1)[0]
    torch.testing.assert_close(loaded.encode(x), trained.sae.encode(x))
    assert (loaded.encode(x) >= 0).all()


@pytest.mark.slow
def test_a_worker_trains_it(install: Install, tmp_path: Path) -> None:
    """The worker is another process, which finds the package by itself."""
    install("saetui.architectures", "toy_absolute", "toy_architecture")
    root = tmp_path / "store"
    Store.open(root, create=True).close()
    spec = {
        "kind": "train",
        "hook_name": "blocks.1.hook_resid_post",
        "recipes": [{"architecture": "toy_absolute", "width": 32, "settings": {"shrink": 0.01}}],
        "tokens": 2048,
        "max_tokens": 2048,
        "batch_size": 256,
    }
    client = JobClient(root, idle_s=30, grace_s=0.5)
    try:
        job = ended(client, client.submit(parse_spec(spec)), timeout_s=120)
        assert (job.state, job.message) == ("done", None)
    finally:
        end_workers(root)
    with Store.open(root) as store:
        store.commit_spool()
        (row,) = store.fetch("SELECT name, architecture, path FROM sae").dicts()
    assert (row["name"], row["architecture"]) == ("toy_absolute-w32", "toy_absolute")
    assert type(load_sae(root / row["path"])).__name__ == "ToyAbsoluteSAE"


def test_what_it_cannot_be_told_is_named(install: Install) -> None:
    install("saetui.architectures", "toy_absolute", "toy_architecture")
    with pytest.raises(SAEError, match=r"toy_absolute has no setting 'shrunk'; it has: shrink"):
        TrainingRecipe(architecture="toy_absolute", width=4, steps=1, settings={"shrunk": 1.0})


def test_without_its_package_it_is_unknown() -> None:
    with pytest.raises(SAEError, match=r"architecture 'toy_absolute' is unknown; known: .*topk"):
        TrainingRecipe(architecture="toy_absolute", width=4, steps=1)


def test_a_module_without_the_architecture_is_named(install: Install) -> None:
    install("saetui.architectures", "toy_other", "toy_architecture")
    with pytest.raises(SAEError, match="toy_architecture has no SAE whose architecture is 'toy_other'"):
        TrainingRecipe(architecture="toy_other", width=4, steps=1)
