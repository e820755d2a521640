"""Stores of earlier schemas: what their upgrade works out of the rows that are there."""

import json
from pathlib import Path
from typing import Any

import pytest

from saetui.recipes import TrainedBy
from store import Store, schema, upgrade
from tests.store.error_rows import study, token
from tests.store.test_pursuit import sae_row


def opened_before(root: Path, file: str, monkeypatch: pytest.MonkeyPatch, **tables: list[dict[str, Any]]) -> None:
    """A store with these rows, as it was before a schema file."""
    number = next(number for number, path in schema.schema_files().items() if path.stem.endswith(file))
    files = {n: path for n, path in schema.schema_files().items() if n < number}
    with monkeypatch.context() as patched:
        patched.setattr(upgrade, "schema_files", lambda: files)
        patched.setattr(upgrade, "newest_version", lambda: number - 1)
        with Store.open(root, create=True) as store:
            for table, rows in tables.items():
                for row in rows:
                    names = ", ".join(row)
                    values = ", ".join(f"${name}" for name in row)
                    store.write(f"INSERT INTO {table} ({names}) VALUES ({values})", row)


def test_tokens_of_equal_activations_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three of token 3 are equal but for one whose error differs in one SAE; a held-out one stands for them."""
    rows = [
        token(0, 1, [4.0, 2.0], token_id=3),
        token(1, 1, [4.0, 2.0], token_id=3, held_out=True),
        token(2, 1, [4.0, 2.5], token_id=3, held_out=True),
        token(3, 1, [4.0, 2.0], token_id=3, held_out=True),
        token(4, 1, [4.0, 2.0], token_id=4),
    ]
    opened_before(tmp_path / "s", "equal_tokens", monkeypatch, error_study=[study()], error_token=rows)
    with Store.open(tmp_path / "s") as store:
        found = store.fetch("SELECT context, n_equal, equal_to >> 16 FROM error_token ORDER BY context").rows
        assert found == [(0, 3, 1), (1, 3, 1), (2, 1, 2), (3, 3, 1), (4, 1, 4)]


@pytest.mark.slow
def test_shares_that_meant_nothing_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variance of the study is 4; the error of the first token is 0.6 to 0.8 in parts at right angles."""
    rows = [
        token(0, 1, [4.0, 2.0], nonlinear_share=12.16),
        token(0, 2, [0.1, 0.1], nonlinear_share=12.16),
        token(0, 3, [1.0, 1.0], linear_norm=[2.0, 2.0], nonlinear_norm=[1.9, 1.9], nonlinear_share=3.61),
    ]
    opened_before(tmp_path / "s", "equal_tokens", monkeypatch, error_study=[study()], error_token=rows)
    with Store.open(tmp_path / "s") as store:
        found = store.fetch("SELECT nonlinear_share FROM error_token ORDER BY position").column("nonlinear_share")
        assert found == [pytest.approx(0.64), None, None]


RECIPE = {"architecture": "topk", "width": 8, "k": 4, "lr": 0.004, "auxk": 4, "dead_tokens": 8000, "seed": 0}
SPEC = {"kind": "train", "corpus": "stdlib", "hook_name": "h", "tokens": 1000, "batch_size": 512, "context_length": 64}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trained", "known"),
    [
        ({}, True),
        ({"source": "imported"}, False),
        ({"tokens_trained": 4096}, False),
        ({"k": 5}, False),
        ({"name": "another"}, False),
        ({"hook_name": "elsewhere"}, False),
    ],
)
def test_the_recipe_of_an_sae_is_that_of_the_job_that_trained_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: dict[str, Any], known: bool
) -> None:
    own = {"name": "w8-k4", "k": 4, "tokens_trained": 1024, "seed": 0, "source": "trained here"}
    spec = {**SPEC, "max_tokens": None, "dtype": "float32", "recipes": [{**RECIPE, "width": 16}, RECIPE]}
    job = {"job_id": "j", "kind": "train", "title": "t", "state": "done", "spec": json.dumps(spec), "content_hash": "x"}
    made = sae_row("s", **{**own, **trained})
    opened_before(tmp_path / "s", "recipes", monkeypatch, sae=[made], job=[{**job, "created": made["added"]}])
    with Store.open(tmp_path / "s") as store:
        (text,) = store.fetch("SELECT recipe FROM sae").column("recipe")
    expected = TrainedBy("topk", "stdlib", 1000, 512, 64, None, "float32", 0.004, 4, 8000, (), 0)
    assert TrainedBy.read(text) == (expected if known else None)
    assert TrainedBy.read(expected.text) == expected


@pytest.mark.slow
def test_jobs_that_say_different_things_leave_the_recipe_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = sae_row("s", name="w8-k4", k=4, tokens_trained=1024, seed=0, source="trained here")
    jobs = [
        {"job_id": str(lr), "kind": "train", "title": "t", "state": "done", "content_hash": str(lr)}
        | {"spec": json.dumps({**SPEC, "recipes": [{**RECIPE, "lr": lr}]}), "created": own["added"]}
        for lr in (0.004, 0.008)
    ]
    opened_before(tmp_path / "s", "recipes", monkeypatch, sae=[own], job=jobs)
    with Store.open(tmp_path / "s") as store:
        assert store.fetch("SELECT recipe FROM sae").rows == [(None,)]


def test_what_is_no_recipe_is_not_known() -> None:
    for text in (None, "", "[]", "{}", "null", '{"architecture": "topk"}', "{"):
        assert TrainedBy.read(text) is None
