"""Exports: exact in every format, whole or not at all, and never over a file of the user's."""

import errno
import os
import re
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from saetui.commands.dispatch import dispatch
from saetui.commands.figures import export_figure
from saetui.figures.description import Figure
from saetui.figures.plots import Chart, Line, Point, Scale
from saetui.workbench import written_files
from saetui.workbench.exceptions import CommandError
from saetui.workbench.export import export
from saetui.workbench.workbench import Workbench

SQL = """
SELECT 1 AS a, 0.1 AS b, 'x' || chr(27) || '[31m|y' AS c, [1, 2] AS d, {'k': 'v'} AS e, TIMESTAMP '2026-01-02 03:04:05'
AS f, NULL AS g, 'it''s, "so"' AS h
UNION ALL SELECT 2, -1e300, chr(8238), [], NULL, NULL, NULL, ''
ORDER BY a
"""


def test_a_csv_has_every_value(bench: Workbench, tmp_path: Path) -> None:
    export(bench.store, SQL, {}, tmp_path / "t.csv")
    text = (tmp_path / "t.csv").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "a,b,c,d,e,f,g,h"
    read = pl.read_csv(tmp_path / "t.csv")
    assert read["a"].to_list() == [1, 2]
    assert read["b"].to_list() == [0.1, -1e300]
    assert read["c"].to_list() == ["x\x1b[31m|y", "\u202e"]
    assert read["d"].to_list() == ["[1, 2]", "[]"]
    assert read["e"].to_list() == ['{"k": "v"}', None]
    assert read["f"].to_list() == ["2026-01-02 03:04:05", None]
    assert read["h"].to_list() == ['it\'s, "so"', ""]


def test_a_parquet_file_keeps_the_types(bench: Workbench, tmp_path: Path) -> None:
    export(bench.store, SQL, {}, tmp_path / "t.parquet")
    rows = duckdb.execute(f"SELECT a, c, d, e, f FROM '{tmp_path / 't.parquet'}'").fetchall()
    assert rows == bench.store.fetch(f"SELECT a, c, d, e, f FROM ({SQL})").rows


def test_markdown_has_nothing_hidden_and_no_markup(bench: Workbench, tmp_path: Path) -> None:
    export(bench.store, SQL.replace("it''s", "[x](y) <b>"), {}, tmp_path / "t.md")
    lines = (tmp_path / "t.md").read_text(encoding="utf-8").split("\n")
    assert lines[2].startswith(r"| 1 | 0.1 | x␛\[31m\|y | \[1, 2\] |")
    assert r"\[x\](y) \<b\>" in lines[2]
    assert r"\\u202e" in lines[3]


@pytest.mark.parametrize("taken", ["t.csv", "t.sql"])
def test_a_file_of_the_user_stays(taken: str, bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / taken).write_text("mine")
    with pytest.raises(CommandError, match=rf"export: .*{re.escape(taken)} exists already.*--force"):
        export(bench.store, SQL, {}, tmp_path / "t.csv")
    assert [path.name for path in tmp_path.glob("*.*")] == [taken]
    assert (tmp_path / taken).read_text() == "mine"
    export(bench.store, SQL, {}, tmp_path / "t.csv", overwrite=True)
    assert (tmp_path / "t.csv").read_text().startswith("a,b,c")
    assert (tmp_path / "t.sql").read_text() == SQL + ";\n"


def test_a_link_in_the_way_stays_as_well(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "t.sql").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CommandError, match="exists already"):
        export(bench.store, SQL, {}, tmp_path / "t.csv")
    assert not (tmp_path / "elsewhere").exists()


def test_the_same_query_in_two_formats_shares_its_file(bench: Workbench, tmp_path: Path) -> None:
    for ending in ("csv", "parquet", "md"):
        export(bench.store, SQL, {}, tmp_path / f"t.{ending}")
    assert sorted(p.name for p in tmp_path.glob("t.*")) == ["t.csv", "t.md", "t.parquet", "t.sql"]


