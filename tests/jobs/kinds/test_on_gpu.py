"""Every kind of job on a pretended GPU: the rows of a CPU in every table."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch

from saetui.jobs.kinds.absorbed_errors.spec import AbsorbedErrorsSpec
from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.jobs.kinds.errors.spec import ErrorsSpec
from saetui.jobs.kinds.latents.spec import LatentsSpec
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.kinds.train import training
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.jobs.specs import Spec
from saetui.letters import study
from saetui.lm import activation_stream
from saetui.lm.activation_stream import Placement
from saetui.sae import load_sae
from store import Store
from tests.made_stores import copy_of
from tests.pretended_cuda import REAL, Machine

from .conftest import HOOK, runner

# When something was made, by what, and what it cost.
NOT_COMPARED = frozenset(
    {
        "added",
        "created",
        "finished",
        "started",
        "job_id",
        "run_id",
        "study_id",
        "pursuit_id",
        "seconds",
        "products_saved",
    }
)

# Tables about commits and jobs, not about what these have found.
OF_THE_STORE = frozenset({"commit_log", "job", "written_scope", "store_state"})


def train_spec(model: Path, corpus: Path) -> TrainSpec:
    return TrainSpec(
        model=str(model),
        corpus=str(corpus),
        hook_name=HOOK,
        context_length=32,
        tokens=3200,
        batch_size=100,
        recipes=(Recipe(width=32, k=3), Recipe(width=48, k=3, dead_tokens=200)),
    )


def studies(model: Path, corpus: Path) -> list[Spec]:
    site = {"model": str(model), "hook_name": HOOK}
    on_corpus = {**site, "corpus": str(corpus), "context_length": 32}
    return [
        LettersSpec.model_validate({**site, "saes": ("w32-k3",), "examples": 3, "leading_space": True}),
        AbsorptionSpec.model_validate({"model": str(model), "words": "all", "examples": 5, "max_k": 3, "max_words": 4}),
        LatentsSpec.model_validate({**on_corpus, "saes": ("w32-k3",), "neighbours": 2}),
        ErrorsSpec.model_validate({**on_corpus, "pursuit_tokens": 60, "loss_contexts": 8, "norm_baselines": True}),
        PursuitSpec.model_validate({**on_corpus, "sae": "w48-k3", "random_tokens": 40}),
        AbsorbedErrorsSpec(hook_name=HOOK),
    ]


def tables(root: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, in an order that figures do not change."""
    found = {}
    with Store.open(root) as store:
        names = store.fetch("SELECT table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE'").rows
        for (name,) in names:
            if name in OF_THE_STORE:
                continue
            rows = store.fetch(f'FROM "{name}"').dicts()
            kept = [{key: value for key, value in row.items() if key not in NOT_COMPARED} for row in rows]
            found[name] = sorted(kept, key=_certain)
    return found


def _certain(row: dict[str, Any]) -> list[str]:
    return [repr(value) for value in row.values() if not isinstance(value, float | list)]


def saes(root: Path) -> dict[str, Path]:
    """The folders of a store's SAEs by id."""
    with Store.open(root) as store:
        return {sae_id: root / path for sae_id, path in store.fetch("SELECT sae_id, path FROM sae").rows}


def assert_same_weights(folder: Path, other: Path) -> None:
    weights = load_sae(folder).weights()
    for name, value in load_sae(other).weights().items():
        torch.testing.assert_close(value, weights[name], rtol=1e-3, atol=1e-4)


def close(a: Any, b: Any) -> bool:
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=2e-3, abs_tol=2e-4) or (math.isnan(a) and math.isnan(b))
    return bool(a == b)


@pytest.mark.slow
def test_rows_are_those_of_a_cpu(
    made_empty: Path, model_folder: Path, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "MIN_ACCURACY", 0.0)
    gpu = Machine()
    stores = {device: copy_of(made_empty, tmp_path / device.replace(":", "")) for device in ("cpu", "cuda:0")}
    for device, root in stores.items():
        run = runner(root, device, gpu)
        run(train_spec(model_folder, corpus_file))
        if device != "cpu":
            # Where the SAEs are the same to the last digit, so is what is a matter of yes and no.
            for sae_id, folder in saes(stores["cpu"]).items():
                assert_same_weights(folder, saes(root)[sae_id])
                copied = (folder / "sae_weights.safetensors").read_bytes()
                (saes(root)[sae_id] / "sae_weights.safetensors").write_bytes(copied)
        for spec in studies(model_folder, corpus_file):
            run(spec)
    expected, found = (tables(root) for root in stores.values())
    filled = {name for name, rows in expected.items() if rows}
    assert {"word", "absorption_word", "token_error", "pursuit_code", "absorbed_error"} <= filled, sorted(filled)
    for name, rows in expected.items():
        assert len(found[name]) == len(rows), name
        for row, other in zip(rows, found[name], strict=True):
            apart = {key: (row[key], other[key]) for key in row if not close(row[key], other[key])}
            assert not apart, (name, apart)
    assert REAL or gpu.waits.operators > 10_000
    assert not gpu.waits.without_kernel


@pytest.mark.slow
@pytest.mark.parametrize("place", ["kept on the GPU", "kept beside it", "buffer on the GPU", "buffer beside it"])
def test_a_job_trains_the_same_saes_wherever_activations_lie(
    made_empty: Path, model_folder: Path, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    spec = train_spec(model_folder, corpus_file)
    expected = copy_of(made_empty, tmp_path / "expected")
    runner(expected, "cpu", Machine())(spec)
    where = torch.device("cuda:0" if place.endswith("on the GPU") else "cpu")
    right = activation_stream.place

    def chosen(*arguments: Any, **settings: Any) -> Placement:
        buffer_tokens = right(*arguments, **settings).buffer_tokens
        return Placement(where, kept=place.startswith("kept"), buffer_tokens=buffer_tokens, text=place)

    monkeypatch.setattr(training, "place", chosen)
    root = copy_of(made_empty, tmp_path / "store")
    gpu = Machine()
    runner(root, "cuda:0", gpu)(spec)
    for sae_id, folder in saes(expected).items():
        assert_same_weights(folder, saes(root)[sae_id])
