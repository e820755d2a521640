"""What opens over a screen."""

import base64
import os
from gc import collect
from pathlib import Path
from weakref import ref

import pytest
from textual.events import Key
from textual.keys import _character_to_key as character_to_key
from textual.widgets import TextArea

from saetui.commands.note import Note, note_on
from saetui.commands.select import Token
from saetui.commands.table import Mark
from saetui.tui.clipboard import LONGEST_PAYLOAD, copy_file, osc52
from saetui.tui.panels.note_drafts import NoteDrafts, drafts_file
from saetui.tui.panels.pick import Item, matching
from saetui.tui.panels.prompt_history import PromptHistory, history_file
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.subject import Subject
from saetui.workbench.workbench import Workbench
from store import StoreBusy
from tests.tui.frame.running import Running, running


@pytest.mark.slow
async def test_the_prompt_completes_and_does_a_command(study: Path) -> None:
    async with running(study) as run:
        await run.press("colon")
        await run.type("screen ")
        await run.shows("screen letters")
        await run.type("j")
        await run.press("tab", "enter")
        await run.shows("No jobs yet")


async def test_the_prompt_keeps_a_line_that_is_wrong_and_says_why(study: Path) -> None:
    async with running(study) as run:
        await run.press("colon")
        await run.type("lettr s")
        await run.press("enter")
        await run.shows("nearest is 'letter'", ":lettr s")
        await run.press("escape")
        await run.hides("nearest is")


async def test_the_prompt_fills_in_the_arguments_of_a_command_once(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolved = Token.resolved
    given: list[str] = []

    def counted(command: Token, bench: Workbench) -> Token:
        given.append(command.token)
        return resolved(command, bench)

    monkeypatch.setattr(Token, "resolved", counted)
    async with running(study) as run:
        await run.press("colon")
        await run.type("token short")
        await run.press("enter")
        await run.until(lambda: run.bench.attention.token == " short")
    assert given == ["short"]


async def test_the_prompt_says_where_a_command_works(study: Path) -> None:
    async with running(study) as run:
        await run.press("colon")
        await run.type("metric projection")
        await run.press("enter")
        await run.shows("metric: only on the absorption screen; press 3", ":metric projection")


@pytest.mark.slow
async def test_the_prompt_remembers(study: Path) -> None:
    async with running(study) as run:
        for line in ("letter s", "sae w256-k4"):
            await run.press("colon")
            await run.type(line)
            await run.press("enter")
            await run.until(lambda: len(run.app.screen_stack) == 1)
        await run.press("colon", "up", "up")
        await run.shows(":letter s")
        await run.press("down")
        await run.shows(":sae w256-k4")


@pytest.mark.slow
async def test_ctrl_c_closes_a_panel_and_leaves_only_without_one(study: Path) -> None:
    async with running(study) as run:
        for key in ("colon", "ctrl+p", "question_mark", "n", "slash"):
            await run.press(key)
            await run.until(lambda: len(run.app.screen_stack) == 2)
            await run.press("ctrl+c")
            await run.until(lambda: len(run.app.screen_stack) == 1)
        assert run.app.return_code is None
        await run.press("ctrl+c")
        assert run.app.return_code == 0


async def test_escape_at_the_first_place_does_nothing(study: Path) -> None:
    async with running(study) as run:
        await run.press("escape")
        assert not run.app._notifications


async def test_the_prompt_says_how_a_command_is_written(study: Path) -> None:
    async with running(study) as run:
        await run.press("colon")
        await run.type("train topk width=")
        await run.shows("train ARCHITECTURE WIDTH [K]", "numbers of latents, e.g. width=1024,4096")


def test_lines_of_the_prompt_come_back_whole_whatever_is_in_them(home: Path) -> None:
    lines = ["note a\u2028b", "note a\u0085b", "note a\x0bb\x0cc\x1ed", "note half \ud83d", "note \u202e"]
    history = PromptHistory()
    for line in lines:
        history.add(line)
    again = PromptHistory()
    assert [again.step(-1, "") for _ in lines] == lines[::-1]
    assert again.step(-1, "") is None


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"\0" * 10, b""])
def test_a_damaged_history_costs_the_history_only(damage: bytes, home: Path) -> None:
    path = history_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    PromptHistory().add("letter s")
    assert PromptHistory().step(-1, "") == "letter s"


