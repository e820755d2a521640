import pytest
import torch

from saetui.letters.metrics import letter_metrics
from saetui.letters.probes import ProbeSettings, probe_metrics, train_probes, usable_letters
from saetui.letters.vocabulary import LETTERS


@pytest.mark.slow
def test_one_hot_letters_are_told_apart_perfectly() -> None:
    letters = torch.arange(26).repeat(20)
    x = 5 * torch.eye(26)[letters]
    probes = train_probes(x, letters)
    metrics = probe_metrics(probes, x, letters)
    assert [m.f1 for m in metrics] == [1.0] * 26
    assert torch.allclose(probes.directions.norm(dim=1), torch.ones(26))
    assert (probes.directions.argmax(1) == torch.arange(26)).all()


def test_probes_are_the_same_for_the_same_seed() -> None:
    letters = torch.arange(26).repeat(4)
    x = torch.randn(104, 8, generator=torch.Generator().manual_seed(0))
    first, again = (train_probes(x, letters, ProbeSettings(epochs=3)) for _ in range(2))
    assert torch.equal(first.weight, again.weight)


def test_small_vocabularies_get_steps_unless_parity_is_asked() -> None:
    assert ProbeSettings().batch_for(9600) == 100
    assert ProbeSettings().batch_for(10**6) == 4096
    assert ProbeSettings(parity=True).batch_for(1600) == 4096


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_non_finite_activations_are_refused(bad: float) -> None:
    x = torch.ones(26, 4)
    x[3, 2] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        train_probes(x, torch.arange(26))


def test_metrics_are_those_worked_out_by_hand() -> None:
    scores = torch.tensor([2.0, 1.0, -1.0, 3.0, -2.0])
    positive = torch.tensor([True, True, True, False, False])
    metrics = letter_metrics(scores, positive)
    assert metrics.precision == pytest.approx(2 / 3)
    assert metrics.recall == pytest.approx(2 / 3)
    assert metrics.f1 == pytest.approx(2 / 3)
    # Pairs of a positive and a negative in the right order: (2,-2) (1,-2) (-1,-2) of six.
    assert metrics.auroc == pytest.approx(0.5)
    assert metrics.support == 3


def test_metrics_without_positives_are_zero_and_areas_undefined() -> None:
    metrics = letter_metrics(torch.tensor([-1.0, -1.0]), torch.tensor([False, False]))
    assert (metrics.precision, metrics.recall, metrics.f1, metrics.auroc) == (0.0, 0.0, 0.0, None)


@pytest.mark.slow
def test_usable_letters_need_words_and_a_working_probe() -> None:
    letters = torch.arange(26).repeat(20)
    x = 5 * torch.eye(26)[letters]
    x[letters == 3] = 5 * torch.eye(26)[4:24]
    metrics = probe_metrics(train_probes(x, letters), x, letters)
    usable = usable_letters(metrics, ["a"])
    assert usable == [c for c in LETTERS if c not in "ad"]
