"""Marks and notes: as filters of tables, as a list, in SQL, and in words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saetui.commands.note import Note
from saetui.workbench.annotations import read_annotations
from saetui.workbench.events import NoticeEvent
from saetui.workbench.links import read_link
from saetui.workbench.screens import tables
from saetui.workbench.subject import Subject
from saetui.workbench.tables import Table
from saetui.workbench.workbench import Workbench
from tests.made_stores import copy_of
from tests.tui.pursuit_fixture import PLACES, SAE

ABOUT = {table.id: table for table in tables().values() if table.subject is not None and table.sortable}


@pytest.fixture(scope="module")
def bench(made_everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    opened = Workbench.open(copy_of(made_everything, tmp_path_factory.mktemp("noted") / "store"), inline=True)
    opened.attend(sae=SAE, letter="s", pursuit=PLACES)
    words = rows_of(opened, "absorption.cases")
    opened.attend(token=next(row["surface"] for row in words if row["verdict"] == "absorbed"))
    opened.attend(latent=rows_of(opened, "letters.latents")[0]["latent"])
    opened.attend(pursued=rows_of(opened, "pursuit.tokens")[0]["row"])
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def nothing_marked(bench: Workbench) -> None:
    for table in ("mark", "note"):
        bench.store.write(f"DELETE FROM {table}", {})


def rows_of(bench: Workbench, table: str) -> list[dict[str, Any]]:
    sql, parameters = bench.query_of(table)
    return bench.store.fetch(sql, **parameters).dicts()


def kept(bench: Workbench, table: str, text: str) -> list[Any]:
    bench.change_table(table, filter=text)
    found = [row[tables()[table].key] for row in rows_of(bench, table)]
    bench.change_table(table, filter="")
    return found


def mark(bench: Workbench, subject: Subject) -> None:
    sql = "INSERT INTO mark VALUES ($kind, $key, now()::TIMESTAMP) ON CONFLICT DO NOTHING"
    bench.store.write(sql, {"kind": subject.kind, "key": subject.key})


@pytest.mark.parametrize("table", ABOUT.values(), ids=ABOUT)
def test_rows_that_are_marked_or_noted_can_be_kept(bench: Workbench, table: Table) -> None:
    rows = rows_of(bench, table.id)
    about = {row[table.key]: Subject.of_row(table.subject or "", row, sae=bench.attention.sae) for row in rows}
    subjects = [subject for subject in about.values() if subject is not None]
    if not subjects:
        assert "marked" not in table.named_conditions(bench.columns(table.id))
        return
    assert kept(bench, table.id, "marked") == kept(bench, table.id, "noted") == []
    chosen, other = subjects[-1], subjects[0]
    mark(bench, chosen)
    bench.perform(Note("what I saw", kind=other.kind, key=other.key))
    is_chosen = [key for key, subject in about.items() if subject == chosen]
    is_other = [key for key, subject in about.items() if subject == other]
    assert kept(bench, table.id, "marked") == is_chosen
    assert kept(bench, table.id, "noted") == is_other
    assert sorted(map(str, kept(bench, table.id, "marked or noted"))) == sorted(map(str, {*is_chosen, *is_other}))
    assert set(kept(bench, table.id, "not marked")) == set(about) - set(is_chosen)


SUBJECTS = {
    "SAE narrow": Subject("sae", "SAE_ID"),
    "letter s": Subject("letter", "s"),
    "latent 7 of narrow": Subject("latent", "SAE_ID/7"),
    "word “ short”": Subject("token", " short"),
    "token 5 of context 3": Subject("place", "some/corpus/3/5"),
}


def subjects(bench: Workbench) -> dict[str, Subject]:
    entry = bench.catalogue.saes[0]
    return {
        words.replace("narrow", entry.name): Subject(one.kind, one.key.replace("SAE_ID", entry.sae_id))
        for words, one in SUBJECTS.items()
    }


def test_all_notes_and_marks_are_listed_in_words_with_a_link_that_leads_there(bench: Workbench) -> None:
    for words, subject in subjects(bench).items():
        assert bench.catalogue.in_words(subject) == words
        mark(bench, subject)
    bench.perform(Note("why?\nlook again", kind="letter", key="s"))
    bench.perform(Note("only noted", kind="letter", key="t"))
    found = {one.about: one for one in read_annotations(bench.store)}
    assert found.keys() == subjects(bench).keys() | {"letter t"}
    assert (found["letter s"].note, found["letter s"].is_marked) == ("why?\nlook again", True)
    assert (found["letter t"].note, found["letter t"].is_marked) == ("only noted", False)
    assert [about for about, one in found.items() if one.has("LOOK")] == ["letter s"]
    sae = bench.catalogue.saes[0].sae_id
    latent, word = f"latent 7 of {bench.catalogue.saes[0].name}", "word “ short”"
    places = {about: read_link(one.link, bench.catalogue) for about, one in found.items()}
    assert places["letter s"] == ("letters", {"letter": "s"})
    assert {name: places[latent][1][name] for name in ("sae", "latent")} == {"sae": sae, "latent": 7}
    assert places[word][1]["token"] == " short"
    assert places["token 5 of context 3"] == ("hard_tokens", {"context": 3, "position": 5})


def test_marks_and_notes_can_be_joined_in_sql(bench: Workbench) -> None:
    for subject in subjects(bench).values():
        mark(bench, subject)
    bench.perform(Note("a note", kind="latent", key=subjects(bench)[list(subjects(bench))[2]].key))
    joined = "SELECT latent, note FROM annotation JOIN latent USING (sae_id, latent)"
    assert bench.store.fetch(joined).rows == [(7, "a note")]
    place = "SELECT corpus_id, context, position FROM annotation WHERE subject = 'place'"
    assert bench.store.fetch(place).rows == [("some/corpus", 3, 5)]


def test_a_note_is_told_by_the_names_that_a_person_knows(bench: Workbench) -> None:
    told: list[str] = []
    bench.subscribe(lambda event: told.append(event.text) if isinstance(event, NoticeEvent) else None)
    words, subject = list(subjects(bench).items())[2]
    bench.perform(Note("a note", kind=subject.kind, key=subject.key))
    bench.perform(Note("", kind=subject.kind, key=subject.key))
    assert told == [f"note on {words} saved", f"note on {words} removed"]