def test_a_pipe_in_place_of_the_history_is_not_waited_for(home: Path) -> None:
    path = history_file()
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert PromptHistory().step(-1, "") is None


def test_history_walks_through_lines_that_begin_alike() -> None:
    history = PromptHistory()
    for line in ("letter s", "sae w64", "letter t", "letter s"):
        history.add(line)
    again = PromptHistory()
    assert again.step(-1, "le") == "letter s"
    assert again.step(-1, "letter s") == "letter t"
    assert again.step(-1, "letter t") is None
    assert again.step(1, "letter t") == "letter s"
    assert again.step(1, "letter s") == "le"
    assert again.step(1, "le") is None


@pytest.mark.slow
async def test_a_filter_acts_while_it_is_typed_and_escape_brings_the_one_before_back(study: Path) -> None:
    async with running(study) as run:
        table = run.app.screen.query_one(QueryTable)
        await run.press("slash")
        await run.type("w2")
        await run.until(lambda: table.total == 1)
        await run.press("enter")
        await run.until(lambda: run.bench.tables["overview.saes"].filter == "w2")
        await run.press("slash")
        await run.type("56x")
        await run.until(lambda: table.total == 0)
        await run.press("escape")
        await run.until(lambda: table.total == 1)
        await run.press("escape")
        await run.until(lambda: table.total == 3)


async def test_a_filter_that_cannot_be_read_says_why(study: Path) -> None:
    async with running(study) as run:
        await run.press("slash")
        await run.type("fvu>much")
        await run.press("enter")
        await run.shows("compared with a number")


@pytest.mark.slow
async def test_s_sorts_by_the_column_under_the_cursor_or_another(study: Path) -> None:
    async with running(study) as run:
        await run.press("l", "l", "l", "s", "enter")
        await run.until(lambda: run.bench.tables["overview.saes"].sort == "width")
        assert run.bench.tables["overview.saes"].descending
        await run.press("s")
        await run.type("fvu")
        await run.press("enter")
        await run.until(lambda: run.bench.tables["overview.saes"].sort == "fvu")


@pytest.mark.slow
async def test_the_palette_finds_commands_and_their_values(study: Path) -> None:
    async with running(study) as run:
        await run.press("ctrl+p")
        await run.type("saew25")
        await run.shows("sae w256-k4")
        await run.press("enter")
        await run.until(lambda: run.bench.attention.sae == "sae-256")
        await run.press("ctrl+p")
        await run.type("latent")
        await run.press("enter")
        await run.shows(":latent")


def test_names_come_before_helps_and_beginnings_first() -> None:
    items = [Item(text, word, "", print) for text, word in [("theme", "sae"), ("use sae", ""), ("sae", "")]]
    assert [item.text for item in matching(items, "sae")] == ["sae", "use sae", "theme"]
    assert matching(items, "") == items
    assert matching(items, "xyz") == []


@pytest.mark.slow
async def test_help_lists_the_keys_of_this_screen(study: Path) -> None:
    async with running(study, size=(120, 90)) as run:
        await run.press("question_mark")
        await run.shows("help · overview", ":filter", ":view", "Half a page down")
        await run.press("escape", "7")
        await run.shows("No jobs yet")
        await run.press("question_mark")
        await run.shows("help · jobs", ":cancel")
        assert ":view" not in run.text


async def test_q_shows_the_query_with_its_values_and_copies_it(study: Path) -> None:
    async with running(study) as run:
        run.app.dispatch("filter width > 64")
        await run.press("Q")
        await run.shows("list_contains(['sae-64', 'sae-256', 'sae-1024'], sae_id)", "64")
        await run.press("y")
        await run.until(copy_file().is_file)
        copied = copy_file().read_text(encoding="utf-8")
        assert len(run.bench.store.fetch(copied).rows) == 2


async def test_i_explains_the_number_under_the_cursor(study: Path) -> None:
    async with running(study) as run:
        await run.press(*"lllll", "i")
        await run.shows("0.3079", "Fraction of variance unexplained", "2410.14670")


@pytest.mark.slow
async def test_every_column_on_screen_is_explained(study: Path) -> None:
    async with running(study) as run:
        from saetui.workbench.glossary import GLOSSARY

        for key in "12":
            await run.press(key)
            for table in run.app.screen.query(QueryTable):
                missing = [column.key for column in table.columns if column.label and column.key not in GLOSSARY]
                assert not missing, table.id


