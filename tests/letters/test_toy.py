from functools import cache
from itertools import pairwise

import pytest
import torch

from saetui.letters.latents import SparseLatents
from saetui.letters.projection import projection_verdicts
from saetui.letters.toy import CHILD, PARENT, delta_cost, delta_sae
from saetui.letters.toy_training import FREQUENCIES, ToySAE, World, toy_inputs, train_toys

NOTHING, ONLY_PARENT, BOTH = [0.0, 0.0], [1.0, 0.0], [1.0, 1.0]
INPUTS = torch.tensor([NOTHING, ONLY_PARENT, BOTH])


@pytest.mark.parametrize("delta", [0.0, 0.3, 0.5, 1.0])
def test_every_delta_reconstructs_exactly(delta: float) -> None:
    sae = delta_sae(delta)
    torch.testing.assert_close(sae.encode(INPUTS), torch.tensor([[0, 0], [1, 0], [1 - delta, 1]]), rtol=0, atol=1e-7)
    torch.testing.assert_close(sae.reconstruct(INPUTS), INPUTS, rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("delta", "l1", "norm_weighted"), [(0, 0.3, 0.3), (0.5, 0.275, 0.280901699), (1, 0.25, 0.270710678)]
)
def test_costs_are_those_worked_out_by_hand(delta: float, l1: float, norm_weighted: float) -> None:
    cost = delta_cost(delta, p_both=0.05, p_parent=0.2)
    assert cost.l1 == pytest.approx(l1, abs=1e-9)
    assert cost.norm_weighted == pytest.approx(norm_weighted, abs=1e-9)


@pytest.mark.parametrize("delta", [0.0, 0.25, 0.7, 1.0])
def test_costs_are_those_of_the_latents(delta: float) -> None:
    sae, shares = delta_sae(delta), torch.tensor([0.75, 0.2, 0.05])
    cost = delta_cost(delta, p_both=0.05, p_parent=0.2)
    latents = sae.encode(INPUTS)
    assert float(shares @ latents.sum(1)) == pytest.approx(cost.l1, abs=1e-7)
    assert float(shares @ (latents @ sae.W_dec.norm(dim=1))) == pytest.approx(cost.norm_weighted, abs=1e-7)


def test_more_absorption_always_costs_less() -> None:
    costs = [delta_cost(step / 20, p_both=0.05, p_parent=0.2) for step in range(21)]
    assert all(after.l1 < before.l1 for before, after in pairwise(costs))
    assert all(after.norm_weighted < before.norm_weighted for before, after in pairwise(costs))


@pytest.mark.parametrize(("delta", "fraction", "full"), [(1.0, 1.0, True), (0.5, 0.5, False), (0.0, 0.0, False)])
def test_the_projection_metric_reads_delta(delta: float, fraction: float, full: bool) -> None:
    sae, both = delta_sae(delta), torch.tensor([BOTH])
    latents = SparseLatents.of_dense(sae.encode(both))
    along = sae.W_dec[:, PARENT]
    (verdict,) = projection_verdicts(
        latents, latents.values * along[latents.indices], sae.decoder_directions()[:, PARENT], both[:, PARENT], [PARENT]
    )
    assert verdict.fraction == pytest.approx(fraction, abs=1e-9)
    assert verdict.full == full


def test_a_share_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"delta is 1\.5"):
        delta_sae(1.5)
    with pytest.raises(ValueError, match="p_both is -1"):
        delta_cost(0.5, p_both=-1, p_parent=0.2)


@pytest.mark.parametrize("world", ["independent", "hierarchical", "noisy"])
def test_worlds_have_the_frequencies_that_they_should(world: World) -> None:
    inputs = toy_inputs(world)
    assert float(inputs.shares.sum()) == pytest.approx(1)
    on = inputs.features > 0
    assert [float(inputs.shares[on[:, i]].sum()) for i in range(4)] == pytest.approx(list(FREQUENCIES))
    alone = float(inputs.shares[on[:, CHILD] & ~on[:, PARENT]].sum())
    assert alone == pytest.approx(0.05 * 0.75 if world == "independent" else 0)
    parents = inputs.features[on[:, PARENT], PARENT]
    shares = inputs.shares[on[:, PARENT]] / 0.25
    assert float(shares @ parents) == pytest.approx(1)
    assert float(shares @ (parents - 1).square()) == pytest.approx(0.01 if world == "noisy" else 0, abs=1e-6)


def test_an_unknown_world_is_named() -> None:
    with pytest.raises(ValueError, match="'flat'"):
        toy_inputs("flat")  # type: ignore[arg-type]


@cache
def _trained(seed: int) -> dict[World, ToySAE]:
    return train_toys(["independent", "hierarchical", "noisy"], seed=seed)


def _fires(toy: ToySAE, parent: float, child: float) -> list[float]:
    return toy.latents(torch.tensor([[parent, child, 0.0, 0.0]]))[0, :2].tolist()


@pytest.mark.slow
def test_independent_features_have_a_latent_each() -> None:
    toy = _trained(0)["independent"]
    torch.testing.assert_close(toy.encoder_cosines, torch.eye(4), rtol=0, atol=0.05)
    torch.testing.assert_close(toy.decoder_cosines, torch.eye(4), rtol=0, atol=0.05)
    assert _fires(toy, 1, 1) == pytest.approx([1, 1], abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_a_child_absorbs_its_parent(seed: int) -> None:
    toy = _trained(seed)["hierarchical"]
    # The parent's latent reads "parent and no child"; the child's latent writes both.
    half = 0.5**0.5
    torch.testing.assert_close(toy.encoder_cosines[PARENT, :2], torch.tensor([half, -half]), rtol=0, atol=0.03)
    torch.testing.assert_close(toy.decoder_cosines[CHILD, :2], torch.tensor([half, half]), rtol=0, atol=0.03)
    torch.testing.assert_close(toy.decoder_cosines[PARENT, :2], torch.tensor([1.0, 0.0]), rtol=0, atol=0.03)
    assert _fires(toy, 1, 0) == pytest.approx([1, 0], abs=0.02)
    parent, child = _fires(toy, 1, 1)
    assert parent == pytest.approx(0, abs=0.02)
    assert child == pytest.approx(2**0.5, abs=0.02)
    # Nothing is lost: the child's latent writes the parent too.
    torch.testing.assert_close(toy.written(torch.tensor([[1.0, 1, 0, 0]]))[0, :2], torch.ones(2), rtol=0, atol=0.02)


def test_noise_makes_absorption_partial() -> None:
    """The paper's figures: on both features, child 1.27 and parent 0.22, which is 0 from a magnitude of 0.75 down."""
    toy = _trained(0)["noisy"]
    parent, child = _fires(toy, 1, 1)
    assert parent == pytest.approx(0.22, abs=0.04)
    assert child == pytest.approx(1.27, abs=0.04)
    assert _fires(toy, 0.7, 1)[0] == 0
    assert _fires(toy, 0.85, 1)[0] > 0


def test_training_reports_every_step() -> None:
    seen: list[tuple[int, int]] = []
    train_toys(["hierarchical"], steps=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_toys_do_not_depend_on_each_other() -> None:
    together, alone = train_toys(["noisy", "independent"], steps=50), train_toys(["independent"], steps=50)
    torch.testing.assert_close(together["independent"].sae.W_enc, alone["independent"].sae.W_enc)


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="steps is 0"):
        train_toys(["noisy"], steps=0)
