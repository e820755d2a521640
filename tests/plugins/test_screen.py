"""A screen with a table is added by another package: nothing in saetui is touched."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars
import pytest

from saetui.commands.completion import completions
from saetui.commands.dispatch import dispatch
from saetui.commands.study import Study
from saetui.commands.table import Only
from saetui.plugins import untold
from saetui.tui.panels.explain import explanation
from saetui.workbench.attention import Place
from saetui.workbench.exceptions import CommandError
from saetui.workbench.links import link_of
from saetui.workbench.screens import LinkForm, _screens, screens, tables
from saetui.workbench.tables import Table
from saetui.workbench.workbench import Workbench
from tests.made_stores import copy_of

from .conftest import Install

# Run where nothing has been imported yet, as a person starts it; what each step shows comes out.
_APP = """
import asyncio, json, sys
from pathlib import Path
from tests.tui.frame.running import running

async def main(store, exported):
    shown = {}
    async with running(store) as run:
        shown["tabs"] = run.text.splitlines()[1]
        await run.press("9")
        await run.shows("letters", "words")
        await run.until(lambda: all(table.loaded for table in run.app.screen.query("QueryTable")))
        shown["screen"] = run.text
        await run.press("L")
        await run.until(lambda: run.bench.attention.token)
        shown["token"] = run.bench.attention.token
        await run.press("question_mark")
        await run.shows("help · toy_words")
        shown["help"] = run.text
        await run.press("escape")
        run.app.dispatch(f"export {exported}")
        await run.until(exported.exists)
    print(json.dumps(shown))

asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.fixture
def toy_screen(install: Install) -> None:
    assert "toy_words" not in screens()
    install("saetui.screens", "toy_words", "toy_screen")


