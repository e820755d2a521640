"""Batches drawn at random from a stream of activations, through a buffer in memory."""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

BUFFER_TOKENS = 1 << 20


def shuffled_batches(
    activations: Iterable[Float[Tensor, "n d_in"]],
    batch_size: int,
    *,
    buffer_tokens: int = BUFFER_TOKENS,
    seed: int = 0,
    keep_last: bool = False,
) -> Iterator[Float[Tensor, "batch d_in"]]:
    """Batches of tokens that stood far apart in the stream.

    The buffer fills up, half of it is given out at random, and the places that became free fill up again; at the end of
    the stream all of it is given out. Every token comes once, except for a remainder that does not fill a batch, which
    comes only with ``keep_last``. The buffer holds ``buffer_tokens`` tokens, and at least two batches.
    """
    capacity = max(buffer_tokens, 2 * batch_size)
    generator = torch.Generator().manual_seed(seed)
    storage: Tensor | None = None
    free, filled = torch.arange(capacity), torch.arange(0)
    for activation in activations:
        rest = activation
        while rest.shape[0]:
            if storage is None:
                storage = rest.new_empty(capacity, rest.shape[1])
            places = free[: rest.shape[0]]
            storage[places.to(storage.device)] = rest[: places.shape[0]]
            rest = rest[places.shape[0] :]
            free, filled = free[places.shape[0] :], torch.cat([filled, places])
            if not free.shape[0]:
                order = filled[torch.randperm(filled.shape[0], generator=generator)]
                n_out = capacity // 2 // batch_size * batch_size
                free, filled = order[:n_out], order[n_out:]
                yield from _rows(storage, free, batch_size)
    if storage is not None:
        order = filled[torch.randperm(filled.shape[0], generator=generator)]
        n_out = order.shape[0] if keep_last else order.shape[0] // batch_size * batch_size
        yield from _rows(storage, order[:n_out], batch_size)


def _rows(storage: Float[Tensor, "n d_in"], order: Tensor, batch_size: int) -> Iterator[Float[Tensor, "batch d_in"]]:
    for places in torch.split(order, batch_size):
        if places.shape[0]:
            yield storage[places.to(storage.device)]
