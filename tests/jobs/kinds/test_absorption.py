"""Absorption and ablation jobs on a tiny model: rows are what the library gives, and so are the verdicts in SQL."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.ablation.spec import AblationSpec
from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.letters import (
    answer_token_ids,
    encode_prompts,
    first_letter_prompts,
    first_letter_words,
    letter_margins,
    split_words,
    study,
)
from saetui.letters.readings import best_rivals
from saetui.letters.word_latents import WordLatents
from saetui.lm import load_model
from saetui.sae import SAEError, load_sae, save_sae
from store import Store
from tests.jobs.kinds.conftest import HOOK, RunTask

OTHER_HOOK = "blocks.1.hook_resid_post"


@pytest.fixture
def train(run_task: RunTask, model_folder: Path, corpus_file: Path) -> None:
    """Two SAEs on one hook point, and one on another."""
    for hook_name, recipes in (
        (HOOK, (Recipe(width=32, k=3), Recipe(width=64, k=3))),
        (OTHER_HOOK, (Recipe(width=32, k=3, name="late"),)),
    ):
        run_task(
            TrainSpec(
                model=str(model_folder),
                corpus=str(corpus_file),
                hook_name=hook_name,
                context_length=32,
                tokens=4000,
                batch_size=100,
                recipes=recipes,
            )
        )


@pytest.fixture
def able(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a model of random weights pass for one that can name first letters."""
    monkeypatch.setattr(study, "MIN_ACCURACY", 0.0)


def spec_for(model: Path, **changes: object) -> AbsorptionSpec:
    settings: dict[str, object] = {
        "model": str(model),
        "examples": 5,
        "lead": 0.0,
        "min_cosine": -1.0,
        "max_words": 3,
        "max_k": 4,
    }
    return AbsorptionSpec.model_validate(settings | changes)


@pytest.mark.slow
@pytest.mark.usefixtures("train", "able")
def test_all_hook_points_are_studied_and_sql_gives_the_rates_of_the_library(
    run_task: RunTask, model_folder: Path, tmp_path: Path
) -> None:
    run_task(spec_for(model_folder, words="all"))
    with Store.open(tmp_path / "store") as store:
        # The store knows how able the model is; here it is taken to be.
        store.write("UPDATE absorption_run SET model_accuracy = 1")
        runs = store.query("select * from absorption_run join sae using (sae_id) order by name")
        assert runs["name"].to_list() == ["late", "w32-k3", "w64-k3"]
        assert runs["probe_id"].n_unique() == 2
        n_absorbed = 0
        for run in runs.iter_rows(named=True):
            letters = store.query("absorption_letters", sae=run["sae_id"], **_NONE)
            usable = letters.filter(letters["usable"])
            assert run["rate"] == pytest.approx(usable["rate"].mean())
            assert run["mean_fraction"] == pytest.approx(usable["mean_fraction"].mean(), abs=1e-6)
            assert run["full_rate"] == pytest.approx(usable["full_rate"].mean())
            assert run["mean_main"] == pytest.approx(usable["n_main"].mean())
            n_absorbed += int(usable["n_absorbed"].sum())
        rates = store.query("select absorption_rate from sae order by name")["absorption_rate"]
        assert rates.to_list() == runs["rate"].to_list()
        sampled = store.query(
            "select max(n_sampled) as n from absorption_rates($saes, NULL, NULL, NULL)", saes=list(runs["sae_id"])
        )
    assert n_absorbed > 0
    assert sampled["n"][0] == 3


_RIVALS = "SELECT token_id, rival, rival_lead FROM absorption_word"
_NONE = {"probe": None, "tau": None, "lead": None, "min_cosine": None}