@pytest.mark.slow
async def test_the_editor_of_a_note_is_gone_once_it_is_closed(study: Path) -> None:
    async with running(study) as run:
        editors = []
        for _ in range(3):
            await run.press("n")
            await run.shows("note on SAE w64-k4")
            editors.append(ref(run.app.screen.query_one(TextArea)))
            await run.press("escape")
            await run.hides("note on SAE w64-k4")
        # What handled the last key may still hold the last one.
        await run.until(lambda: collect() >= 0 and [editor() for editor in editors[:2]] == [None, None])


@pytest.mark.slow
async def test_n_writes_a_note_on_the_row(study: Path) -> None:
    subject = Subject("sae", "sae-64")
    async with running(study) as run:
        await run.press("n")
        await run.shows("note on SAE w64-k4")
        await run.until(lambda: not run.app.screen.query_one(TextArea).read_only)
        await run.type("good")
        await run.press("enter")
        await run.type("one")
        await run.press("ctrl+s")
        await run.shows("saved")
        assert note_on(run.bench, subject) == "good\none"
        await run.press("n")
        await run.shows("good")
        await run.press("escape")
        await run.until(lambda: len(run.app.screen_stack) == 1)


async def test_m_marks_the_row(study: Path) -> None:
    async with running(study) as run:
        await run.press("m")
        table = run.app.screen.query_one(QueryTable)
        await run.until(lambda: table.marks == {"sae-64"})
        await run.press("m")
        await run.until(lambda: not table.marks)


async def test_y_copies_the_row_and_a_file_keeps_it(study: Path) -> None:
    async with running(study) as run:
        await run.press("y")
        await run.until(copy_file().is_file)
        assert copy_file().read_text(encoding="utf-8").split("\t")[1:3] == ["sae-64", "w64-k4"]
        await run.press("Y")
        await run.until(lambda: copy_file().read_text(encoding="utf-8").endswith("--at 'overview?sae=w64-k4'"))


