"""What a SQL client shows of the store's tables: every one, and every column, says what it holds."""

from pathlib import Path

import pytest

from store import Store, upgrade
from store.folder import Folder
from store.schema import newest_version, schema_files

_NAMED = """
SELECT table_name AS name, comment FROM duckdb_tables() WHERE NOT internal
UNION ALL SELECT view_name, comment FROM duckdb_views() WHERE NOT internal
UNION ALL SELECT table_name || '.' || column_name, comment FROM duckdb_columns() WHERE NOT internal
"""


def test_every_table_view_and_column_says_what_it_holds(store: Store) -> None:
    said = dict(store.fetch(_NAMED).rows)
    assert {"sae", "sae_summary", "sae.width", "hard_token.slope"} <= said.keys()
    assert [name for name, comment in said.items() if not comment] == []
    # A sentence, and not just the name again.
    assert [name for name, comment in said.items() if len(comment.split()) < 2 or not comment.endswith(".")] == []


def test_a_column_of_a_view_says_what_that_of_its_table_says(store: Store) -> None:
    said = dict(store.fetch(_NAMED).rows)
    for view, table in (("sae_summary", "sae"), ("hard_token", "error_token"), ("last_absorption", "absorption_run")):
        of_table = {name.partition(".")[2]: comment for name, comment in said.items() if name.startswith(f"{table}.")}
        of_view = {name.partition(".")[2]: comment for name, comment in said.items() if name.startswith(f"{view}.")}
        both = of_table.keys() & of_view.keys() - {"sae_id", "study_id", "name", "letter"}
        assert len(both) > 5
        assert {name: of_view[name] for name in both} == {name: of_table[name] for name in both}


def test_an_older_store_gets_comments_and_keeps_its_saes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    older = {number: path for number, path in schema_files().items() if number < 10}
    with monkeypatch.context() as patch:
        patch.setattr(upgrade, "schema_files", lambda: older)
        patch.setattr(upgrade, "newest_version", lambda: 9)
        upgrade.create(Folder(tmp_path / "old"))
    with Store.open(tmp_path / "old") as store:
        assert store.fetch("SELECT schema_version FROM store_state").rows == [(newest_version(),)]
        said = dict(store.fetch(_NAMED).rows)
        assert said["sae_summary.mean_letter_f1"]
        assert "sae.mean_letter_f1" not in said
