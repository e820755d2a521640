"""Commands on a workbench: what they change, what they refuse, and who hears of it."""

from pathlib import Path

import duckdb
import pytest

from saetui.commands.dispatch import dispatch
from saetui.commands.note import note_on
from saetui.commands.select import Sae
from saetui.commands.table import Filter, Mark, Sort
from saetui.workbench.catalogue import Catalogue
from saetui.workbench.events import AttentionEvent, Event, MarksEvent, NoticeEvent, ScreenEvent, StoreEvent
from saetui.workbench.exceptions import CommandError
from saetui.workbench.front import NoFront
from saetui.workbench.subject import Subject
from saetui.workbench.workbench import Workbench
from store import Store


def heard(bench: Workbench) -> list[Event]:
    events: list[Event] = []
    bench.subscribe(events.append)
    return events


def test_the_first_sae_is_looked_at_and_all_of_its_site_are_in_view(bench: Workbench) -> None:
    assert bench.attention.sae == "sae-64"
    assert bench.attention.in_view == ("sae-64", "sae-256", "sae-1024")
    assert bench.attention.hook == "blocks.1.hook_resid_post"


def test_choosing_changes_attention_and_tells_once(bench: Workbench) -> None:
    events = heard(bench)
    dispatch(bench, "letter S")
    dispatch(bench, "latent 12")
    assert (bench.attention.letter, bench.attention.latent) == ("s", 12)
    assert [type(event) for event in events] == [AttentionEvent, AttentionEvent]
    dispatch(bench, "letter s")
    assert len(events) == 2


@pytest.mark.parametrize(
    ("name", "sae"), [("w256-k4", "sae-256"), ("w2", "sae-256"), ("sae-1024", "sae-1024"), ("next", "sae-256")]
)
def test_an_sae_is_found_by_name_id_beginning_or_order(bench: Workbench, name: str, sae: str) -> None:
    assert dispatch(bench, Sae(name)) == Sae(f"w{sae.removeprefix('sae-')}-k4")
    assert bench.attention.sae == sae


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("sae w9", ["no SAE 'w9'", "w64-k4, w256-k4, w1024-k4"]),
        ("sae w", ["'w' can be"]),
        ("letter ß", ["'ß' is not one of a to z"]),
        ("latent 64", ["w64-k4 has latents 0 to 63"]),
        ("screen six", ["no screen 'six'", "overview, letters, absorption"]),
        ("open letters/s/four", ["'four' is not the number of a latent"]),
        ("focus letters.latents", ["no table 'letters.latents' here", "overview.saes"]),
        ("sort f2 table=letters.latents", ['no column "f2"', '"f1"']),
        ("sort fvu sideways", ["up or down"]),
        ("filter fvu > much", ["fvu"]),
        ("mark", ["put the cursor on"]),
        ("note good", ["put the cursor on"]),
        ("copy", ["no row"]),
        ("cancel", ["nothing that this screen shows is running"]),
        ("retry", ["no job yet"]),
        ("theme", ["name is missing"]),
        ("back", ["first place"]),
        ("export saes.xls", [".parquet, .csv, .md"]),
        ("export /nowhere/saes.csv", ["no folder /nowhere"]),
        ("study everything", ["no study 'everything'", "demo"]),
        ("train topk width=64 k=65", ["k = 65 is more than width = 64"]),
        ("train gaited width=64 k=4", ["architecture"]),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(bench: Workbench, line: str, words: list[str]) -> None:
    before = (bench.attention, bench.screen, bench.tables, len(bench.history.places))
    with pytest.raises(CommandError) as raised:
        dispatch(bench, line)
    for word in words:
        assert word in str(raised.value)
    assert (bench.attention, bench.screen, bench.tables, len(bench.history.places)) == before


def test_back_and_forward_walk_through_what_was_looked_at(bench: Workbench) -> None:
    dispatch(bench, "screen letters")
    dispatch(bench, "letter s")
    dispatch(bench, "sae w1024-k4")
    dispatch(bench, "back")
    assert (bench.screen, bench.attention.letter, bench.attention.sae) == ("letters", "s", "sae-64")
    dispatch(bench, "back")
    dispatch(bench, "back")
    assert (bench.screen, bench.attention.letter) == ("overview", None)
    dispatch(bench, "forward")
    assert bench.screen == "letters"


def test_a_moving_cursor_leaves_one_step_behind(bench: Workbench) -> None:
    dispatch(bench, "screen letters")
    for letter in "abcd":
        dispatch(bench, f"letter {letter}", visit=False)
    dispatch(bench, "back")
    assert (bench.screen, bench.attention.letter) == ("overview", None)
    dispatch(bench, "forward")
    assert (bench.screen, bench.attention.letter) == ("letters", "d")


def test_escape_takes_the_filter_away_and_stays_on_the_screen(bench: Workbench) -> None:
    dispatch(bench, "screen letters")
    dispatch(bench, "filter s")
    assert dispatch(bench, "leave") == Filter("", table="letters.letters")
    assert bench.screen == "letters"
    dispatch(bench, "leave")
    assert bench.screen == "letters"


def test_a_table_is_narrowed_and_sorted_in_its_query(bench: Workbench) -> None:
    dispatch(bench, "filter width > 64")
    assert dispatch(bench, "sort FVU") == Sort("fvu", direction="down", table="overview.saes")
    sql, parameters = bench.query_of("overview.saes")
    assert [row[2] for row in bench.store.fetch(sql, **parameters).rows] == ["w256-k4", "w1024-k4"]
    assert dispatch(bench, "sort fvu") == Sort("fvu", direction="up", table="overview.saes")
    assert dispatch(bench, "sort name") == Sort("name", direction="up", table="overview.saes")
    dispatch(bench, "unsort")
    assert bench.tables["overview.saes"].sort is None


