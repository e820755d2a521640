"""The first screenful of hard tokens among 5,000,000, for six SAEs: the time of the screen's query by order and filter.

The tokens are made up by SQL, in the sizes of a real study: texts of 128 tokens, a vocabulary of 32,000. Every order
and filter is asked a few times, in turn, as the screen asks: the first 256 rows, and how many there are.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from saetui.tui.table.row_window import CHUNK
from saetui.workbench.screens import tables
from store import Store

STUDY, SAES = "bench", 6
LENGTH, VOCABULARY = 128, 32_000
ORDERS = ("hard", "solved", "worse", "nonlinear", "damage")
UNITS = ("norm", "share", "fvu")
FILTERS = ("", "letter=s", "position<10", "absorbed", "tok77", "surface~tok777 position>100")
ABSORBED_WORDS = 200
# A number of its own from 0 to 1 for each token, by another seed each.
_R = "(hash(i + {seed}) % 1000003 / 1000003.0)"
MODEL = """
INSERT INTO model VALUES ('m', 'made up', 'embedded', 'qwen2', 4, 128, {length}, {vocabulary}, now()::TIMESTAMP)
"""
SURFACES = """
INSERT INTO vocabulary SELECT 'm', i, ' tok' || i, chr((97 + i % 26)::INTEGER), 10 FROM range({vocabulary}) AS n(i)
"""
TEXTS = """
INSERT INTO token_context
SELECT 'c', i, list_transform(range({length}), lambda j: (hash(i * {length} + j) % {vocabulary})::UINTEGER)
FROM range({tokens} // {length}) AS n(i)
"""
ERROR_STUDY = """
INSERT INTO error_study BY NAME
SELECT '{study}' AS study_id, 'm' AS model_id, 'h' AS hook_name, 'c' AS corpus_id, now()::TIMESTAMP AS created,
    ['sae-' || i for i in range({saes})] AS sae_ids, [256 * 2 ** i for i in range({saes})] AS widths,
    {tokens} AS n_tokens, {tokens} AS n_train, 0 AS n_test, 0 AS n_excluded, 0 AS first_position, 128 AS d_in,
    128 AS rank, 60.0 AS variance, true AS intercept, 3.0 AS clean_loss, 0 AS seed, []::VARCHAR[] AS notes
"""
ERRORS = """
INSERT INTO error_token BY NAME
WITH random AS (
    SELECT i, {parts} FROM range({tokens}) AS n(i)
)
SELECT
    '{study}' AS study_id, i // {length} AS context, i % {length} AS position, hash(i) % {vocabulary} AS token_id,
    i % 5 < 2 AS held_out, 10 + 5 * r1 AS activation_norm, 6 * r2 AS clean_loss,
    1 AS n_equal, (i // {length})::UBIGINT << 16 | i % {length} AS equal_to,
    list_avg(errors) AS hardness, list_avg(errors) / (10 + 5 * r1) AS share, errors[{saes}] - errors[1] AS change,
    log2(errors[{saes}] / errors[1]) / {saes} AS slope, r3 AS nonlinear_share, r4 - 0.3 AS damage,
    errors AS error_norm, [e * sqrt(1 - r3) for e in errors] AS linear_norm,
    [e * sqrt(r3) for e in errors] AS nonlinear_norm,
    [8 + hash(i + j) % 16 for j in range({saes})] AS l0, [6 * r2 + r4 - 0.3 + 0.01 * j for j in range({saes})] AS loss
FROM (
    SELECT *, list_transform(range({saes}), lambda j: (1 + 8 * r5 * 0.9 ** j
        + (hash(i + 31 * j) % 1000003 / 1000003.0))::REAL) AS errors
    FROM random
)
"""
# One letter's words, all missed; the effects of removing the leading latent make the first of them absorbed.
ABSORPTION = (
    """INSERT INTO absorption_run BY NAME
    SELECT 'sae-0' AS sae_id, 'p' AS probe_id, 'all' AS words, 'ig' AS attribution, 'joint' AS ig_path,
        'left' AS ig_rule, 6 AS ig_steps, 1000 AS max_words, 0.03 AS tau, 1.0 AS lead, 0.025 AS min_cosine,
        1.0 AS model_accuracy, 0 AS seed, now() AS created""",
    "INSERT INTO sparse_probe VALUES ('sae-0', 'p', 's', 1, 7, 1.0, 1.0, 1.0, 1.0)",
    """INSERT INTO absorption_word
    SELECT 'sae-0', 'p', 's', i, i, 1.0, [-1.0], 9.0, true, NULL, NULL FROM range({words}) AS n(i)""",
    """INSERT INTO absorption_latent
    SELECT 'sae-0', 'p', 's', i, 11, 1.0, 0.5, 0.5, NULL, -2.0 FROM range({words}) AS n(i)""",
)


def make_store(folder: Path, tokens: int) -> None:
    """A store with one study of so many tokens; some 20 seconds for five million."""
    parts = ", ".join(f"{_R.format(seed=seed)} AS r{seed}" for seed in range(1, 6))
    sizes = {"study": STUDY, "saes": SAES, "length": LENGTH, "vocabulary": VOCABULARY, "tokens": tokens, "parts": parts}
    with Store.open(folder, create=True) as store:
        for sql in (MODEL, SURFACES, TEXTS, ERROR_STUDY, ERRORS):
            store.write(sql.format(**sizes))
        for sql in ABSORPTION:
            store.write(sql.format(words=ABSORBED_WORDS))


def screenful(store: Store, order: str, unit: str, text: str) -> tuple[float, int]:
    """Milliseconds until the screen has its first rows and knows how many there are, and that number."""
    parameters = {
        "study": STUDY,
        "sae": "sae-0",
        "order": order,
        "unit": unit,
        "limit": None,
        "offset": 0,
    }
    sql, table = store.sql_of("hard_tokens"), tables()["hard_tokens.tokens"]
    known = table.asked(sql, parameters).columns(store) if text else ()
    query = table.asked(sql, parameters, table.condition(text, known))
    start = time.perf_counter()
    rows, bound = query.window(0, CHUNK)
    found = len(store.fetch(rows, **bound))
    if found == CHUNK:
        count, bound = query.count()
        found = store.fetch(count, **bound).rows[0][0]
    return (time.perf_counter() - start) * 1e3, found


def line(what: str, times: list[float], found: str = "") -> str:
    ordered = sorted(times)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{what:<44} {len(times):>4} {statistics.median(times):>8.1f} {p95:>8.1f} {ordered[-1]:>8.1f} {found:>11}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tokens", type=int, default=5_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--store", type=Path, help="keep the made-up store here, and use it again")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.store or Path(temporary) / "store"
        if not folder.exists():
            start = time.perf_counter()
            make_store(folder, arguments.tokens)
            print(f"{arguments.tokens:,} tokens made in {time.perf_counter() - start:.0f} s")
        with Store.open(folder) as store:
            measure(store, arguments.repeats)


def measure(store: Store, repeats: int) -> None:
    """Print a line for each order, unit and filter, and one for all."""
    asked = [(order, "norm", "") for order in ORDERS] + [("hard", unit, "") for unit in UNITS[1:]]
    asked += [(order, "norm", text) for text in FILTERS[1:] for order in ("hard", "damage")]
    times: dict[tuple[str, str, str], list[float]] = {one: [] for one in asked}
    found: dict[tuple[str, str, str], int] = {}
    for _ in range(repeats + 1):
        for one in asked:
            taken, found[one] = screenful(store, *one)
            times[one].append(taken)
    print(f"{'order, unit, filter':<44} {'n':>4} {'p50 ms':>8} {'p95 ms':>8} {'max ms':>8} {'tokens':>11}")
    for one in asked:
        # The first time reads the file.
        print(line(", ".join(filter(None, one)), times[one][1:], f"{found[one]:,}"))
    for name, chosen in (("orders and units", asked[:7]), ("filters", asked[7:]), ("all", asked)):
        print(line(name, [taken for one in chosen for taken in times[one][1:]]))


if __name__ == "__main__":
    main()
