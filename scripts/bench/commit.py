"""Rows of latent activations into the store: how many per second, and how many bytes each takes on disk.

Compared with the same rows as plain Parquet, in one plain DuckDB table, and row by row with ``executemany``.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from store import Store
from store.spool import Spool

CONTEXT = 128
SLOW_ROWS = 20_000


def activations(n_rows: int, k: int, width: int) -> pl.DataFrame:
    """Made-up activations of a TopK SAE, token after token: skewed latent frequencies, gamma-distributed strengths."""
    rng = np.random.default_rng(0)
    n_tokens = n_rows // k
    share = 1 / np.arange(1, width + 1) ** 0.6
    latent = rng.permutation(width)[np.searchsorted(np.cumsum(share / share.sum()), rng.random((n_tokens, k)))]
    strength = np.exp(rng.normal(0, 0.5, width))[latent] * rng.gamma(2.0, 1.0, (n_tokens, k))
    token = np.arange(n_tokens)
    return pl.DataFrame(
        {
            "sae_id": pl.repeat("sae", n_tokens * k, eager=True),
            "corpus_id": pl.repeat("corpus", n_tokens * k, eager=True),
            "context": np.repeat(token // (CONTEXT - 1), k).astype(np.uint32),
            "position": np.repeat(token % (CONTEXT - 1) + 1, k).astype(np.uint16),
            "latent": latent.ravel().astype(np.uint32),
            "activation": strength.ravel().astype(np.float32),
        }
    )


@dataclass(frozen=True)
class Cost:
    """What a task took: seconds on the clock, and seconds of all processors together."""

    wall: float
    cpu: float


def cost(task: Callable[[], object]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    task()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def into_store(rows: pl.DataFrame, folder: Path) -> tuple[Cost, Cost, int]:
    """The cost in the worker, the cost of the commit, and the bytes that the database grew."""
    with Store.open(folder, create=True) as store:
        with Spool(folder, "bench") as spool:
            spool.add("corpus", [corpus_row()])
        store.commit_spool()
        before = store.database.stat().st_size
        with Spool(folder, "bench") as spool:

            def fill() -> None:
                spool.add("latent_activation", rows)
                spool.flush()

            spooled = cost(fill)
        committed = cost(store.commit_spool)
        # Both orders answer alike.
        totals = store.fetch("SELECT count(*) FROM latent_activation").rows[0][0]
        tokens = store.fetch("SELECT sum(len(latents)) FROM token_latent").rows[0][0]
        assert totals == tokens == rows.height
    return spooled, committed, store.database.stat().st_size - before


def corpus_row() -> dict[str, object]:
    return {
        "corpus_id": "corpus",
        "model_id": "model",
        "name": "bench",
        "source": "bench",
        "context_length": CONTEXT,
        "n_contexts": 1,
        "n_tokens": 1,
        "token_hash": "",
        "added": datetime.now(UTC).replace(tzinfo=None),
    }


def into_parquet(rows: pl.DataFrame, folder: Path) -> tuple[Cost, int]:
    """Both orders as Parquet with zstd."""
    one, other = folder / "by_token.parquet", folder / "by_latent.parquet"

    def write() -> None:
        rows.write_parquet(one)
        rows.sort("latent", "activation", descending=[False, True]).write_parquet(other)

    return cost(write), one.stat().st_size + other.stat().st_size


def into_table(rows: pl.DataFrame, folder: Path) -> tuple[Cost, int]:
    """Both orders as plain DuckDB tables, filled from memory."""
    path = folder / "table.duckdb"

    def write() -> None:
        with duckdb.connect(path, config={"threads": 4}) as connection:
            connection.register("source", rows)
            connection.execute("CREATE TABLE by_token AS SELECT * FROM source")
            connection.execute("CREATE TABLE by_latent AS SELECT * FROM source ORDER BY latent, activation DESC")

    return cost(write), path.stat().st_size


def row_by_row(rows: pl.DataFrame, folder: Path) -> Cost:
    few = rows.head(SLOW_ROWS).rows()

    def write() -> None:
        with duckdb.connect(folder / "slow.duckdb") as connection:
            connection.execute("CREATE TABLE t(s VARCHAR, c VARCHAR, x UINTEGER, p USMALLINT, l UINTEGER, a REAL)")
            connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)", few)

    return cost(write)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--k", type=int, default=4)
    parser.add_argument("--width", type=int, default=8192)
    options = parser.parse_args()
    rows = activations(options.rows, options.k, options.width)
    n = rows.height
    print(
        f"{n:,} rows, k {options.k}, width {options.width}, {os.cpu_count()} cores; both orders unless said otherwise"
    )
    print(f"{'':30}{'M rows/s':>10}{'M rows/s per core':>20}{'bytes/row':>11}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spooled, committed, size = into_store(rows, folder / "store")
        show("store: commit", n, committed, size)
        show("store: spool, in the worker", n, spooled)
        show("plain DuckDB tables", n, *into_table(rows, folder))
        show("plain Parquet", n, *into_parquet(rows, folder))
        show("executemany, one order", min(SLOW_ROWS, n), row_by_row(rows, folder))


def show(name: str, n_rows: int, cost: Cost, size: int | None = None) -> None:
    bytes_per_row = "" if size is None else f"{size / n_rows:.2f}"
    print(f"{name:30}{n_rows / cost.wall / 1e6:10.4g}{n_rows / cost.cpu / 1e6:20.4g}{bytes_per_row:>11}")


if __name__ == "__main__":
    main()
