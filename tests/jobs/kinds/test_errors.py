"""The errors job on a tiny model: rows are what the library gives on the same tokens."""

from importlib.resources import files
from pathlib import Path

import polars as pl
import pytest
import torch
from safetensors.torch import load_file, save_file

from saetui.dark_matter import (
    ErrorSettings,
    Reconstructions,
    decompose_errors,
    draw_contexts,
    split_contexts,
    study,
    study_errors,
    width_scaling,
)
from saetui.figures import figure
from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.errors.spec import ErrorsSpec
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.lm import load_corpus, load_model, tokenize
from saetui.sae import SAEError, load_sae
from store import Store
from tests.jobs.kinds.conftest import HOOK, RunTask


@pytest.fixture
def train(run_task: RunTask, model_folder: Path, corpus_file: Path) -> None:
    """Four widths at one L0, and another L0 at one of them."""
    recipes = (*(Recipe(width=width, k=2) for width in (8, 16, 32, 64)), Recipe(width=16, k=4))
    run_task(
        TrainSpec(
            model=str(model_folder),
            corpus=str(corpus_file),
            hook_name=HOOK,
            context_length=32,
            tokens=2000,
            batch_size=100,
            recipes=recipes,
        )
    )


def spec_for(model: Path, corpus: Path, **changes: object) -> ErrorsSpec:
    settings: dict[str, object] = {
        "model": str(model),
        "corpus": str(corpus),
        "hook_name": HOOK,
        "context_length": 32,
        "pursuit_tokens": 320,
    }
    return ErrorsSpec.model_validate(settings | changes)


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_figures_and_tokens_are_those_of_the_library(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    run_task(spec_for(model_folder, corpus_file, first_position=2))
    root = tmp_path / "store"
    with Store.open(root) as store:
        (study,) = store.query("select * from error_study").iter_rows(named=True)
        figures = store.query("select * from error_figure")
        tokens = store.query("select * from error_token order by context, position")
        saes = {row["sae_id"]: row for row in store.query("select * from sae").iter_rows(named=True)}
        law = store.query("select * from width_law").row(0, named=True)
        pairs = store.query("select * from width_norm")
        summary = store.query("error_summary")
    assert study["widths"] == [8, 16, 16, 32, 64]
    loaded = {sae_id: load_sae(root / saes[sae_id]["path"]) for sae_id in study["sae_ids"]}
    model = load_model(str(model_folder))
    corpus = tokenize(load_corpus(str(corpus_file)), model, context_length=32)
    read = Reconstructions(model, corpus, loaded, first_position=2)
    found = decompose_errors(read, split_contexts(corpus.n_contexts, seed=0))
    for sae_id, fit in found.fits.items():
        own = dict(figures.filter(pl.col("sae_id") == sae_id).select("figure", "value").iter_rows())
        assert own["r2_total"] == pytest.approx(fit.r2_total)
        assert own["fvu_sae"] == pytest.approx(fit.fvu_sae)
        assert own["fvu_nonlinear"] == pytest.approx(fit.fvu_nonlinear)
        assert own["norm_r2_nonlinear"] == pytest.approx(fit.norm_r2["nonlinear"].value)
        assert saes[sae_id]["linear_error_r2"] == pytest.approx(fit.r2_total)
        assert min(own["loss_reconstructed"], own["loss_clean"]) > 0
    schema = (files("store.schema") / "0004_errors.sql").read_text()
    assert [name for name in set(figures["figure"]) if name not in schema] == []
    assert {"fvu_pursuit", "fvu_same_tokens"} <= set(figures["figure"])
    assert any(note.startswith("pursuit: ") and "for each of 16 dimensions" in note for note in study["notes"])
    parts = ("absent", "linear", "nonlinear_encoder", "nonlinear_rest")
    broken = figures.filter(pl.col("figure").is_in([f"breakdown_{part}" for part in parts]))
    assert broken["sae_id"].n_unique() == 4  # One SAE a width.
    for of_one, of_sae in broken.group_by("sae_id"):
        assert of_sae["value"].sum() == pytest.approx(found.fits[str(of_one[0])].fvu_sae)
    assert law["floor"] is not None
    slope = width_scaling({loaded[sae_id].d_sae: found.fits[sae_id] for sae_id in study["family"]}).nonlinear_slope
    assert (law["nonlinear_slope"], law["nonlinear_slope_low"]) == pytest.approx((slope.value, slope.low))
    assert law["nonlinear_slope_low"] < law["nonlinear_slope"] < law["nonlinear_slope_high"]
    for gain in ("gain", "gain_linear", "gain_shuffled"):
        assert (pairs[f"{gain}_low"] < pairs[f"{gain}_high"]).all()
    shrinkage = figures.filter(pl.col("figure") == "shrinkage_share")
    assert (shrinkage["low"] < shrinkage["high"]).all()
    names = {sae_id: saes[sae_id]["name"] for sae_id in study["sae_ids"]}
    assert [names[sae_id] for sae_id in study["family"]] == ["w8-k2", "w16-k2", "w32-k2", "w64-k2"]
    assert len(pairs) == 6
    assert set(pairs["smaller"]) | set(pairs["larger"]) == set(study["family"])
    assert summary["name"].to_list() == ["w8-k2", "w16-k2", "w16-k4", "w32-k2", "w64-k2"]

    assert len(tokens) == len(found.tokens) == study["n_tokens"]
    assert tokens["position"].min() == 2
    first = next(iter(found.tokens.saes))
    assert tokens["error_norm"].list.get(study["sae_ids"].index(first)).to_list() == pytest.approx(
        found.tokens.saes[first].error_norm.tolist(), rel=1e-5
    )
    norms = torch.tensor(tokens["error_norm"].to_list())
    assert tokens["hardness"].to_list() == pytest.approx(norms.mean(1).tolist(), rel=1e-5)
    assert tokens["change"].to_list() == pytest.approx((norms[:, -1] - norms[:, 0]).tolist(), abs=1e-5)
    x = torch.cat([batch.activations for batch in read(torch.arange(corpus.n_contexts))]).double()
    assert study["variance"] == pytest.approx(float((x - x.mean(0)).square().sum(1).mean()))
    with_loss = tokens.filter(pl.col("loss").is_not_null())
    assert with_loss["clean_loss"].mean() == pytest.approx(study["clean_loss"])
    # The last token of a context has none after it.
    assert tokens.filter(pl.col("loss").is_null()).group_by("context").len()["len"].max() == 1
    maps = load_file(root / "tensors" / "errors" / f"{study['study_id']}.safetensors")
    torch.testing.assert_close(maps[f"{first}.weight"], found.fits[first].map.weight, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_a_study_without_losses_or_pursuit_leaves_them_open(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    run_task(spec_for(model_folder, corpus_file, saes=["w8-k2", "w16-k2"], losses=False, pursuit_tokens=0))
    with Store.open(tmp_path / "store") as store:
        assert store.query("select count(loss) as n, count(damage) as m from error_token").row(0) == (0, 0)
        assert store.query("select floor from width_law").row(0) == (None,)
        assert store.query("select count(*) from error_figure where figure like '%pursuit%'").row(0) == (0,)


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_damage_is_measured_on_contexts_drawn_at_random_and_against_their_own_loss(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    run_task(spec_for(model_folder, corpus_file, saes=["w8-k2"], loss_contexts=4, pursuit_tokens=0))
    with Store.open(tmp_path / "store") as store:
        losses = store.query(
            "select context, avg(clean_loss) as clean, avg(loss[1]) as replaced from error_token"
            " where held_out and loss is not null group by context order by context"
        )
        (scaling,) = store.query("select * from error_scaling").iter_rows(named=True)
        figures = dict(store.query("select figure, value from error_figure").iter_rows())
        (all_of_it,) = store.query("select clean_loss from error_study").row(0)
    held_out = torch.tensor(losses["context"].to_list())
    drawn = draw_contexts(held_out, 4, seed=0)
    assert drawn.tolist() != held_out[:4].tolist()
    # Contexts of this corpus are equally long.
    of_drawn = losses.filter(pl.col("context").is_in(drawn.tolist())).mean().row(0, named=True)
    assert figures["loss_clean"] == pytest.approx(of_drawn["clean"], rel=1e-4)
    assert figures["loss_clean"] != pytest.approx(all_of_it, rel=1e-4)
    assert scaling["ce_damage"] == pytest.approx(of_drawn["replaced"] - of_drawn["clean"], rel=1e-2, abs=1e-4)


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_a_study_that_fails_leaves_no_linear_map(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ValueError("no norms today")

    monkeypatch.setattr(study, "width_norms", fail)
    with pytest.raises(ValueError, match="no norms today"):
        run_task(spec_for(model_folder, corpus_file, saes=["w8-k2", "w16-k2"], losses=False, pursuit_tokens=0))
    assert not list((tmp_path / "store").glob("tensors/errors/*"))


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_too_few_tokens_are_refused_with_the_number_needed(
    run_task: RunTask, model_folder: Path, corpus_file: Path
) -> None:
    with pytest.raises(JobError, match=r"a linear fit needs 48 at least, and 320 to be reliable"):
        run_task(spec_for(model_folder, corpus_file, max_tokens=60))


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_norm_baselines_are_rows_where_they_are_asked_for(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    plain = {"saes": ["w8-k2"], "losses": False, "pursuit_tokens": 0}
    run_task(spec_for(model_folder, corpus_file, **plain))
    run_task(spec_for(model_folder, corpus_file, **plain, norm_baselines=True))
    sql = "select study_id, figure, value from error_figure where figure like 'baseline_r2_%' order by figure"
    with Store.open(tmp_path / "store") as store:
        rows = store.query(sql)
        studies = store.query("select study_id from error_study")
    assert rows["figure"].to_list() == ["baseline_r2_activation_norm", "baseline_r2_l0", "baseline_r2_token_mean"]
    assert len(studies) == 2  # The study with them is another one; that without keeps its id.
    assert all(value is None or value <= 1 for value in rows["value"])


def train_at(run_task: RunTask, model: Path, corpus: Path, hook: str, *recipes: Recipe) -> None:
    run_task(
        TrainSpec(
            model=str(model),
            corpus=str(corpus),
            hook_name=hook,
            context_length=32,
            tokens=2000,
            batch_size=100,
            recipes=recipes,
        )
    )


@pytest.mark.slow
def test_what_is_measured_on_request_is_rows_that_figures_draw(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    """SAEs of components, prediction from earlier SAEs and introduced errors, of one SAE after two earlier ones."""
    earlier = (Recipe(width=8, k=2, name="early"), Recipe(width=16, k=2, name="early-wide"))
    train_at(run_task, model_folder, corpus_file, "blocks.0.hook_resid_pre", *earlier)
    train_at(run_task, model_folder, corpus_file, HOOK, Recipe(width=16, k=2, name="mine"))
    train_at(run_task, model_folder, corpus_file, "blocks.1.hook_resid_post", Recipe(width=16, k=2, name="late"))
    plain = {"saes": ["mine"], "losses": False, "pursuit_tokens": 0}
    run_task(
        spec_for(
            model_folder,
            corpus_file,
            **plain,
            component_steps=10,
            component_k=2,
            earlier_saes=["*"],
            introduced_error=True,
        )
    )
    with Store.open(tmp_path / "store") as store:
        names = dict(store.query("select sae_id, name from sae").iter_rows())
        components = store.query("select * from component_sae")
        predicted = store.query("select * from earlier_prediction")
        introduced = store.query("select * from introduced_error")
        error = store.query("select value from error_figure where figure = 'fvu_sae'").item()
        drawn = {name: figure(store, name) for name in ("component_saes", "earlier_saes", "introduced_error")}
    assert components["component"].to_list() == ["activation", "error", "linear", "nonlinear"]
    assert components["width"].unique().to_list() == [8 * 16]
    of_part = dict(components.select("component", "mean_square").iter_rows())
    assert 0 < error < 1
    assert of_part["nonlinear"] < of_part["error"] < of_part["activation"]
    # "*" is the widest of each earlier hook point, and nothing of later ones.
    assert {names.get(source, source) for source in predicted["source"]} == {"early-wide", "own"}
    assert predicted.group_by("source").len()["len"].to_list() == [3, 3]
    assert len(introduced) == 75
    nothing = introduced.filter(pl.sum_horizontal("^(dense|introduced)_deviation|removed_share$") == 0)
    assert nothing.select("linear", "nonlinear").rows() == [pytest.approx((0, 0), abs=1e-9)]
    # Noise as large as the activations' own variation, in all directions alike, is as large as they are.
    loud = introduced.filter((pl.col("dense_deviation") == 0) & (pl.col("removed_share") == 0))
    assert loud["true_nonlinear"].max() == pytest.approx(1, abs=0.15)
    assert all(not made.is_empty for made in drawn.values())


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_an_sae_of_no_earlier_hook_point_predicts_nothing(
    run_task: RunTask, model_folder: Path, corpus_file: Path
) -> None:
    train_at(run_task, model_folder, corpus_file, "blocks.1.hook_resid_post", Recipe(width=16, k=2, name="late"))
    for names, message in (
        (["late"], r"earlier_saes: 'late' is at blocks\.1\.hook_resid_post, which does not come before blocks\.0"),
        (["*"], "earlier_saes: the store .* has no SAE of a hook point before blocks.0"),
        (["none"], "earlier_saes: the store .* has no SAE 'none'"),
    ):
        with pytest.raises(JobError, match=message):
            run_task(spec_for(model_folder, corpus_file, saes=["w8-k2"], earlier_saes=names))


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_components_get_no_more_latents_than_their_saes_have(
    run_task: RunTask, model_folder: Path, corpus_file: Path
) -> None:
    with pytest.raises(SAEError, match="k is 129, but the width only 128"):
        run_task(spec_for(model_folder, corpus_file, saes=["w8-k2"], component_steps=1, component_k=129))


@pytest.mark.slow
@pytest.mark.usefixtures("train")
def test_a_pursuit_takes_the_sae_as_it_is_now(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    """A worker that has studied an SAE before, whose folder was edited since."""
    spec = spec_for(model_folder, corpus_file, saes=["w8-k2"], losses=False, seed=1)
    sql = "select value from error_figure where figure = 'fvu_pursuit'"
    run_task(spec)
    with Store.open(tmp_path / "store") as store:
        before = store.query(sql).item()
        path = tmp_path / "store" / store.query("select path from sae where name = 'w8-k2'").item()
    weights = load_file(path / "sae_weights.safetensors")
    save_file(weights | {"W_dec": weights["W_dec"].flip(1).contiguous()}, path / "sae_weights.safetensors")
    run_task(spec)
    with Store.open(tmp_path / "store") as store:
        after = store.query(sql).item()
    model = load_model(str(model_folder))
    corpus = tokenize(load_corpus(str(corpus_file)), model, context_length=32)
    settings = ErrorSettings(losses=False, pursuit_tokens=320, seed=1)
    alone = study_errors(model, {"edited": load_sae(path)}, corpus, HOOK, settings)
    assert after == pytest.approx(alone.pursued["edited"].figures["fvu_pursuit"].value)
    assert after != pytest.approx(before)
