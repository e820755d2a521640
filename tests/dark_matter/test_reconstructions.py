"""Reading a corpus for several SAEs: which tokens come, what is kept, and what is refused."""

import pytest
import torch

from saetui.dark_matter import decompose_errors, split_contexts
from saetui.dark_matter.reconstructions import Reconstructions
from saetui.lm import HookPointError
from tests.dark_matter.copy_model import CopyModel, ScalingSAE, random_corpus

CORPUS = random_corpus()


def reader(model: CopyModel | None = None, **settings: int) -> Reconstructions:
    saes = {"half": ScalingSAE(0.5), "most": ScalingSAE(0.9)}
    return Reconstructions(model or CopyModel(), CORPUS, saes, **settings)  # type: ignore[arg-type]


def test_tokens_that_count_come_once_with_reconstructions() -> None:
    batches = list(reader(batch_size=2)(torch.tensor([1, 4, 11])))
    assert [len(batch) for batch in batches] == [38, 9]
    rows = batches[0]
    assert torch.equal(rows.context, torch.tensor([1, 4]).repeat_interleave(19))
    assert torch.equal(rows.position, torch.arange(1, 20).repeat(2))
    assert rows.token_id is not None
    assert torch.equal(rows.token_id, CORPUS.token_ids[rows.context, rows.position])
    torch.testing.assert_close(rows.reconstructions["half"], 0.5 * rows.activations)
    assert rows.l0["most"].tolist() == [1] * 38


def test_positions_before_the_first_are_left_out() -> None:
    read = reader(first_position=15)
    (rows,) = read(torch.tensor([0, 11]))
    assert rows.position.tolist() == [15, 16, 17, 18, 19]
    assert read.token_set.difference(reader().token_set) == "tokens corpus from position 15 and corpus"


@pytest.mark.parametrize(("kept_bytes", "passes"), [(1 << 20, 3), (0, 6)])
def test_batches_that_fit_into_memory_are_kept(kept_bytes: int, passes: int) -> None:
    model = CopyModel()
    read = reader(model, batch_size=2, kept_bytes=kept_bytes)
    contexts = torch.arange(6)
    first, again = list(read(contexts)), list(read(contexts))
    assert model.passes == passes
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one.activations, other.activations)


def test_a_study_from_corpus_to_figures() -> None:
    read = reader()
    with pytest.warns(UserWarning, match="vary in 4 directions only, of 5"):  # One-hot rows add up to 1.
        study = decompose_errors(read, split_contexts(CORPUS.n_contexts), token_set=read.token_set, n_replicates=10)
    assert len(study.tokens) == CORPUS.n_tokens
    assert study.fits["half"].shrinkage.factor == pytest.approx(0.5)
    assert study.fits["half"].shrinkage.flagged
    assert study.fits["most"].fvu_sae < study.fits["half"].fvu_sae  # type: ignore[operator]
    assert study.token_set.tokens == "corpus"
    assert study.token_set.hook_name == "site"


def test_hook_points_must_be_one() -> None:
    def read(*saes: ScalingSAE, hook_name: str | None = None) -> Reconstructions:
        named = {f"sae {i}": sae for i, sae in enumerate(saes)}
        return Reconstructions(CopyModel(), CORPUS, named, hook_name=hook_name)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match="sae 0 is at site, but sae 1 at early"):
        read(ScalingSAE(1.0), ScalingSAE(1.0, "early"))
    with pytest.raises(ValueError, match="the study is at early, but sae 0 at site"):
        read(ScalingSAE(1.0), hook_name="early")
    with pytest.raises(ValueError, match="no SAE says which hook point"):
        read(ScalingSAE(1.0, None))
    with pytest.raises(ValueError, match="no SAEs"):
        read()
    with pytest.raises(HookPointError):
        read(ScalingSAE(1.0, d_in=3))
    assert read(ScalingSAE(1.0, None), ScalingSAE(1.0)).hook_name == "site"