def test_another_query_of_the_same_stem_has_a_file_of_its_own(bench: Workbench, tmp_path: Path) -> None:
    export(bench.store, SQL, {}, tmp_path / "t.csv")
    said = export(bench.store, "SELECT 5 AS five", {}, tmp_path / "t.parquet")
    assert "t.parquet.sql" in said
    assert (tmp_path / "t.sql").read_text() == SQL + ";\n"
    assert (tmp_path / "t.parquet.sql").read_text() == "SELECT 5 AS five;\n"
    # And again, asked to overwrite: each keeps to its own.
    export(bench.store, "SELECT 6 AS six", {}, tmp_path / "t.parquet", overwrite=True)
    assert (tmp_path / "t.sql").read_text() == SQL + ";\n"
    assert (tmp_path / "t.parquet.sql").read_text() == "SELECT 6 AS six;\n"


@pytest.mark.parametrize("step", [1, 2])
def test_where_the_disk_is_full_nothing_is_left(
    step: int, bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the data finds no room, or its query does after it."""
    real, calls = os.fsync, 0

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == step:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CommandError, match=r"t\.(csv|sql): the disk is full; make room"):
        export(bench.store, SQL, {}, tmp_path / "t.csv")
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_a_query_that_cannot_be_put_in_place_takes_its_data_along(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = written_files._put_in_place

    def refused(part: Path, path: Path, *, overwrite: bool) -> None:
        if path.suffix == ".sql":
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        real(part, path, overwrite=overwrite)

    monkeypatch.setattr(written_files, "_put_in_place", refused)
    with pytest.raises(CommandError, match=r"t\.sql: exists already"):
        export(bench.store, SQL, {}, tmp_path / "t.csv")
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_without_hard_links_it_works_the_same(
    bench: Workbench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    export(bench.store, SQL, {}, tmp_path / "t.csv")
    assert (tmp_path / "t.sql").is_file()
    with pytest.raises(CommandError, match=r"t\.csv and .*t\.sql exist already"):
        export(bench.store, "SELECT 1", {}, tmp_path / "t.csv")


def test_a_folder_and_a_missing_user_are_named(bench: Workbench, tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    for overwrite in ("no", "yes"):
        with pytest.raises(CommandError, match=r"t\.csv.* (is a folder|exists already)"):
            dispatch(bench, f"export {tmp_path / 't.csv'} overwrite={overwrite}")
    with pytest.raises(CommandError, match="no user 'nouser'"):
        dispatch(bench, "export ~nouser/t.csv")


def test_the_command_asks_before_it_overwrites(bench: Workbench, tmp_path: Path) -> None:
    from saetui.commands.app import Export

    path = tmp_path / "t.csv"
    command = Export(str(path), table="overview.saes")
    assert command.question(bench) is None
    dispatch(bench, command)
    assert command.question(bench) == f"Overwrite {path}?"
    with pytest.raises(CommandError, match="exists already"):
        dispatch(bench, command)
    assert command.confirmed().question(bench) is None
    dispatch(bench, command.confirmed())


def test_a_figure_overwrites_neither(tmp_path: Path) -> None:
    chart = Chart("t", Scale("x"), Scale("y"), (Line("l", (Point(1.0, 2.0), Point(2.0, 3.0))),))
    figure = Figure("f", "t", (chart,), "SELECT 1")
    (tmp_path / "f.sql").write_text("mine")
    with pytest.raises(CommandError, match=r"figure: .*f\.sql exists already"):
        export_figure(figure, tmp_path / "f.svg")
    assert [path.name for path in tmp_path.iterdir()] == ["f.sql"]
    export_figure(figure, tmp_path / "f.svg", overwrite=True)
    export_figure(figure, tmp_path / "f.png")
    with pytest.raises(CommandError, match=r"figure: .*f\.svg exists already"):
        export_figure(figure, tmp_path / "f.svg")
