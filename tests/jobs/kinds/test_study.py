"""The three kinds of job on a tiny model: what ends up in the store must be what the library says."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2LMHeadModel

from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.latents.spec import LatentsSpec
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.jobs.kinds.train.spec import Recipe, TrainSpec
from saetui.lm import harvest, load_corpus, load_model, tokenize
from saetui.recipes import TrainedBy
from saetui.sae import SAEError, load_sae
from saetui.sae.evaluation import VarianceUnexplained
from store import Store
from tests.jobs.kinds.conftest import HOOK, RunTask


def train_spec(model: Path, corpus: Path, **changes: object) -> TrainSpec:
    settings: dict[str, object] = {
        "model": str(model),
        "corpus": str(corpus),
        "hook_name": HOOK,
        "context_length": 32,
        "tokens": 4000,
        "batch_size": 100,
        "recipes": (Recipe(width=32, k=3), Recipe(width=64, k=3)),
    }
    return TrainSpec.model_validate(settings | changes)


@pytest.mark.slow
def test_a_trained_sae_is_in_the_store_with_its_true_figures(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    run_task(train_spec(model_folder, corpus_file))
    with Store.open(tmp_path / "store") as store:
        rows = store.query("select * from sae order by width")
        tokens = store.query("select count(*) as n from token join corpus using (corpus_id)")["n"][0]
        corpus_row = store.query("select * from corpus")
    assert rows["name"].to_list() == ["w32-k3", "w64-k3"]
    assert rows["tokens_trained"].to_list() == [4000, 4000]
    recipe = TrainedBy("topk", str(corpus_file), 4000, 100, 32, None, "float32", None, None, None, (), 0)
    assert [TrainedBy.read(text) for text in rows["recipe"]] == [recipe, recipe]
    assert tokens == corpus_row["n_tokens"][0] + corpus_row["n_contexts"][0]  # a BOS token a context

    model = load_model(str(model_folder))
    corpus = tokenize(load_corpus(str(corpus_file)), model, context_length=32)
    for row in rows.iter_rows(named=True):
        sae = load_sae(tmp_path / "store" / row["path"])
        assert (sae.d_sae, sae.k, sae.hook_name) == (row["width"], 3, HOOK)
        unexplained = VarianceUnexplained()
        fired = torch.zeros(sae.d_sae, dtype=torch.bool)
        firing = 0
        for batch in harvest(model, corpus, HOOK):
            x = batch.activations[HOOK]
            z = sae.encode(x)
            unexplained.add(x, sae.decode(z))
            fired |= (z > 0).any(0)
            firing += int((z > 0).sum())
        assert row["fvu"] == pytest.approx(unexplained.value, rel=1e-5)
        assert row["l0"] == pytest.approx(firing / corpus.n_tokens)
        assert row["dead_fraction"] == pytest.approx(1 - fired.double().mean().item())
        assert row["n_evaluated"] == corpus.n_tokens


@pytest.mark.slow
def test_the_same_spec_again_trains_nothing_and_gives_the_same_rows(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    spec = train_spec(model_folder, corpus_file)
    run_task(spec)
    weights = sorted((tmp_path / "store" / "tensors" / "sae").glob("*/sae_weights.safetensors"))
    before = [path.stat().st_mtime_ns for path in weights]
    with Store.open(tmp_path / "store") as store:
        rows = store.query("select * exclude added from sae order by name")
    run_task(spec)
    assert [path.stat().st_mtime_ns for path in weights] == before
    with Store.open(tmp_path / "store") as store:
        assert store.query("select * exclude added from sae order by name").equals(rows)
        assert store.query("select count(*) as n from vocabulary")["n"][0] == 154


@pytest.mark.slow
def test_a_name_that_is_taken_is_refused_before_training(
    run_task: RunTask, model_folder: Path, corpus_file: Path
) -> None:
    run_task(train_spec(model_folder, corpus_file))
    with pytest.raises(JobError, match="another SAE called 'w32-k3'"):
        run_task(train_spec(model_folder, corpus_file, seed=1))


@pytest.mark.slow
def test_an_sae_that_diverges_leaves_the_others(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    recipes = (Recipe(width=32, k=3), Recipe(width=64, k=3, lr=1e30))
    with pytest.raises(SAEError, match="w64-k3"):
        run_task(train_spec(model_folder, corpus_file, recipes=recipes))
    with Store.open(tmp_path / "store") as store:
        store.commit_spool()
        assert store.query("select name from sae")["name"].to_list() == ["w32-k3"]


@pytest.mark.slow
def test_letters_are_judged_by_the_saes_own_encoder(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    run_task(train_spec(model_folder, corpus_file))
    run_task(LettersSpec(model=str(model_folder), hook_name=HOOK, saes=("w32-k3",), examples=3, leading_space=True))
    with Store.open(tmp_path / "store") as store:
        words = store.query("select * from word")
        probes = store.query("select * from probe order by letter")
        latents = store.query("select * from letter_latent join sae using (sae_id)")
        fired = store.query("select latent, token_id from word_activation")
    # 24 words of each of five letters, the 26 answers, and has, the, first, letter.
    assert len(words) == 120 + 26 + 4
    assert len(words.filter(letter="a")) == 24 + 1
    assert set(words["split"]) == {"train", "test"}
    assert len(probes) == 26
    assert all(math.isclose(sum(v * v for v in d), 1, rel_tol=1e-4) for d in probes["direction"].to_list())
    assert set(latents["name"]) == {"w32-k3"}
    for row in latents.iter_rows(named=True):
        on = words.filter(words["token_id"].is_in(fired.filter(latent=row["latent"])["token_id"].to_list()))
        of_letter = words.filter(letter=row["letter"])
        hits = len(on.filter(letter=row["letter"]))
        assert row["recall"] == pytest.approx(hits / len(of_letter) if len(of_letter) else 0)
        assert row["f1"] == pytest.approx(2 * hits / max(1, len(on) + len(of_letter)))


@pytest.mark.slow
def test_latent_statistics_agree_with_the_stored_activations(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    run_task(train_spec(model_folder, corpus_file))
    run_task(
        LatentsSpec(
            model=str(model_folder),
            corpus=str(corpus_file),
            hook_name=HOOK,
            saes=("w32-k3", "w64-k3"),
            context_length=32,
            neighbours=2,
        )
    )
    with Store.open(tmp_path / "store") as store:
        off = store.query(
            """
            with counted as (
                select sae_id, latent, count(*) as n, max(activation) as largest from latent_activation group by all
            )
            select count(*) as n from latent left join counted using (sae_id, latent)
            where latent.n_fires <> coalesce(n, 0)
                or abs(latent.max_activation - coalesce(largest, 0)) > 1e-3 * greatest(1, largest)
                or list_sum(histogram) <> n_fires
            """
        )["n"][0]
        errors = store.query("select count(*) as n, avg(l0) as l0, sae_id from token_error group by sae_id")
        neighbours = store.query("select count(*) as n, max(cosine) as top from latent_neighbour")
        saes = store.query("select sae_id, l0, n_evaluated from sae")
    assert off == 0
    for row in errors.join(saes, on="sae_id", suffix="_sae").iter_rows(named=True):
        assert row["n"] == row["n_evaluated"]
        assert row["l0"] == pytest.approx(row["l0_sae"])
    assert neighbours["n"][0] == 2 * 2 * (32 + 64)
    assert neighbours["top"][0] <= 1


def promoted_in_store(root: Path) -> list[dict[str, list[object]]]:
    with Store.open(root) as store:
        return store.query("select promotes, promotes_logit, suppresses from latent order by latent").to_dicts()


@pytest.mark.slow
def test_what_a_latent_of_heads_promotes_goes_through_the_output_matrix(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    hook = "blocks.0.attn.hook_z"
    run_task(train_spec(model_folder, corpus_file, hook_name=hook, tokens=400, recipes=(Recipe(width=32, k=3),)))
    fields = {"model": str(model_folder), "corpus": str(corpus_file), "hook_name": hook, "context_length": 32}
    run_task(LatentsSpec.model_validate(fields | {"saes": ("w32-k3",), "promoted_tokens": 4}))
    (path,) = (tmp_path / "store" / "tensors" / "sae").iterdir()
    weights: Any = GPT2LMHeadModel.from_pretrained(model_folder).transformer
    written = load_sae(path).decoder_directions() @ weights.h[0].attn.c_proj.weight
    normed = (written - written.mean(1, keepdim=True)) * weights.ln_f.weight
    logits = (normed @ weights.wte.weight.T).detach()
    logits = logits - logits.mean(1, keepdim=True)
    surfaces = load_model(model_folder).token_surfaces
    for row, expected, lowest in zip(promoted_in_store(tmp_path / "store"), logits, -logits, strict=True):
        best = expected.topk(4)
        assert row["promotes"] == [surfaces[i] for i in best.indices]
        assert row["promotes_logit"] == pytest.approx(best.values.tolist(), rel=1e-3)
        assert row["suppresses"] == [surfaces[i] for i in lowest.topk(4).indices]


@pytest.mark.slow
def test_latents_of_an_encoder_promote_nothing_and_the_log_says_why(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    encoder = tmp_path / "encoder"
    size = GPT2Config.from_pretrained(model_folder).vocab_size
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=size, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2
    )
    BertForMaskedLM(config).save_pretrained(encoder)
    for path in model_folder.glob("tokenizer*"):
        shutil.copy(path, encoder)
    run_task(train_spec(encoder, corpus_file, tokens=400, recipes=(Recipe(width=32, k=3),)))
    fields = {"model": str(encoder), "corpus": str(corpus_file), "hook_name": HOOK, "context_length": 32}
    context = run_task(LatentsSpec.model_validate(fields | {"saes": ("w32-k3",)}))
    rows = promoted_in_store(tmp_path / "store")
    assert len(rows) == 32
    assert all(value is None for row in rows for value in row.values())
    assert [note for note in context.notes if "There is no logit lens at blocks.0.hook_resid_post" in note]


@pytest.mark.slow
def test_an_unknown_sae_is_named_with_those_that_are_there(
    run_task: RunTask, model_folder: Path, corpus_file: Path
) -> None:
    run_task(train_spec(model_folder, corpus_file))
    with pytest.raises(JobError, match=r"no SAE 'w99' \(it has: w32-k3, w64-k3\)"):
        run_task(LettersSpec(model=str(model_folder), hook_name=HOOK, saes=("w99",)))


@pytest.mark.slow
def test_an_sae_is_known_by_the_beginning_of_its_name_where_that_is_unique(
    run_task: RunTask, model_folder: Path, corpus_file: Path, tmp_path: Path
) -> None:
    run_task(train_spec(model_folder, corpus_file))
    site = {"model": str(model_folder), "hook_name": HOOK, "examples": 3, "leading_space": True}
    with pytest.raises(JobError, match="saes: 'w' can be w32-k3, w64-k3"):
        run_task(LettersSpec.model_validate({**site, "saes": ("w",)}))
    run_task(LettersSpec.model_validate({**site, "saes": ("w6",)}))
    with Store.open(tmp_path / "store") as store:
        found = store.fetch("SELECT DISTINCT name FROM letter_latent JOIN sae USING (sae_id)").rows
    assert found == [("w64-k3",)]
