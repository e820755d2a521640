"""The number format of a study's model is that of its SAEs' training, on every device, and part of every key."""

from pathlib import Path

import pytest
import torch

from saetui.jobs import JobError
from saetui.jobs.context import TaskContext
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.jobs.kinds.train.spec import Recipe
from saetui.jobs.work.study_model import study_model
from saetui.letters import LetterWords, WordSettings
from saetui.lm import load_model
from store import Store
from tests.jobs.kinds.conftest import HOOK, RunTask
from tests.jobs.kinds.test_study import train_spec


def test_studies_read_the_activations_that_the_sae_was_trained_on(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    spec = train_spec(model_folder, corpus_file)
    run_task(spec)
    run = run_task(
        spec.model_copy(update={"dtype": "bfloat16", "recipes": (Recipe(width=32, k=3, name="in-two-bytes"),)})
    )
    context = TaskContext(run.store_root, run._folder, "cpu", run.warm)
    source = str(model_folder)
    for names, hooks, expected in (
        (("w32-k3",), (HOOK,), torch.float32),
        (("w32-k3", "w64-k3"), (HOOK,), torch.float32),
        (("in-two-bytes",), (), torch.bfloat16),
        (("in-two",), (HOOK,), torch.bfloat16),
        (("*",), ("blocks.1.hook_resid_post",), torch.float32),
    ):
        assert study_model(context, source, names, hooks).dtype == expected, names
    for names in (("*",), ("w32-k3", "in-two-bytes")):
        with pytest.raises(JobError, match=r"saes: .*'in-two-bytes' on activations in bfloat16.* at once"):
            study_model(context, source, names, (HOOK,))
    with pytest.raises(JobError, match=r"saes: the store .* has no SAE 'nobody'"):
        study_model(context, source, ("nobody",), (HOOK,))
    letters = LettersSpec(model=source, hook_name=HOOK, saes=("in-two-bytes",), examples=5)
    assert "runs in bfloat16" in "\n".join(run_task(letters)._folder.log_tail(50))
    run_task(letters.model_copy(update={"saes": ("w32-k3",)}))
    with Store.open(tmp_path / "store") as store:
        assert store.query("select count(distinct probe_id) as n from probe")["n"][0] == 2


def test_readings_in_another_format_are_other_readings(model_folder: Path) -> None:
    settings = WordSettings(examples=5)
    wide, narrow = (LetterWords(load_model(model_folder, dtype=dtype), settings) for dtype in ("float32", "bfloat16"))
    assert wide.key != narrow.key
    assert wide.probe_id(HOOK) != narrow.probe_id(HOOK)
