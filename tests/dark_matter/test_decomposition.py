"""Several SAEs over one token set: the same figures as one at a time, and every token accounted for."""

from collections.abc import Iterable

import pytest
import torch
from jaxtyping import Int
from torch import Tensor

from saetui.dark_matter import ErrorBatch, TokenSet, decompose_errors, require_same_tokens, split_contexts

CONTEXTS, LENGTH, D = 30, 40, 6


class Tokens:
    """Activations of contexts that differ from each other, and reconstructions that miss more and more."""

    def __init__(self, *names: str, batch: int = 4) -> None:
        generator = torch.Generator().manual_seed(0)
        n = CONTEXTS * LENGTH
        self.context = torch.arange(CONTEXTS).repeat_interleave(LENGTH)
        self.position = torch.arange(LENGTH).repeat(CONTEXTS)
        own = torch.randn(CONTEXTS, D, generator=generator).repeat_interleave(LENGTH, dim=0)
        self.x = own + torch.randn(n, D, generator=generator)
        self.saes = {}
        for i, name in enumerate(("one", "two", "three")):
            error = 0.1 * (i + 1) * self.x + 0.2 * torch.relu(self.x) + 0.1 * torch.randn(n, D, generator=generator)
            if name in names:
                self.saes[name] = self.x - error
        self.batch = batch
        self.reads: list[int] = []

    def __call__(self, contexts: Int[Tensor, " m"]) -> Iterable[ErrorBatch]:
        self.reads.append(len(contexts))
        for some in contexts.split(self.batch):
            rows = torch.isin(self.context, some).nonzero(as_tuple=True)[0]
            yield ErrorBatch(
                self.x[rows],
                {name: reconstruction[rows] for name, reconstruction in self.saes.items()},
                self.context[rows],
                self.position[rows],
                token_id=self.position[rows] % 7,
                l0={name: torch.full((len(rows),), 3) for name in self.saes},
            )


SPLIT = split_contexts(CONTEXTS, seed=3)


def test_together_is_the_same_as_one_at_a_time() -> None:
    names = ("one", "two", "three")
    together = decompose_errors(Tokens(*names), SPLIT, n_replicates=30)
    for name in names:
        alone = decompose_errors(Tokens(name, batch=7), SPLIT, n_replicates=30).fits[name]
        shared = together.fits[name]
        for figure, estimate in alone.estimates.items():
            assert shared.estimates[figure].value == pytest.approx(estimate.value, rel=1e-6)
            assert shared.estimates[figure].low == pytest.approx(estimate.low, rel=1e-6)
            assert shared.estimates[figure].low < estimate.value < shared.estimates[figure].high  # type: ignore[operator]
        torch.testing.assert_close(shared.map.weight, alone.map.weight)
        assert shared.shrinkage.r2.value == pytest.approx(alone.shrinkage.r2.value, rel=1e-6)
    fvus = [together.fits[name].fvu_sae for name in names]
    assert fvus == sorted(fvus)  # type: ignore[type-var]


def test_the_variance_is_that_of_all_finite_rows() -> None:
    tokens = Tokens("one")
    tokens.x += 1000.0
    tokens.x[[5, 700]] = torch.nan
    finite = tokens.x[torch.isfinite(tokens.x).all(dim=1)].double()
    study = decompose_errors(tokens, SPLIT, n_replicates=2)
    assert study.excluded.rows == 2
    assert study.variance == pytest.approx(float((finite - finite.mean(0)).square().sum(1).mean()), rel=1e-9)


