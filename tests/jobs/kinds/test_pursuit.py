"""Pursuit jobs on a tiny model: rows are what the library gives, and nonlinear parts those of the saved linear map."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from saetui.jobs.exceptions import JobError
from saetui.jobs.kinds.pursuit.linear_maps import SAVED
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.jobs.progress import ProgressReader
from saetui.letters import encode_prompts, first_letter_prompts, first_letter_words, split_words
from saetui.lm import LanguageModel, load_corpus, load_model, tokenize
from saetui.pursuit import gradient_pursuit, named_tokens, orthogonal_matching_pursuit
from saetui.sae import SAE, save_sae
from saetui.sae.architectures.topk import TopKSAE
from saetui.sae.training.initialization import random_unit_rows
from store import Store
from store.spool import Spool
from tests.jobs.kinds.conftest import HOOK, RunTask

LENGTH = 32
SAE_ID = "random"
PLACES = ((0, 3), (5, 1), (0, 9), (2, 20))
SpecFor = Callable[..., PursuitSpec]


@pytest.fixture(scope="module")
def model(model_folder: Path) -> LanguageModel:
    return load_model(str(model_folder))


@pytest.fixture
def sae(run_task: RunTask, model: LanguageModel, tmp_path: Path) -> SAE:
    """An SAE of random directions, at random thresholds: some tokens have fewer latents than k; in the store."""
    directions = random_unit_rows(64, 16, seed=0)
    sae = TopKSAE(
        W_enc=directions.T.contiguous(),
        W_dec=directions * torch.linspace(0.5, 2, 64)[:, None],
        b_dec=0.02 * torch.randn(16, generator=torch.Generator().manual_seed(1)),
        b_enc=-0.2 * torch.rand(64, generator=torch.Generator().manual_seed(2)),
        latents_kept=4,
        metadata={"hook_name": HOOK},
        workbench={"name": "w64-k4"},
    )
    save_sae(sae, tmp_path / "store" / "tensors" / "sae" / SAE_ID)
    row = {
        "sae_id": SAE_ID,
        "model_id": model.model_id,
        "hook_name": HOOK,
        "name": "w64-k4",
        "architecture": "topk",
        "d_in": 16,
        "width": 64,
        "source": "made up",
        "path": f"tensors/sae/{SAE_ID}",
        "added": datetime(2026, 1, 1),
    }
    with Spool(tmp_path / "store", "made-up") as spool:
        spool.add("sae", [row])
    return sae


@pytest.fixture
def spec_for(model_folder: Path, corpus_file: Path) -> SpecFor:
    def make(**changes: object) -> PursuitSpec:
        settings = {
            "model": str(model_folder),
            "corpus": str(corpus_file),
            "hook_name": HOOK,
            "sae": "w64-k4",
            "context_length": LENGTH,
            "examples": 5,
        }
        return PursuitSpec.model_validate(settings | changes)

    return make


def activations_at(model: LanguageModel, corpus_file: Path, places: tuple[tuple[int, int], ...]) -> torch.Tensor:
    corpus = tokenize(load_corpus(str(corpus_file)), model, context_length=LENGTH)
    return torch.stack([model.activations(corpus.token_ids[[row]], HOOK)[0, position] for row, position in places])


def rows_of(tmp_path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    with Store.open(tmp_path / "store") as store:
        (run,) = store.query("SELECT * FROM pursuit_run ORDER BY created DESC LIMIT 1").to_dicts()
        codes = store.query(
            "SELECT pursuit_code.*, view.* EXCLUDE (pursuit_id) FROM pursuit_code JOIN pursuit_token AS view "
            "USING (pursuit_id, row) WHERE pursuit_id = $id ORDER BY row",
            id=run["pursuit_id"],
        ).to_dicts()
    return run, codes


def save_map(root: Path, *, hook_name: str = HOOK, study: str = "study", **about: str) -> torch.Tensor:
    """A linear map that says: a tenth of the activation. It has not seen the contexts 3 and 20."""
    folder = root / SAVED
    folder.mkdir(parents=True, exist_ok=True)
    weight = 0.1 * torch.eye(16, dtype=torch.float64)
    zeros = torch.zeros(16, dtype=torch.float64)
    tensors = {f"{SAE_ID}.weight": weight, f"{SAE_ID}.intercept": zeros, "activation_mean": zeros + 0.5}
    tensors["held_out_contexts"] = torch.tensor([3, 20])
    save_file(tensors, folder / f"{study}.safetensors", {"hook_name": hook_name, **about})
    return weight


def test_rows_are_what_the_library_gives(
    run_task: RunTask, spec_for: SpecFor, model: LanguageModel, sae: SAE, corpus_file: Path, tmp_path: Path
) -> None:
    run_task(spec_for(places=PLACES, l0=3))
    x = activations_at(model, corpus_file, PLACES)
    codes = gradient_pursuit(x - sae.b_dec, sae.W_dec, 3)
    run, rows = rows_of(tmp_path)
    assert [(row["context"], row["position"]) for row in rows] == list(PLACES)
    left = x - codes.decode(sae.W_dec) - sae.b_dec
    for row, indices, values, error, norms, steps in zip(
        rows, codes.indices, codes.values, left.norm(dim=1), codes.residual_norms, codes.steps, strict=True
    ):
        kept = values > 0
        assert row["latents_after"] == indices[kept].tolist()
        assert row["activations_after"] == pytest.approx(values[kept].tolist(), rel=1e-4)
        assert row["error_after"] == pytest.approx(float(error), rel=1e-4)
        assert row["residual_norms"] == pytest.approx(norms[: int(steps) + 1].tolist(), rel=1e-4)
        assert row["residual_norms"][-1] == pytest.approx(row["error_after"], rel=1e-3)
        assert row["nonlinear_before"] is None
        assert row["nonlinear_after"] is None
    error_before = (x - sae.reconstruct(x)).norm(dim=1)
    assert [row["error_before"] for row in rows] == pytest.approx(error_before.tolist(), rel=1e-4)
    deviation = x - x.mean(0)
    assert run["fvu_before"] == pytest.approx(float(error_before.square().sum() / deviation.square().sum()), rel=1e-4)
    assert run["fvu_after"] == pytest.approx(float(left.square().sum() / deviation.square().sum()), rel=1e-4)
    assert run["study_id"] is None
    assert run["fvu_nonlinear_after"] is None
    assert (run["l0_rule"], run["n_tokens"], run["n_excluded"]) == ("3", 4, 0)


@pytest.mark.parametrize("method", ["persistent", "dark_matter", "polish", "nnls", "orthogonal"])
def test_each_token_has_its_own_l0(
    run_task: RunTask, spec_for: SpecFor, model: LanguageModel, sae: SAE, corpus_file: Path, tmp_path: Path, method: str
) -> None:
    run_task(spec_for(places=PLACES, method=method))
    run, rows = rows_of(tmp_path)
    x = activations_at(model, corpus_file, PLACES)
    own = (sae.encode(x) > 1e-8).sum(1).tolist()
    assert run["l0_rule"] == "own"
    assert [row["l0_before"] for row in rows] == own
    assert all(row["l0_after"] <= row["l0_before"] for row in rows)
    assert all(row["n_kept"] + row["n_dropped"] == row["l0_before"] for row in rows)
    assert all(row["n_kept"] + row["n_added"] == row["l0_after"] for row in rows)
    if method == "orthogonal":
        best = orthogonal_matching_pursuit(x - sae.b_dec, sae.W_dec, torch.tensor(own)).residual_norm
        assert [row["error_after"] for row in rows] == pytest.approx(best.tolist(), rel=1e-3)


@pytest.mark.slow
def test_words_are_read_in_their_prompts(
    run_task: RunTask, spec_for: SpecFor, model: LanguageModel, sae: SAE, tmp_path: Path
) -> None:
    run_task(spec_for(words=(" dige", " axb"), l0=2))
    run, rows = rows_of(tmp_path)
    split = split_words(first_letter_words(model.tokenizer, model.token_surfaces), test_share=0.2, seed=42)
    prompts = first_letter_prompts([*split.train, *split.test], split.train, examples=5, seed=42)
    groups = encode_prompts(model, prompts).groups
    found = {
        prompt.word.surface: model.activations(group.tokens[[i]], HOOK)[0, group.word_position]
        for group in groups
        for i, prompt in enumerate(group.prompts)
    }
    x = torch.stack([found[" dige"], found[" axb"]])
    assert [row["context"] for row in rows] == [None, None]
    assert run["corpus_id"] is None
    errors = (x - sae.reconstruct(x)).norm(dim=1)
    assert [row["error_before"] for row in rows] == pytest.approx(errors.tolist(), rel=1e-3)


def test_a_saved_map_splits_the_errors(
    run_task: RunTask, spec_for: SpecFor, model: LanguageModel, sae: SAE, corpus_file: Path, tmp_path: Path
) -> None:
    weight = save_map(tmp_path / "store")
    run_task(spec_for(places=PLACES))
    run, rows = rows_of(tmp_path)
    x = activations_at(model, corpus_file, PLACES).double()
    error = x - sae.reconstruct(x.float())
    nonlinear = (error - x @ weight).norm(dim=1)
    assert run["study_id"] == "study"
    assert [row["nonlinear_before"] for row in rows] == pytest.approx(nonlinear.tolist(), rel=1e-4)
    squares = (x - 0.5).square().sum()
    assert run["fvu_nonlinear_before"] == pytest.approx(float(nonlinear.square().sum() / squares), rel=1e-4)
    # What pursuit changes of the reconstruction is fitted on all tokens of the corpus: the same fit, done directly.
    corpus = tokenize(load_corpus(str(corpus_file)), model, context_length=LENGTH)
    contexts = range(corpus.n_contexts)
    every = torch.cat([model.activations(corpus.token_ids[[c]], HOOK)[0][corpus.mask[c]] for c in contexts])
    indices, values = sae.encode_sparse(every)
    pursued = gradient_pursuit(every - sae.b_dec, sae.W_dec, (values > 1e-8).sum(1))
    change = (pursued.decode(sae.W_dec) + sae.b_dec - sae.decode_sparse(indices, values)).double()
    with_one = torch.cat([every.double(), torch.ones(len(every), 1, dtype=torch.float64)], 1)
    fitted = torch.linalg.lstsq(with_one, change).solution
    here = gradient_pursuit(x.float() - sae.b_dec, sae.W_dec, (sae.encode(x.float()) > 1e-8).sum(1))
    left = x - here.decode(sae.W_dec) - sae.b_dec - (x @ weight - torch.cat([x, torch.ones(4, 1)], 1) @ fitted)
    assert [row["nonlinear_after"] for row in rows] == pytest.approx(left.norm(dim=1).tolist(), rel=1e-2)
    assert len(list((tmp_path / "store" / "tensors" / "pursuit").iterdir())) == 1


def test_a_map_of_another_hook_point_is_none(run_task: RunTask, spec_for: SpecFor, sae: SAE, tmp_path: Path) -> None:
    save_map(tmp_path / "store", hook_name="blocks.1.hook_resid_post")
    run_task(spec_for(places=PLACES))
    assert rows_of(tmp_path)[0]["study_id"] is None
    with pytest.raises(JobError, match="study: 'study' has no linear map"):
        run_task(spec_for(places=PLACES, study="study"))


def test_random_tokens_are_drawn_by_seed_and_the_same_run_replaces_itself(
    run_task: RunTask, spec_for: SpecFor, sae: SAE, tmp_path: Path
) -> None:
    for _ in range(2):
        context = run_task(spec_for(random_tokens=6, l0=2))
    run, rows = rows_of(tmp_path)
    progress = ProgressReader(context.out.parent / "progress.jsonl").read()
    assert progress is not None
    assert progress.metrics["pursuit"] == run["pursuit_id"]
    shares = [float(share) for share in str(progress.metrics["residual"]).split()]
    longest = max(len(row["residual_norms"]) for row in rows)
    padded = [
        row["residual_norms"] + row["residual_norms"][-1:] * (longest - len(row["residual_norms"])) for row in rows
    ]
    squares = torch.tensor(padded).square().sum(0)
    assert shares == pytest.approx((squares / squares[0]).tolist(), rel=2e-3)
    assert len({(row["context"], row["position"]) for row in rows}) == 6
    assert run["chosen"] == "6 random tokens"
    with Store.open(tmp_path / "store") as store:
        assert store.query("SELECT count(*) AS n FROM pursuit_run")["n"][0] == 1


def test_random_tokens_are_of_contexts_that_the_linear_map_has_not_seen(
    run_task: RunTask, spec_for: SpecFor, model: LanguageModel, sae: SAE, corpus_file: Path, tmp_path: Path
) -> None:
    corpus = tokenize(load_corpus(str(corpus_file)), model, context_length=LENGTH)
    save_map(tmp_path / "store", corpus_id=corpus.corpus_id)
    run_task(spec_for(random_tokens=20, l0=2))
    assert {row["context"] for row in rows_of(tmp_path)[1]} == {3, 20}


def test_tokens_that_are_not_finite_are_counted(
    run_task: RunTask, spec_for: SpecFor, sae: SAE, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = named_tokens.tokens_at_places

    def with_hole(*arguments: Any, **settings: Any) -> Any:
        tokens = read(*arguments, **settings)
        tokens.activations[1, 3] = torch.nan
        return tokens

    monkeypatch.setattr(named_tokens, "tokens_at_places", with_hole)
    run_task(spec_for(places=PLACES))
    run, rows = rows_of(tmp_path)
    assert (run["n_tokens"], run["n_excluded"]) == (3, 1)
    assert [row["row"] for row in rows] == [0, 2, 3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"places": ((900, 1),)}, "places: 900:1 is no token"),
        ({"places": ((0, 0),)}, "places: 0:0 is no token"),
        ({"words": (" xyzzy",)}, "words: ' xyzzy' is not one of the"),
        ({"places": PLACES, "l0": 65}, "l0: 65 latents per token are more than the 64"),
        ({"random_tokens": 10_000}, "random_tokens: there are 839 tokens"),
        ({"places": PLACES, "corpus_id": "other"}, "corpus_id: .* but the places are in other"),
        ({"places": PLACES, "sae": "none"}, "has no SAE 'none'"),
    ],
)
def test_bad_input_says_what_is_wrong(
    run_task: RunTask, spec_for: SpecFor, sae: SAE, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(JobError, match=message):
        run_task(spec_for(**changes))


def test_a_spec_names_tokens_and_at_least_one_latent(spec_for: SpecFor) -> None:
    with pytest.raises(ValueError, match="no tokens"):
        spec_for()
    with pytest.raises(ValueError, match="greater than 0"):
        spec_for(places=PLACES, l0=0)
