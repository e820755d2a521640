"""Batches drawn at random from a stream of activations, through a buffer in memory."""

from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

BUFFER_TOKENS = 1 << 20


def shuffled_batches(
    activations: Iterable[Shaped[Tensor, "n *d_in"]],
    batch_size: int,
    *,
    buffer_tokens: int = BUFFER_TOKENS,
    seed: int = 0,
    keep_last: bool = False,
) -> Iterator[Shaped[Tensor, "batch *d_in"]]:
    """Batches of tokens that stood far apart in the stream.

    The buffer fills up, half of it is given out at random, and the places that became free fill up again; at the end of
    the stream all of it is given out. Every token comes once, except for a remainder that does not fill a batch, which
    comes only with ``keep_last``. The buffer holds ``buffer_tokens`` tokens, and at least two batches. It is on the
    device of the activations; numbers of tokens in their place come in the same order.
    """
    capacity = max(buffer_tokens, 2 * batch_size)
    generator = torch.Generator().manual_seed(seed)
    storage: Tensor | None = None
    free, filled = torch.arange(capacity), torch.arange(0)
    for activation in activations:
        rest = activation
        while rest.shape[0]:
            if storage is None:
                storage = rest.new_empty(capacity, *rest.shape[1:])
            places = free[: rest.shape[0]]
            storage[_sent(places, storage.device)] = rest[: places.shape[0]]
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


def sent_ahead(
    batches: Iterable[Float[Tensor, "batch d_in"]], device: torch.device
) -> Iterator[Float[Tensor, "batch d_in"]]:
    """The batches on a device: while one is worked on, the next one is on its way, by a stream of its own."""
    if device.type == "cpu":
        yield from batches
        return
    side = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    waiting: tuple[Tensor, torch.cuda.Event] | None = None
    for batch in batches:
        if batch.device.type != "cpu":
            yield batch
            continue
        with torch.cuda.stream(side):
            sent = batch.pin_memory().to(device, non_blocking=True)
        on_its_way = sent, side.record_event()
        if waiting is not None:
            yield _arrived(*waiting)
        waiting = on_its_way
    if waiting is not None:
        yield _arrived(*waiting)


def _arrived(sent: Tensor, event: torch.cuda.Event) -> Tensor:
    """A batch that the current stream may read; its memory is given back only when that is done."""
    stream = torch.cuda.current_stream(sent.device)
    stream.wait_event(event)
    sent.record_stream(stream)
    return sent


def _sent(places: Int[Tensor, " n"], device: torch.device) -> Int[Tensor, " n"]:
    return places if device.type == "cpu" else places.pin_memory().to(device, non_blocking=True)


def _rows(storage: Shaped[Tensor, "n *d_in"], order: Tensor, batch_size: int) -> Iterator[Tensor]:
    for places in torch.split(order, batch_size):
        if places.shape[0]:
            yield storage[_sent(places, storage.device)]
