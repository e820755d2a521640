"""Letters, latents, words and the card: what a person does there, and what it becomes."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from saetui.tui.app import WorkbenchApp
from saetui.tui.cards.latent_text import neighbours_in_order
from saetui.tui.letters import columns as letters_columns
from saetui.tui.letters.screen import LettersScreen
from saetui.tui.table.query_table import QueryTable
from saetui.workbench.glossary import GLOSSARY
from saetui.workbench.workbench import Workbench
from store import Store
from tests.tui.store_fixture import SAES
from tests.tui.table.memory_store import in_front, shown, title, until


@asynccontextmanager
async def letters(
    store: Path, size: tuple[int, int] = (120, 40), *before: str, record: bool = False
) -> AsyncIterator[tuple[Pilot[Any], LettersScreen]]:
    """The screen in front, after some commands, with everything it shows at first."""
    bench = Workbench.open(store)
    app = WorkbenchApp(bench, record=record)
    try:
        async with app.run_test(size=size) as pilot:
            for command in (*before, "screen letters"):
                app.dispatch(command)
            screen = await in_front(pilot, LettersScreen)
            yield pilot, screen
    finally:
        bench.close()


def settled(screen: LettersScreen, letter: str, latent: int) -> Callable[[], bool]:
    """Whether everything on the screen is about a letter and a latent."""

    def about() -> bool:
        attention, facts = screen.bench.attention, screen.card.facts
        return (
            (attention.letter, attention.latent) == (letter, latent)
            and facts is not None
            and facts.latent == latent
            and facts.sae_id == attention.sae
            and all(table.loaded for table in (screen.letters, screen.latents, screen.words))
            and screen.letters.cursor_key == letter
            and screen.words.params["latent"] == latent
            and title(screen.latents).startswith(f"latents of {letter}")
        )

    return about


@pytest.mark.slow
async def test_it_begins_with_the_first_letter_and_its_best_latent(study: Path) -> None:
    async with letters(study) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        text = "\n".join(shown(screen.latents))
        assert "▸ ●      0" in text
        assert screen.letters.has_focus
        assert len(shown(screen.letters)) > 20


@pytest.mark.slow
async def test_moving_through_letters_takes_the_other_panes_along(study: Path) -> None:
    async with letters(study) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        await pilot.press("j", "j")
        await until(pilot, settled(screen, "c", 2))
        await until(pilot, lambda: "words of c" in title(screen.words))
        words = [screen.words.row_at(index) for index in range(5)]
        assert all(row is not None and row["surface"].strip()[0] == "c" for row in words)


@pytest.mark.slow
async def test_a_row_that_the_cursor_has_left_chooses_nothing(study: Path) -> None:
    async with letters(study) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        table, row = screen.letters, screen.letters.row_at(2)
        assert row is not None
        # As when rows come under the cursor just before it is put on what is looked at.
        table.post_message(QueryTable.RowHighlighted(table, row, "c", 2, False, table.moves))
        await pilot.pause()
        await until(pilot, lambda: screen.workbench_app.command_queue.idle)
        assert screen.bench.attention.letter == "a"


@pytest.mark.slow
async def test_moving_through_latents_shows_their_words_and_cards(study: Path) -> None:
    async with letters(study) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        await pilot.press("tab", "j")
        second = screen.latents.row_at(1)
        assert second is not None
        await until(pilot, settled(screen, "a", second["latent"]))


@pytest.mark.slow
async def test_what_is_chosen_is_recorded_once_the_cursor_rests(study: Path) -> None:
    async with letters(study, record=True) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        for _ in range(3):
            screen.letters.action_move(1)
        await until(pilot, settled(screen, "d", 3))
        file = max((study / "sessions").glob("*.jsonl"))
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    text = json.dumps([line for line in lines if "letter" in json.dumps(line)])
    assert '"d"' in text
    assert '"b"' not in text


@pytest.mark.slow
async def test_words_are_all_missed_or_false_alarms(study: Path) -> None:
    async with letters(study, (120, 40), f"open letters/s/18?sae=w{1024}-k4") as (pilot, screen):
        await until(pilot, settled(screen, "s", 18))
        await until(pilot, lambda: "[all]" in title(screen.words))
        everything = screen.words.total
        verdicts = {"missed", "found", "false alarm"}
        for verdict, chip in (("missed", "missed]"), ("false alarm", "false alarms]")):
            await pilot.press("w")
            await until(pilot, lambda chip=chip: chip in title(screen.words) and screen.words.total < everything)
            found = {row["verdict"] for row in map(screen.words.row_at, range(screen.words.total)) if row}
            assert found <= {verdict} <= verdicts
        await pilot.press("w")
        await until(pilot, lambda: screen.words.total == everything)
        assert "[all]" in title(screen.words)


def verdicts(store: Store, sae: str, letter: str, latents: list[int]) -> tuple[int, int, int]:
    """Words that any of some latents finds, that all of them miss, and on which any is a false alarm, one by one."""
    words = store.fetch("SELECT token_id, letter FROM word").rows
    fired = store.fetch("SELECT token_id, latent FROM word_activation WHERE sae_id = $sae", sae=sae).rows
    firing = {token for token, latent in fired if latent in latents}
    own = {token for token, its in words if its == letter}
    others = {token for token, its in words if its != letter}
    return len(own & firing), len(own - firing), len(others & firing)


@pytest.mark.slow
async def test_every_latent_of_a_letter_has_its_counts_of_words(study: Path) -> None:
    async with letters(study, (200, 50), "open letters/s/18?sae=w256-k4") as (pilot, screen):
        await until(pilot, settled(screen, "s", 18))
        store, names = screen.bench.store, ("n_found", "n_missed", "n_false_alarms")
        rows = screen.rows(screen.latents)
        assert len(rows) > 1
        for row in rows:
            assert tuple(row[name] for name in names) == verdicts(store, SAES[256], "s", [row["latent"]])
        screen.latents.focus()
        await pilot.press("j")
        await until(pilot, settled(screen, "s", rows[1]["latent"]))
        found, missed, alarms = verdicts(store, SAES[256], "s", [rows[1]["latent"]])
        said = f"{rows[1]['latent']} finds {found} of {found + missed}"
        await until(pilot, lambda: said in title(screen.words))
        assert f"{missed} missed" in title(screen.words)
        assert f"{alarms} false alarms" in title(screen.words)


@pytest.mark.slow
async def test_the_main_latents_are_counted_together(study: Path) -> None:
    with Store.open(study) as store:
        mains = store.fetch(
            "SELECT letter, list(latent) FROM letter_latent WHERE sae_id = $sae AND is_main GROUP BY letter",
            sae=SAES[256],
        )
        letter, latents = max(mains.rows, key=lambda row: len(row[1]))
        assert len(latents) > 1
        expected = verdicts(store, SAES[256], letter, latents)
    async with letters(study, (200, 50), f"open letters/{letter}?sae=w256-k4") as (pilot, screen):
        await until(pilot, lambda: (screen.letters.cursor_row or {}).get("letter") == letter)
        row = screen.letters.cursor_row or {}
        assert tuple(row[f"n_main_{name}"] for name in ("found", "missed", "false_alarms")) == expected
        said = f"{len(latents)} main together: {expected[0]} found, {expected[2]} false alarms"
        await until(pilot, lambda: said in title(screen.words))


@pytest.mark.slow
async def test_letters_that_are_not_usable_are_dim_and_have_their_n(study: Path) -> None:
    for size in ((80, 24), (120, 40), (200, 50)):
        async with letters(study, size) as (pilot, screen):
            await until(pilot, lambda screen=screen: "dim: not in means" in title(screen.letters))
            rows = {row["letter"]: (index, row) for index, row in enumerate(screen.rows(screen.letters))}
            assert not rows["j"][1]["usable"]
            await pilot.press("g")
            for letter, is_dim in (("j", True), ("s", False)):
                index, row = rows[letter]
                screen.letters.scroll_to(y=index, animate=False, force=True)
                await pilot.pause()
                strip = screen.letters.render_line(index - int(screen.letters.scroll_y) + 1)
                assert str(row["n_words"]) in strip.text.split()
                assert any(s.style is not None and bool(s.style.dim) for s in strip if s.text.strip()) == is_dim


@pytest.mark.slow
async def test_a_filter_of_ones_own_is_named(study: Path) -> None:
    async with letters(study) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        screen.dispatch("focus letters.words")
        screen.dispatch("filter probe_logit>4")
        await until(pilot, lambda: "/probe_logit>4" in title(screen.words))
        assert "[" not in title(screen.words)


@pytest.mark.slow
async def test_a_link_to_a_latent_that_is_not_listed_is_kept(study: Path) -> None:
    async with letters(study, (120, 40), "open letters/s/60?sae=w64-k4") as (pilot, screen):
        await until(pilot, lambda: screen.card.facts is not None and screen.card.facts.latent == 60)
        await until(pilot, lambda: screen.letters.cursor_key == "s" and screen.latents.loaded)
        await pilot.pause(0.2)
        attention = screen.bench.attention
        assert (attention.sae, attention.letter, attention.latent) == (SAES[64], "s", 60)


@pytest.mark.slow
async def test_another_sae_begins_with_its_best_latent_for_the_same_letter(study: Path) -> None:
    async with letters(study, (120, 40), "open letters/s/18?sae=w64-k4") as (pilot, screen):
        await until(pilot, settled(screen, "s", 18))
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: screen.bench.attention.sae == SAES[256])
        await until(pilot, settled(screen, "s", 18))
        assert title(screen.card) == "latent 18 · w256-k4"


@pytest.mark.slow
async def test_back_and_forward_restore_the_letter(study: Path) -> None:
    async with letters(study) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        screen.dispatch("open letters/s/18")
        await until(pilot, settled(screen, "s", 18))
        await pilot.press("left_square_bracket")
        await until(pilot, settled(screen, "a", 0))
        await pilot.press("right_square_bracket")
        await until(pilot, settled(screen, "s", 18))


@pytest.mark.slow
async def test_on_a_narrow_terminal_the_card_takes_the_place_of_the_tables(study: Path) -> None:
    async with letters(study, (80, 24)) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        assert not screen.card.region.width
        assert "card" in title(screen.latents)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: screen.card.region.width > 70)
        assert screen.card.has_focus
        await pilot.press("escape")
        await until(pilot, lambda: screen.latents.has_focus and not screen.card.region.width)
        await pilot.press("c")
        await until(pilot, lambda: screen.card.has_focus)
        await pilot.press("c")
        await until(pilot, lambda: screen.latents.has_focus)


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (200, 50), (240, 60)])
async def test_every_size_has_rows_in_every_pane(study: Path, size: tuple[int, int]) -> None:
    async with letters(study, size) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        assert len(shown(screen.letters)) >= 8
        assert screen.latents.scrollable_content_region.width >= 30
        assert len(shown(screen.words)) >= 4
        assert screen.words.across >= 2
        assert bool(screen.card.region.width) == (size[0] >= 100)


@pytest.mark.slow
async def test_marks_are_shown_where_they_belong(study: Path) -> None:
    async with letters(study) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        await pilot.press("tab", "m")
        await until(pilot, lambda: screen.latents.marks == frozenset({0}))
        screen.dispatch("sae w256-k4")
        await until(pilot, lambda: screen.latents.marks == frozenset())


async def test_a_store_without_letters_says_how_to_fill_it(empty_store: Path) -> None:
    async with letters(empty_store) as (pilot, screen):
        await until(pilot, lambda: screen.has_class("-empty"))
        assert not screen.query_one("#letters-body").display
        assert screen.query_one("#letters-empty").display


@pytest.mark.slow
async def test_an_sae_that_was_not_studied_says_so(study: Path) -> None:
    with Store.open(study) as store:
        store.write("DELETE FROM letter_latent WHERE sae_id = $sae", {"sae": SAES[64]})
    async with letters(study, (120, 40), "sae w64-k4") as (pilot, screen):
        await until(pilot, lambda: screen.letters.loaded and not screen.letters.total)
        assert "not studied" in "\n".join(shown(screen.letters))


@pytest.mark.slow
async def test_new_rows_appear_without_losing_ones_place(study: Path) -> None:
    async with letters(study, (120, 40), "open letters/s/18?sae=w256-k4") as (pilot, screen):
        await until(pilot, settled(screen, "s", 18))
        screen.bench.store.write("UPDATE letter_latent SET f1 = 0.123 WHERE latent = 18 AND letter = 's'")
        screen.bench.poll()
        await until(pilot, lambda: (screen.latents.cursor_row or {}).get("f1") == pytest.approx(0.123))
        assert settled(screen, "s", 18)()


@pytest.mark.slow
async def test_a_click_on_a_label_sorts(study: Path) -> None:
    async with letters(study) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        await pilot.click(screen.letters, offset=(11, 1))
        await until(pilot, lambda: "▼probe" in shown(screen.letters)[0])
        await pilot.click(screen.letters, offset=(11, 1))
        await until(pilot, lambda: "▲probe" in shown(screen.letters)[0])


def test_every_number_is_in_the_glossary() -> None:
    tables = [*letters_columns.LETTERS.values(), letters_columns.LATENTS, letters_columns.words(1.0)]
    assert {column.key for table in tables for column in table} <= set(GLOSSARY)


@pytest.mark.slow
async def test_nearest_latents_are_followed_by_key_and_back(study: Path) -> None:
    async with letters(study) as (pilot, screen):
        await until(pilot, settled(screen, "a", 0))
        await pilot.press("c")
        await until(pilot, lambda: screen.card.has_focus and screen.card.facts is not None)
        before = screen.bench.attention
        facts = screen.card.facts
        assert facts is not None
        listed = neighbours_in_order(facts)
        there = next(place for place, latent in enumerate(listed) if latent.sae_id != facts.sae_id)
        await pilot.press("l", "h", *["l"] * (there + 1), "enter")
        await until(pilot, lambda: screen.bench.attention.sae == listed[there].sae_id)
        assert (screen.bench.attention.latent, screen.bench.attention.letter) == (listed[there].latent, before.letter)
        assert screen.card.has_focus
        await until(pilot, lambda: screen.card.facts is not None and screen.card.facts.latent == listed[there].latent)
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: screen.bench.attention.latent == before.latent)
        assert screen.bench.attention.sae == before.sae