@pytest.mark.slow
def test_a_screen_of_another_package_is_shown_with_its_tab_key_help_and_table(
    toy_screen: None, made_study: Path, tmp_path: Path
) -> None:
    store, exported = copy_of(made_study, tmp_path / "store"), tmp_path / "words.parquet"
    done = subprocess.run(
        [sys.executable, "-c", _APP, str(store), str(exported)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["tabs"].split("│")[-1].split() == ["9", "Toy", "words"]
    rows = polars.read_parquet(exported).to_dicts()
    longest = max(row["length"] for row in rows)
    assert rows[0]["length"] == longest
    assert [row["length"] for row in rows] == sorted((row["length"] for row in rows), reverse=True)
    assert f"{rows[0]['surface']}" in shown["screen"]
    assert "L longest" in shown["screen"].splitlines()[-1]
    assert shown["token"] == next(row["surface"] for row in rows if row["letter"] == "s")
    for part in ("How long are the words?", "Toy words", ":longest", "Look at the longest word of a letter"):
        assert part in shown["help"]


def test_its_name_table_verb_and_links_are_completed(toy_screen: None, bench: Workbench) -> None:
    again = Workbench(bench.store, inline=True)
    dispatch(again, "screen toy_words")

    def offered(line: str) -> list[str]:
        return [completion.line for completion in completions(line, again)]

    assert "screen toy_words" in offered("screen t")
    assert offered("open toy") == ["open toy_words/"]
    assert offered("focus ") == ["focus toy_words.words"]
    assert offered("longest ") == ["longest a", "longest s", "longest z"]


def test_its_links_lead_back(toy_screen: None, bench: Workbench) -> None:
    again = Workbench(bench.store, inline=True)
    dispatch(again, "screen toy_words")
    dispatch(again, "letter s")
    link = link_of(Place(again.screen, again.attention), again.catalogue)
    assert link.startswith("toy_words/s?sae=")
    dispatch(again, "screen overview")
    dispatch(again, "letter a")
    dispatch(again, f"open {link}")
    assert (again.screen, again.attention.letter) == ("toy_words", "s")


def test_what_its_table_shows_can_be_filtered_sorted_and_asked_for(toy_screen: None, bench: Workbench) -> None:
    again = Workbench(bench.store, inline=True)
    for line in ("screen toy_words", "filter length<4", "sort letter"):
        dispatch(again, line)
    sql, parameters = again.query_of("toy_words.words")
    rows = again.store.fetch(sql, **parameters).dicts()
    assert rows
    assert max(row["length"] for row in rows) < 4
    assert [row["letter"] for row in rows] == sorted(row["letter"] for row in rows)


def test_its_columns_are_explained_and_a_term_of_ours_means_what_it_did(toy_screen: None, bench: Workbench) -> None:
    assert explanation("length", "5").plain.split("\n")[1:] == [
        "here   5 characters",
        "",
        "How many characters the word has.",
        "",
        "unit   characters",
    ]
    assert "Another meaning" not in explanation("letter", None).plain
    (words,) = untold()
    assert words.startswith("the glossary entry 'letter' of the package toy-toy_words is left out")
    assert [found.line for found in completions("explain length", bench)] == ["explain length"]


@pytest.fixture
def summed(install: Install, toy_screen: None, made_study: Path, tmp_path: Path) -> Iterator[Workbench]:
    """Three SAEs in view, and the toy screen in front; nothing has been added up yet."""
    install("saetui.kinds", "toy_sum", "toy_kind")
    bench = Workbench.open(copy_of(made_study, tmp_path / "store"), inline=True)
    dispatch(bench, "screen toy_words")
    yield bench
    bench.close()


def add_up(bench: Workbench, name: str) -> None:
    """The store's record of a toy_sum job of an SAE, which is over."""
    bench.store.write(
        "INSERT INTO job (job_id, kind, title, state, spec, content_hash, created, ended) "
        "VALUES ($name, 'toy_sum', 'sum', 'done', json_object('up_to', $name), $name, now()::TIMESTAMP, "
        "now()::TIMESTAMP)",
        {"name": name},
    )
    again = Workbench(bench.store, inline=True)
    bench.catalogue = again.catalogue


def test_a_study_of_its_own_is_treated_as_ours_are(summed: Workbench) -> None:
    entries = [entry for entry in summed.catalogue.saes if entry.sae_id in summed.attention.in_view]
    here, other = entries[:2]
    dispatch(summed, f"sae {here.name}")
    assert Study.available(summed)
    assert Study().resolved(summed).name == "toy_sum"
    assert Only.obstacle(summed) == "nothing has been added up yet; A does it"
    with pytest.raises(CommandError, match="nothing has been added up yet; A does it"):
        dispatch(summed, "only summed")

    add_up(summed, other.name)
    assert summed.catalogue.has_study("toy_sum", other.sae_id)
    assert not summed.catalogue.has_study("toy_sum", here.sae_id)
    assert Study.available(summed)
    assert Only.obstacle(summed) == ""
    with pytest.raises(CommandError, match="only summed: nothing was added up for this SAE"):
        dispatch(summed, "only summed")

    dispatch(summed, f"sae {other.name}")
    assert not Study.available(summed)
    dispatch(summed, "only")
    assert summed.tables["toy_words.words"].filter == "length<4"


def test_saes_that_are_studied_together_have_been_studied_where_all_in_view_have(
    summed: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toy_screen import manifest

    assert manifest.MANIFEST.study is not None
    together = replace(manifest.MANIFEST.study, together=True)
    monkeypatch.setattr(manifest, "MANIFEST", replace(manifest.MANIFEST, study=together))
    _screens.cache_clear()
    entry = summed.catalogue.saes[0]
    dispatch(summed, f"sae {entry.name}")
    add_up(summed, entry.name)
    assert Study.available(summed)
    summed.attend(in_view=(entry.sae_id,))
    assert not Study.available(summed)


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        ("SELECT * FROM toy_sums", "toy_sums does not exist"),
        ("SELECT sae_id AS study_id, [sae_id] AS sae_ids FROM sae", "no column 'hook_name'"),
    ],
)
def test_a_study_that_cannot_be_asked_for_is_named_and_counts_as_not_made(
    toy_screen: None, bench: Workbench, monkeypatch: pytest.MonkeyPatch, made: str, problem: str
) -> None:
    from toy_screen import manifest

    assert manifest.MANIFEST.study is not None
    broken = replace(manifest.MANIFEST.study, made=made)
    monkeypatch.setattr(manifest, "MANIFEST", replace(manifest.MANIFEST, study=broken))
    _screens.cache_clear()
    again = Workbench(bench.store, inline=True)
    assert [sae.name for sae in again.catalogue.saes] == [sae.name for sae in bench.catalogue.saes]
    assert not again.catalogue.has_study("toy_sum", again.attention.sae)
    (words,) = untold()
    assert words.startswith("the study 'toy_sum' of the package toy-toy_words is left out; saetui.screens: made: ")
    assert problem in words


def test_its_verbs_belong_to_it_alone(toy_screen: None) -> None:
    from saetui.commands.vocabulary import commands

    assert [screen for screen in screens() if commands()["longest"].works_on(screen)] == ["toy_words"]
    assert "toy_words.words" in tables()


@pytest.mark.parametrize(
    ("name", "package", "problem"),
    [
        ("absent", "toy_absent", r"toy_absent\.manifest cannot be imported"),
        ("toy_other", "toy_screen", r"toy_screen\.manifest has no MANIFEST of a screen 'toy_other'"),
    ],
)
def test_a_screen_that_cannot_be_had_is_named(
    install: Install, bench: Workbench, name: str, package: str, problem: str
) -> None:
    before = list(screens())
    install("saetui.screens", name, package)
    assert list(screens()) == before
    with pytest.raises(CommandError, match=rf"no screen '{name}'; .*saetui\.screens: {problem}"):
        dispatch(bench, f"screen {name}")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"link": LinkForm(path=("hook",))}, r"link: no field 'hook' can be in a link; there are beside, .*letter"),
        ({"link": LinkForm(options=("model",))}, "link: no field 'model' can be in a link"),
        (
            {"link": LinkForm(path=("letter",), cleared=("token",))},
            "link: 'token' is neither in the path nor an option",
        ),
        ({"tables": ()}, "tables: there are none"),
        ({"tables": (Table("letters.more", "letters", "letter"),)}, r"tables: 'letters.more' must be toy_words\.NAME"),
        (
            {"tables": (Table("toy_words.by-length", "letters", "letter"),)},
            "tables: 'toy_words.by-length' must be .*hyphen",
        ),
        ({"study": "toy_sum"}, "study: must be a ScreenStudy, not 'toy_sum'"),
        ({"across": "toy_words.map"}, "across: must be one of its tables, not 'toy_words.map'"),
        ({"key": "F"}, "key: must be a digit, not 'F'"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_named(
    toy_screen: None, monkeypatch: pytest.MonkeyPatch, bench: Workbench, change: dict[str, Any], problem: str
) -> None:
    from toy_screen import manifest

    monkeypatch.setattr(manifest, "MANIFEST", replace(manifest.MANIFEST, **change))
    _screens.cache_clear()
    assert "toy_words" not in screens()
    with pytest.raises(CommandError, match=rf"no screen 'toy_words'; .*toy_screen\.manifest: {problem}"):
        dispatch(bench, "screen toy_words")
