import pytest
import torch

from saetui.letters.latents import SparseLatents, f1_scores, letter_latents
from saetui.letters.metrics import letter_metrics

# Six words of letters a a a b b b; latent 0 fires on two a, latent 1 on all b and one a, latent 2 never.
LETTERS = torch.tensor([0, 0, 0, 1, 1, 1])
LATENTS = SparseLatents(
    indices=torch.tensor([[0, 1], [0, 0], [0, 0], [1, 0], [1, 0], [1, 0]]),
    values=torch.tensor([[3.0, 1.0], [2.0, 0.0], [0.0, 0.0], [1.0, 0.0], [4.0, 0.0], [2.0, 0.0]]),
    width=3,
)
E3 = torch.eye(3)


def test_f1_of_all_latents_at_once() -> None:
    f1 = f1_scores(LATENTS, LETTERS)
    assert f1.shape == (26, 3)
    assert f1[0].tolist() == pytest.approx([2 * 2 / (3 + 2), 2 * 1 / (3 + 4), 0])
    assert f1[1].tolist() == pytest.approx([0, 2 * 3 / (3 + 4), 0])


def test_f1_agrees_with_the_one_by_one_metric() -> None:
    generator = torch.Generator().manual_seed(0)
    letters = torch.randint(0, 26, (300,), generator=generator)
    indices = torch.stack([torch.randperm(20, generator=generator)[:4] for _ in range(300)])
    values = torch.relu(torch.randn(300, 4, generator=generator))
    latents = SparseLatents(indices, values, 20)
    f1 = f1_scores(latents, letters)
    for letter in (0, 7, 25):
        for latent in (0, 13):
            expected = letter_metrics(latents.column(latent), letters == letter, threshold=1e-8).f1
            assert float(f1[letter, latent]) == pytest.approx(expected)


def test_the_papers_pick_is_listed_even_when_it_never_fires() -> None:
    directions = torch.zeros(26, 3)
    directions[0] = E3[2]
    directions[1] = E3[1]
    rows = letter_latents(LATENTS, LETTERS, encoder=2 * E3, decoder=E3, probe_directions=directions, top=2)
    assert [(r.latent, r.by_encoder) for r in rows["a"]] == [(0, False), (1, False), (2, True)]
    best = rows["a"][0]
    assert (best.precision, best.recall) == (1.0, pytest.approx(2 / 3))
    assert rows["a"][2].cos_encoder == pytest.approx(1.0)
    assert rows["b"][0].by_encoder
    assert rows["b"][0].precision == pytest.approx(3 / 4)


def test_auroc_is_the_pre_activations() -> None:
    """A latent that never fires still ranks the words by what it sees below its threshold."""
    seen = torch.tensor([3.0, 2.0, 1.0, 0.0, -1.0, 1.5])
    rows = letter_latents(
        LATENTS,
        LETTERS,
        E3,
        E3,
        torch.zeros(26, 3),
        top=1,
        pre_activations=lambda latents: seen[:, None].repeat(1, len(latents)),
    )
    # Of the nine pairs of an a and a b, 1.0 against 1.5 is out of order.
    assert rows["a"][0].auroc == pytest.approx(8 / 9)
    assert letter_latents(LATENTS, LETTERS, E3, E3, torch.zeros(26, 3), top=1)["a"][0].auroc == pytest.approx(2.5 / 3)