@pytest.mark.slow
@pytest.mark.usefixtures("train", "able")
def test_effects_in_the_store_are_those_of_the_model_run_again(
    run_task: RunTask, model_folder: Path, tmp_path: Path
) -> None:
    run_task(spec_for(model_folder, saes=["w32-k3"], attribution="exact", exact_top=1, words="all"))
    model = load_model(str(model_folder))
    words = first_letter_words(model.tokenizer, model.token_surfaces)
    split = split_words(words)
    prompts = first_letter_prompts([*split.train, *split.test], split.train, examples=5)
    (group,) = encode_prompts(model, prompts).groups
    places = {prompt.word.token_id: row for row, prompt in enumerate(group.prompts)}
    answers = answer_token_ids(model)
    with Store.open(tmp_path / "store") as store:
        rows = store.query("select * from absorption_latent where effect is not null")
        margins = dict(store.query("select token_id, margin from absorption_word").iter_rows())
        rivals = {token: (rival, lead) for token, rival, lead in store.fetch(_RIVALS).rows}
        sae = load_sae(tmp_path / "store" / store.query("select path from sae where name = 'w32-k3'")["path"][0])
        ablations = store.query("select * from ablation order by all")
    assert len(rows) >= 9
    for row in rows.iter_rows(named=True):
        tokens = group.tokens[[places[row["token_id"]]]]
        letter = torch.tensor(["abcdefghijklmnopqrstuvwxyz".index(row["letter"])])
        x = model.activations(tokens, HOOK)[:, group.word_position]
        z = sae.encode(x)
        assert row["activation"] == pytest.approx(z[0, row["latent"]].item(), rel=1e-4)
        removed = sae.decode(z) - sae.decode(z.index_fill(1, torch.tensor(row["latent"]), 0))

        def edit(site: torch.Tensor, removed: torch.Tensor = removed) -> torch.Tensor:
            edited = site.clone()
            edited[:, group.word_position] -= removed
            return edited

        with torch.no_grad():
            logits = model.logits_with(tokens, HOOK, edit, last=1)[:, -1, answers]
        clean_logits = model.logits(tokens, last=1)[:, -1, answers]
        clean, (rival, rival_lead) = letter_margins(clean_logits, letter).item(), best_rivals(clean_logits, letter)
        found_rival, found_lead = rivals[row["token_id"]]
        assert found_rival == "abcdefghijklmnopqrstuvwxyz"[int(rival)]
        assert found_lead == pytest.approx(float(rival_lead), abs=1e-5)
        effect = letter_margins(logits, letter).item() - clean
        assert margins[row["token_id"]] == pytest.approx(clean, abs=1e-5)
        assert row["effect"] == pytest.approx(effect, abs=1e-5)
    leading = rows.sort("effect").group_by("token_id", maintain_order=True).first().sort("token_id")
    assert ablations["latent"].to_list() == leading["latent"].to_list()
    assert ablations["effect"].to_list() == pytest.approx(leading["effect"].to_list(), abs=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("train", "able")
def test_what_was_studied_with_the_same_settings_is_not_studied_again(
    run_task: RunTask, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_task(spec_for(model_folder, saes=["w32-k3"]))
    studied: list[str] = []
    whole = WordLatents

    def counted(*arguments: object, **settings: object) -> object:
        studied.append("SAE")
        return whole(*arguments, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(study, "WordLatents", counted)
    run_task(spec_for(model_folder))
    assert len(studied) == 2  # The first one stands.
    run_task(spec_for(model_folder, tau=0.05))
    assert len(studied) == 5
    with Store.open(tmp_path / "store") as store:
        assert store.query("select count(*) as n, min(tau) as tau from absorption_run").row(0) == (3, 0.05)


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_a_model_that_cannot_name_first_letters_has_no_rate_but_projections(
    run_task: RunTask, model_folder: Path, tmp_path: Path
) -> None:
    context = run_task(spec_for(model_folder, saes=["w32-k3"]))
    with Store.open(tmp_path / "store") as store:
        (run,) = store.query("absorption_runs").iter_rows(named=True)
        assert store.query("select count(effect) as n from absorption_latent")["n"][0] == 0
    assert run["rate"] is None
    assert run["mean_fraction"] is not None
    assert "effects on its answer say nothing" in run["warning"]
    log = (tmp_path / "store" / "jobs" / context.job_id / "log.txt").read_text(encoding="utf-8")
    assert "so there is no absorption rate" in log


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_one_words_ablation_covers_all_latents_that_fire_on_it(
    run_task: RunTask, model_folder: Path, tmp_path: Path
) -> None:
    run_task(AblationSpec(model=str(model_folder), examples=5, hook_name=HOOK, sae="w32-k3", word=" catb"))
    with Store.open(tmp_path / "store") as store:
        rows = store.query("select * from ablation")
    assert 1 <= len(rows) <= 3
    assert set(rows["answer"]) <= set("abcdefghijklmnopqrstuvwxyz")
    with pytest.raises(JobError, match=r"word: ' dog' is not one of the 150 words"):
        run_task(AblationSpec(model=str(model_folder), examples=5, hook_name=HOOK, sae="w32-k3", word=" dog"))


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_saes_must_be_of_the_model_and_the_hook_point(run_task: RunTask, model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=f"'late' was trained on {OTHER_HOOK}, but hook_name is {HOOK}"):
        run_task(spec_for(model_folder, saes=["late"], hook_names=[HOOK]))
    with pytest.raises(JobError, match=r"has no SAE 'w9'"):
        run_task(spec_for(model_folder, saes=["w9"]))
    with pytest.raises(JobError, match=r"has no SAE among \*.*has SAEs on"):
        run_task(spec_for(model_folder, hook_names=[HOOK, "blocks.0.hook_mlp_out"]))
    for file in (tmp_path / "store" / "tensors" / "sae").glob("*/workbench.json"):
        file.write_text(file.read_text().replace('"model_id": "', '"model_id": "another-'))
    with pytest.raises(JobError, match=r"'w32-k3' was trained on another language model \(another-"):
        run_task(spec_for(model_folder, saes=["w32-k3"]))
    with pytest.raises(JobError, match=r"has no SAE of .*; train one first"):
        run_task(spec_for(model_folder))


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_saes_that_cannot_be_studied_leave_the_others(
    run_task: RunTask, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of all SAEs: one with NaN, one whose config is cut short, one that says no hook point, one of a strange one."""
    root = tmp_path / "store"
    saes = {load_sae(path).workbench["name"]: path for path in (root / "tensors" / "sae").iterdir()}
    weights = load_file(saes["w64-k3"] / "sae_weights.safetensors")
    weights["b_dec"][0] = torch.nan
    save_file(weights, saes["w64-k3"] / "sae_weights.safetensors")
    (saes["late"] / "cfg.json").write_text("{")
    sound = load_sae(saes["w32-k3"])
    sound.workbench = {}
    for name, hook_name in (("nowhere", None), ("beyond", "blocks.99.hook_resid_post")):
        sound.metadata = {"hook_name": hook_name}
        save_sae(sound, root / "tensors" / "sae" / name)

    context = run_task(spec_for(model_folder))
    assert sorted(note.split(" is left out: ")[0] for note in context.notes) == ["beyond", "late", "nowhere", "w64-k3"]
    with Store.open(root) as store:
        names = store.query("select name from absorption_run join sae using (sae_id)")["name"].to_list()
    assert names == ["w32-k3"]

    # Named by the spec it fails, after the others; what was done is kept, unless the store has refused it.
    studied: list[str] = []
    whole = WordLatents

    def counted(*arguments: object, **settings: object) -> object:
        studied.append("SAE")
        return whole(*arguments, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(study, "WordLatents", counted)
    with pytest.raises(SAEError, match="b_dec holds NaN"):
        run_task(spec_for(model_folder, saes=["w64-k3", "w32-k3"]))
    assert studied == []
    (marker,) = (root / "tensors" / "words").glob("*/studied/*.json")
    (root / "spool" / f"{json.loads(marker.read_text())['result']}.rejected").mkdir(parents=True)
    run_task(spec_for(model_folder, saes=["w32-k3"]))
    assert studied == ["SAE"]
