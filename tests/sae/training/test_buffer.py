"""The shuffling buffer: every token once, in another order, in bounded memory."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from saetui.sae.training.buffer import shuffled_batches


def numbered(n: int, part: int) -> Iterator[Tensor]:
    """Rows that hold their own number, in parts; one part is empty."""
    rows = torch.arange(n).float()[:, None].expand(n, 3)
    yield rows[:0]
    yield from rows.split(part)


@pytest.mark.parametrize("part", [1, 7, 100, 1000])
@pytest.mark.parametrize("buffer_tokens", [10, 128, 10_000])
def test_every_token_comes_once(part: int, buffer_tokens: int) -> None:
    batches = list(shuffled_batches(numbered(500, part), 16, buffer_tokens=buffer_tokens, keep_last=True))
    seen = torch.cat(batches)[:, 0]
    assert torch.equal(seen.sort().values, torch.arange(500).float())
    assert not torch.equal(seen, torch.arange(500).float())
    assert {batch.shape[0] for batch in batches[:-1]} == {16}


def test_a_rest_that_fills_no_batch_is_dropped() -> None:
    batches = list(shuffled_batches(numbered(50, 7), 16))
    assert [batch.shape for batch in batches] == [(16, 3)] * 3


def test_batches_mix_tokens_from_afar() -> None:
    batches = list(shuffled_batches(numbered(4000, 50), 100, buffer_tokens=1000))
    assert float(torch.stack([batch[:, 0].std() for batch in batches]).mean()) > 250


def test_no_more_is_read_than_the_buffer_holds() -> None:
    read = 0

    def counted() -> Iterator[Tensor]:
        nonlocal read
        for part in numbered(10_000, 50):
            read += part.shape[0]
            yield part

    batches = shuffled_batches(counted(), 10, buffer_tokens=400)
    next(batches)
    assert read <= 450


def test_the_seed_decides_the_order() -> None:
    def first(seed: int) -> Tensor:
        return next(shuffled_batches(numbered(100, 10), 10, seed=seed))

    assert torch.equal(first(1), first(1))
    assert not torch.equal(first(1), first(2))


def test_batches_are_copies() -> None:
    batches = shuffled_batches(numbered(100, 10), 10, buffer_tokens=20)
    first = next(batches)
    kept = first.clone()
    list(batches)
    assert torch.equal(first, kept)