def test_each_token_in_reading_order_with_its_norms() -> None:
    tokens = Tokens("one", "two")
    study = decompose_errors(tokens, SPLIT, n_replicates=10)
    rows = study.tokens
    assert torch.equal(rows.context, tokens.context)
    assert torch.equal(rows.position, tokens.position)
    assert torch.equal(rows.held_out, torch.isin(tokens.context, SPLIT.test))
    assert rows.token_id is not None
    assert torch.equal(rows.token_id, tokens.position % 7)
    torch.testing.assert_close(rows.activation_norm, tokens.x.norm(dim=1))
    fit, of_sae = study.fits["two"], rows.saes["two"]
    error = (tokens.x - tokens.saes["two"]).double()
    linear = fit.linear_error(tokens.x)
    for measured, vectors in (
        (of_sae.error_norm, error),
        (of_sae.linear_norm, linear),
        (of_sae.nonlinear_norm, error - linear),
        (of_sae.reconstruction_norm, tokens.saes["two"].double()),
    ):
        torch.testing.assert_close(measured, vectors.norm(dim=1).float())
    assert of_sae.l0 is not None
    assert of_sae.l0.tolist() == [3] * len(rows)


def test_tokens_are_read_once_more_than_fitted() -> None:
    tokens, seen = Tokens("one"), []
    decompose_errors(tokens, SPLIT, n_replicates=2, progress=lambda done, total: seen.append((done, total)))
    assert tokens.reads == [18, 18, 12]
    assert seen == sorted(seen)
    assert seen[-1] == (48, 48)


def test_a_row_that_fails_for_one_sae_is_left_out_for_all() -> None:
    tokens = Tokens("one", "two")
    tokens.saes["two"][100] = torch.nan
    with pytest.warns(UserWarning, match=r"1 tokens .* \(two 1\)"):
        study = decompose_errors(tokens, SPLIT, n_replicates=10)
    assert len(study.tokens) == CONTEXTS * LENGTH - 1
    assert study.fits["one"].excluded.rows == 1
    assert study.notes == study.fits["one"].notes


def test_reconstructions_of_another_shape_are_refused() -> None:
    tokens = Tokens("one", "two")
    tokens.saes["two"] = tokens.saes["two"][:, :5]
    with pytest.raises(ValueError, match=r"two: reconstructions of shape \(160, 5\) do not fit"):
        decompose_errors(tokens, SPLIT)


def test_sides_without_tokens_are_refused() -> None:
    tokens = Tokens("one")
    with pytest.raises(ValueError, match="train contexts hold no"):
        decompose_errors(lambda _: [], SPLIT)
    with pytest.raises(ValueError, match="test contexts hold no"):
        decompose_errors(lambda c: tokens(c) if len(c) == len(SPLIT.train) else [], SPLIT)


def test_saes_of_different_studies_are_not_put_together() -> None:
    here = TokenSet(tokens="shakespeare", hook_name="blocks.1.hook_resid_post")
    one = decompose_errors(Tokens("one"), SPLIT, token_set=here, n_replicates=2).token_set
    other_split = decompose_errors(
        Tokens("one"), split_contexts(CONTEXTS, seed=4), token_set=here, n_replicates=2
    ).token_set
    require_same_tokens({"one": one, "two": one})
    with pytest.raises(ValueError, match=r"one and two cannot be put together: .* different split"):
        require_same_tokens({"one": one, "two": other_split})
    with pytest.raises(ValueError, match="different tokens shakespeare and unnamed"):
        require_same_tokens({"one": here, "two": TokenSet(hook_name=here.hook_name)})
    with pytest.raises(ValueError, match=r"hook point blocks\.1\.hook_resid_post and blocks\.2\.hook_resid_post"):
        require_same_tokens({"one": here, "two": TokenSet("shakespeare", "blocks.2.hook_resid_post")})


def test_split_is_seeded_and_by_context() -> None:
    assert (len(SPLIT.train), len(SPLIT.test)) == (18, 12)
    assert torch.equal(torch.cat([SPLIT.train, SPLIT.test]).sort().values, torch.arange(CONTEXTS))
    assert torch.equal(split_contexts(CONTEXTS, seed=3).train, SPLIT.train)
    assert not torch.equal(split_contexts(CONTEXTS, seed=4).train, SPLIT.train)
    assert len(split_contexts([5, 5, 9]).train) == 1
    with pytest.raises(ValueError, match="1 contexts cannot be split"):
        split_contexts(1)
    with pytest.raises(ValueError, match="train_share"):
        split_contexts(5, train_share=1.0)