async def test_e_offers_a_file_to_export_to(study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(study) as run:
        await run.press("e")
        await run.shows(":export overview-saes.parquet")
        await run.press("enter")
        await run.shows("3 rows written")
    assert (tmp_path / "overview-saes.parquet").is_file()
    assert (tmp_path / "overview-saes.sql").is_file()


@pytest.mark.slow
async def test_a_file_of_that_name_is_overwritten_after_a_yes_only(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = tmp_path / "overview-saes.parquet"
    mine.write_text("mine")
    async with running(study) as run:
        await run.press("e", "enter")
        await run.shows("Overwrite overview-saes.parquet?")
        await run.press("n")
        await run.until(lambda: len(run.app.screen_stack) == 1)
        assert mine.read_text() == "mine"
        await run.press("e", "enter")
        await run.shows("Overwrite overview-saes.parquet?")
        await run.press("y")
        await run.shows("3 rows written")
    assert mine.read_bytes()[:4] == b"PAR1"


def test_a_copy_is_wrapped_for_tmux_and_left_out_where_it_is_too_long() -> None:
    text = "s · 412"
    payload = base64.b64encode(text.encode()).decode()
    assert osc52(text) == f"\x1b]52;c;{payload}\x07"
    wrapped = osc52(text, tmux=True)
    assert wrapped is not None
    assert wrapped.startswith(f"\x1b]52;c;{payload}\x07")
    assert wrapped.endswith(f"\x1bPtmux;\x1b\x1b]52;c;{payload}\x07\x1b\\")
    assert osc52("x" * LONGEST_PAYLOAD) is None


async def test_keys_typed_before_the_prompt_is_open_are_for_the_prompt(study: Path) -> None:
    async with running(study) as run:
        for character in ":sort fvu down":
            run.app.post_message(Key(character_to_key(character), character))
        run.app.simulate_key("enter")
        await run.until(lambda: run.bench.tables["overview.saes"].sort == "fvu")
        assert run.bench.screen == "overview"
        assert len(run.app.screen_stack) == 1


async def test_keys_typed_before_the_palette_is_open_are_for_the_palette(study: Path) -> None:
    async with running(study) as run:
        run.together("ctrl+p")
        for character in "screen jobs":
            run.app.post_message(Key(character_to_key(character), character))
        run.together("enter")
        await run.until(lambda: run.bench.screen == "jobs")
        await run.until(lambda: len(run.app.screen_stack) == 1)


async def test_keys_after_one_that_opens_nothing_are_done_a_moment_later(study: Path) -> None:
    async with running(study) as run:
        await run.press("7")
        await run.until(lambda: run.bench.screen == "jobs")
        for key in ("n", "3"):
            run.app.simulate_key(key)
        await run.until(lambda: run.bench.screen == "absorption")
        assert len(run.app.screen_stack) == 1


@pytest.mark.slow
async def test_notes_and_marks_are_listed_narrowed_and_gone_to(study: Path) -> None:
    async with running(study) as run:
        await run.press("N")
        await run.shows("there are no notes and no marks yet")
        sae = run.bench.catalogue.saes[1]
        run.app.dispatch(Mark("latent", f"{sae.sae_id}/3"))
        run.app.dispatch(Note("look again", kind="letter", key="t"))
        await run.shows("note on letter t saved")
        await run.until(lambda: len(run.bench.store.fetch("annotations").rows) == 2)
        run.app.dispatch("notes")
        await run.shows("notes and marks", "letter t", "look again", f"latent 3 of {sae.name}", "◆")
        await run.type("latent")
        await run.hides("look again")
        await run.press("enter")
        await run.until(lambda: (run.bench.screen, run.bench.attention.latent) == ("letters", 3))
        assert run.bench.attention.sae == sae.sae_id
        run.app.dispatch("notes nothing of this")
        await run.shows("none of the 2 notes and marks has")


async def open_note(run: Running) -> TextArea:
    await run.press("n")
    await run.until(lambda: any(not area.read_only for area in run.app.screen.query(TextArea)))
    return run.app.screen.query_one(TextArea)


@pytest.mark.slow
@pytest.mark.parametrize("ends", ["escape", "ctrl+c", "ctrl+q"])
async def test_a_typed_note_is_there_again_however_it_was_closed(study: Path, ends: str) -> None:
    subject = Subject("sae", "sae-64")
    async with running(study) as run:
        await open_note(run)
        await run.type("half a th")
        await run.press(ends)
        await run.until(lambda: run.app.return_code == 0 or len(run.app.screen_stack) == 1)
    async with running(study) as run:
        area = await open_note(run)
        assert area.text == "half a th"
        await run.shows("not saved yet")
        await run.type("ought")
        await run.press("ctrl+s")
        await run.shows("saved")
        await run.until(lambda: note_on(run.bench, subject) == "half a thought")
        area = await open_note(run)
        assert area.text == "half a thought"
        await run.type(" too many")
        await run.press("ctrl+r")
        assert area.text == "half a thought"
        await run.press("escape")
        await run.until(lambda: len(run.app.screen_stack) == 1)
        assert NoteDrafts(study).of(subject) is None


@pytest.mark.slow
async def test_a_note_that_cannot_be_saved_stays_a_draft(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = Subject("sae", "sae-64")
    async with running(study) as run:
        area = await open_note(run)
        await run.type("kept")
        with monkeypatch.context() as patched:

            def refuse(*_: object) -> None:
                raise StoreBusy("the store is busy")

            patched.setattr(run.bench.store, "write", refuse)
            await run.press("ctrl+s")
            await run.shows("the store is busy")
        assert note_on(run.bench, subject) == ""
        area = await open_note(run)
        assert area.text == "kept"
        await run.shows("not saved yet")
        await run.press("ctrl+s")
        await run.until(lambda: note_on(run.bench, subject) == "kept")
        await run.until(lambda: NoteDrafts(study).of(subject) is None)


async def test_a_draft_is_of_one_subject_of_one_store(study: Path, empty_store: Path) -> None:
    NoteDrafts(study).keep(Subject("sae", "sae-64"), "mine")
    assert NoteDrafts(study).of(Subject("sae", "sae-64")) == "mine"
    assert NoteDrafts(study).of(Subject("sae", "sae-256")) is None
    assert NoteDrafts(study).of(Subject("latent", "sae-64")) is None
    assert NoteDrafts(empty_store).of(Subject("sae", "sae-64")) is None


@pytest.mark.parametrize("damage", [b"\xff\xfe", b"", b"[]", b'{"a": 1'])
def test_damaged_drafts_cost_themselves_only(damage: bytes, study: Path) -> None:
    path = drafts_file()
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    subject = Subject("letter", "s")
    assert NoteDrafts(study).of(subject) is None
    NoteDrafts(study).keep(subject, "again \ud83d")
    assert NoteDrafts(study).of(subject) == "again \ud83d"
