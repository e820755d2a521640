"""The forms in which long tables are stored, made from rows in the order they were read: sorted, or as lists."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

_Places = npt.NDArray[np.uint64]


def by_latent(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by latent, strongest first: latent, activation, context, position.

    Activations that agree in their leading bits (14 or more, fewer only where there are over 2^20 latents) may stay in
    the order of reading.
    """
    latent = _column(rows, "latent", np.uint64)
    activation = _column(rows, "activation", np.float32)
    bits = activation.view(np.uint32)
    # Floats compare like integers once the sign is folded in; the complement puts the strongest first.
    falling = ~(bits ^ np.where(bits >> 31, np.uint32(0xFFFFFFFF), np.uint32(0x80000000)))
    row_bits = rows.height.bit_length()
    kept = min(32, 64 - int(latent.max()).bit_length() - row_bits)
    # Latent, activation and row number in one integer: sorting plain integers is the fastest sort there is.
    keys = latent << np.uint64(kept + row_bits)
    keys |= (falling >> np.uint32(32 - kept)).astype(np.uint64) << np.uint64(row_bits)
    keys |= np.arange(rows.height, dtype=np.uint64)
    keys.sort()
    order = (keys & np.uint64((1 << row_bits) - 1)).astype(np.int64)
    return pl.DataFrame(
        {
            "latent": (keys >> np.uint64(kept + row_bits)).astype(np.uint32),
            "activation": activation[order],
            "context": _column(rows, "context", np.uint32)[order],
            "position": _column(rows, "position", np.uint16)[order],
        }
    )


def by_token(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a token with the list of its latents: context, position, latents."""
    context, position = _column(rows, "context", np.uint32), _column(rows, "position", np.uint16)
    latent = _column(rows, "latent", np.uint32)
    place: _Places = context.astype(np.uint64) << np.uint64(16) | position
    if (place[1:] < place[:-1]).any():
        order = np.argsort(place, kind="stable")
        context, position, latent, place = context[order], position[order], latent[order], place[order]
    starts = np.flatnonzero(np.concatenate([[True], place[1:] != place[:-1]]))
    offsets = pa.array(np.append(starts, len(place)).astype(np.int64))
    lists = pl.from_arrow(pa.LargeListArray.from_arrays(offsets, pa.array(latent)))
    return pl.DataFrame({"context": context[starts], "position": position[starts], "latents": lists})


def by_context(rows: pl.DataFrame) -> pl.DataFrame:
    """One row a context with its tokens, NULL at positions that have none: context, token_ids."""
    context, position = _column(rows, "context", np.uint32), _column(rows, "position", np.uint16)
    order = np.argsort(context, kind="stable")
    context, position, token = context[order], position[order], _column(rows, "token_id", np.uint32)[order]
    starts = np.flatnonzero(np.concatenate([[True], context[1:] != context[:-1]]))
    lengths = np.maximum.reduceat(position, starts).astype(np.int64) + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values, missing = np.zeros(offsets[-1], np.uint32), np.ones(offsets[-1], bool)
    at = np.repeat(offsets[:-1], np.diff(np.append(starts, len(context)))) + position
    values[at], missing[at] = token, False
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), pa.array(values, mask=missing))
    return pl.DataFrame({"context": context[starts], "token_ids": pl.from_arrow(lists)})


def _column(rows: pl.DataFrame, name: str, kind: type[np.generic]) -> npt.NDArray[Any]:
    return rows[name].to_numpy().astype(kind, copy=False)
