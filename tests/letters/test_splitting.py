import pytest

from saetui.letters.splitting import main_latents, n_main


@pytest.mark.parametrize(
    ("f1", "expected"),
    [
        # It stops at the small third step, although a large one follows.
        ([0.60, 0.68, 0.70, 0.90], 2),
        ([0.9, 0.92], 1),
        ([0.5, 0.56, 0.62], 3),
        ([0.4], 1),
        ([0.0, 0.0], 1),
        ([0.5, 0.4, 0.9], 1),
    ],
)
def test_the_walk_ends_at_the_first_small_step(f1: list[float], expected: int) -> None:
    assert n_main(f1) == expected


def test_a_step_of_exactly_tau_does_not_count() -> None:
    assert n_main([0.5, 0.75], tau=0.25) == 1
    assert n_main([0.5, 0.75], tau=0.2499) == 2


def test_main_latents_are_the_first_of_the_ranking() -> None:
    assert main_latents([7, 3, 9], [0.5, 0.6, 0.61]) == [7, 3]
    # F1 with one, three and five latents: the second set adds two at once.
    assert main_latents([7, 3, 9, 1, 4], [0.5, 0.6, 0.61], ks=[1, 3, 5]) == [7, 3, 9]


def test_an_empty_sequence_is_refused() -> None:
    with pytest.raises(ValueError, match="one entry"):
        n_main([])
