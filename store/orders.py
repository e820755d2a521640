"""The forms in which long tables are stored, made from rows in the order they were read: sorted, or as lists."""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

_Array = npt.NDArray[Any]


def by_latent(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by latent, strongest first: latent, activation, context, position.

    Activations that agree in their leading bits (14 or more, fewer only where there are over 2^20 latents) may stay in
    the order of reading.
    """
    latent = _column(rows, "latent", pl.UInt64)
    activation = _column(rows, "activation", pl.Float32)
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
            "context": _column(rows, "context", pl.UInt32)[order],
            "position": _column(rows, "position", pl.UInt16)[order],
        }
    )


def by_token(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per token with the list of its latents: context, position, latents."""
    context, position = _column(rows, "context", pl.UInt32), _column(rows, "position", pl.UInt16)
    latent = _column(rows, "latent", pl.UInt32)
    place = context.astype(np.uint64) << np.uint64(16) | position
    if (place[1:] < place[:-1]).any():
        order = np.argsort(place, kind="stable")
        context, position, latent, place = context[order], position[order], latent[order], place[order]
    starts = _starts(place)
    latents = _lists(np.append(starts, len(place)), latent)
    return pl.DataFrame({"context": context[starts], "position": position[starts], "latents": latents})


def by_context(rows: pl.DataFrame) -> pl.DataFrame:
    """One row per context with its tokens, NULL at positions that have none: context, token_ids."""
    context, position = _column(rows, "context", pl.UInt32), _column(rows, "position", pl.UInt16)
    order = np.argsort(context, kind="stable")
    context, position, token = context[order], position[order], _column(rows, "token_id", pl.UInt32)[order]
    starts = _starts(context)
    lengths = np.maximum.reduceat(position, starts).astype(np.int64) + 1
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    at = np.repeat(offsets[:-1], np.diff(np.append(starts, len(context)))) + position
    values, known = np.zeros(offsets[-1], np.uint32), np.zeros(offsets[-1], bool)
    values[at], known[at] = token, True
    return pl.DataFrame({"context": context[starts], "token_ids": _lists(offsets, values, known)})


def _column(rows: pl.DataFrame, name: str, kind: type[pl.DataType]) -> _Array:
    return rows[name].cast(kind).to_numpy()


def _starts(values: _Array) -> _Array:
    """Where runs of equal values begin."""
    return np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))


def _lists(offsets: _Array, values: _Array, known: _Array | None = None) -> pl.Series:
    """Lists of unsigned integers that lie one after the other, each from an offset to the next."""
    # From buffers, since `pyarrow.array` imports pandas where it is installed, which takes longer than all else here.
    valid = None if known is None else pa.py_buffer(np.packbits(known, bitorder="little"))
    flat = pa.Array.from_buffers(pa.uint32(), len(values), [valid, pa.py_buffer(np.ascontiguousarray(values))])
    ends = pa.py_buffer(offsets.astype(np.int64))
    lists = pa.Array.from_buffers(pa.large_list(pa.uint32()), len(offsets) - 1, [None, ends], children=[flat])
    series = pl.from_arrow(lists)
    assert isinstance(series, pl.Series)
    return series