def test_space_puts_an_sae_in_view_or_takes_it_out(bench: Workbench) -> None:
    bench.change_table("overview.saes", row={"sae_id": "sae-256", "name": "w256-k4"})
    dispatch(bench, "view")
    assert bench.attention.in_view == ("sae-64", "sae-1024")
    dispatch(bench, "view w256-k4")
    assert bench.attention.in_view == ("sae-64", "sae-256", "sae-1024")


def test_marks_are_kept_in_the_store(bench: Workbench) -> None:
    events = heard(bench)
    bench.change_table("overview.saes", row={"sae_id": "sae-256", "name": "w256-k4"})
    assert dispatch(bench, "mark") == Mark("sae", "sae-256")
    assert Subject("sae", "sae-256") in bench.marks
    assert any(isinstance(event, MarksEvent) for event in events)
    assert bench.store.fetch("SELECT subject, key FROM mark").rows == [("sae", "sae-256")]
    dispatch(bench, "mark")
    assert not bench.marks
    assert not bench.store.fetch("SELECT * FROM mark").rows


def test_a_note_is_written_changed_and_taken_away(bench: Workbench) -> None:
    subject = Subject("latent", "sae-64/18")
    dispatch(bench, "screen letters")
    dispatch(bench, "focus letters.latents")
    bench.change_table("letters.latents", row={"latent": 18})
    dispatch(bench, "note fires on it's, \"its\" and 'S'")
    assert note_on(bench, subject) == "fires on it's, \"its\" and 'S'"
    assert bench.store.fetch("SELECT subject, sae_id, latent FROM note").rows == [("latent", "sae-64", 18)]
    dispatch(bench, "note better now")
    assert bench.store.fetch("SELECT text FROM note").rows == [("better now",)]
    dispatch(bench, "note")
    assert note_on(bench, subject) == ""


def test_a_link_leads_back_to_its_place(bench: Workbench) -> None:
    front = NoFront()
    bench.front = front
    dispatch(bench, "open letters/s/18?sae=w256-k4")
    assert (bench.screen, bench.attention.sae, bench.attention.letter, bench.attention.latent) == (
        "letters",
        "sae-256",
        "s",
        18,
    )
    dispatch(bench, "link")
    assert front.copied == f"saetui open {bench.store.root} --at 'letters/s/18?sae=w256-k4'"
    dispatch(bench, "screen overview")
    dispatch(bench, f"open {front.copied.rpartition(' ')[2]}")
    assert (bench.screen, bench.attention.latent) == ("letters", 18)


@pytest.mark.parametrize("ending", ["parquet", "csv", "md"])
def test_a_table_is_exported_with_its_query_beside_it(bench: Workbench, tmp_path: Path, ending: str) -> None:
    events = heard(bench)
    dispatch(bench, "screen letters")
    dispatch(bench, "letter s")
    dispatch(bench, Filter("f1 > 0.06", table="letters.latents"))
    dispatch(bench, f"export {tmp_path / f'latents.{ending}'} table=letters.latents")
    path = tmp_path / f"latents.{ending}"
    sql, parameters = bench.query_of("letters.latents")
    n_rows = len(bench.store.fetch(sql, **parameters).rows)
    assert 0 < n_rows < 12
    assert any(isinstance(event, NoticeEvent) and f"{n_rows} rows" in event.text for event in events)
    again = bench.store.fetch(path.with_suffix(".sql").read_text().rstrip(";\n"))
    assert len(again.rows) == n_rows
    if ending == "md":
        assert path.read_text().splitlines()[0].startswith("| rank | latent | f1 |")
    else:
        assert duckdb.execute(f"SELECT count(*) FROM '{path}'").fetchall() == [(n_rows,)]
    assert not list(tmp_path.glob(".*"))


def test_new_rows_are_noticed_and_told(bench: Workbench) -> None:
    events = heard(bench)
    with Store.open(bench.store.root) as other:
        other.write("INSERT INTO mark VALUES ('letter', 's', now()::TIMESTAMP)")
    bench.poll()
    bench.poll()
    assert any(isinstance(event, StoreEvent) for event in events)
    assert bench.marks == {Subject("letter", "s")}


def test_screens_are_told_of_and_put_the_focus_on_their_first_table(bench: Workbench) -> None:
    events = heard(bench)
    dispatch(bench, "screen letters")
    assert events == [ScreenEvent("letters")]
    assert bench.focus == "letters.letters"


def test_an_empty_store_says_what_to_do(empty_bench: Workbench) -> None:
    assert empty_bench.catalogue == Catalogue()
    for line in ("sae w64", "sae next", "train topk width=64 k=4"):
        with pytest.raises(CommandError, match="study demo"):
            dispatch(empty_bench, line)


def test_saes_that_are_new_come_into_view_where_one_looks_and_are_named_elsewhere(bench: Workbench) -> None:
    bench.attend(in_view=("sae-64",))
    events = heard(bench)
    bench.store.write("INSERT INTO sae BY NAME SELECT * REPLACE ('new' AS sae_id, 'w9-k4' AS name) FROM sae LIMIT 1")
    bench.store.write(
        "INSERT INTO sae BY NAME SELECT * REPLACE ('far' AS sae_id, 'far-k4' AS name, 'blocks.2.hook_resid_post' AS "
        "hook_name) FROM sae LIMIT 1"
    )
    bench.poll()
    bench.poll()
    # What was taken out of view stays out of it.
    assert set(bench.attention.in_view) == {"sae-64", "new"}
    said = [event.text for event in events if isinstance(event, NoticeEvent)]
    assert said == [
        "new, and in view: w9-k4",
        "new, at other hook points: far-k4; space on screen 1 puts one in view",
    ]
