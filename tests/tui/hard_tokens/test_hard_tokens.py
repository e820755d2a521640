"""Hard tokens by keys: order, unit, filter, the text and the card of a token, the page of widths, marks and notes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.color import Color
from textual.pilot import Pilot
from textual.widgets import Static

from saetui.commands.hard_tokens import At
from saetui.commands.table import Filter
from saetui.tui.app import WorkbenchApp
from saetui.tui.cards.place_card import PlaceCard
from saetui.tui.drawing.figure_view import FigureView
from saetui.tui.hard_tokens import columns
from saetui.tui.hard_tokens.absorbed_line import answer
from saetui.tui.hard_tokens.screen import HardTokensScreen
from saetui.workbench.glossary import GLOSSARY
from saetui.workbench.workbench import Workbench
from store import Store
from tests.tui.store_fixture import SAES, WIDTHS
from tests.tui.table.memory_store import in_front, shown, title, until


@asynccontextmanager
async def hard(
    store: Path, size: tuple[int, int] = (120, 40), *before: str
) -> AsyncIterator[tuple[Pilot[Any], HardTokensScreen]]:
    """The screen in front, after some commands."""
    bench = Workbench.open(store)
    app = WorkbenchApp(bench, record=False)
    try:
        async with app.run_test(size=size) as pilot:
            for command in (*before, "screen hard_tokens"):
                app.dispatch(command)
            screen = await in_front(pilot, HardTokensScreen)
            yield pilot, screen
    finally:
        bench.close()


def settled(screen: HardTokensScreen) -> Callable[[], bool]:
    """Whether table, strips and card are about the token that is looked at."""

    def about() -> bool:
        attention, facts, row = screen.bench.attention, screen.card.facts, screen.tokens.cursor_row
        return (
            facts is not None
            and row is not None
            and screen.tokens.up_to_date
            and (attention.context, attention.position) == (facts.context, facts.token["position"])
            and (row["context"], row["position"]) == (attention.context, attention.position)
        )

    return about


def text_of(screen: HardTokensScreen) -> str:
    return "\n".join(strip.text for strip in screen._compositor.render_strips())


async def test_it_begins_with_the_hardest_token(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        hardest = screen.bench.store.fetch("SELECT context, position FROM error_token ORDER BY hardness DESC LIMIT 1")
        assert hardest.rows == [(screen.bench.attention.context, screen.bench.attention.position)]
        assert [column.label for column in screen.tokens.columns[2:5]] == ["w64-k4", "w256-k4", "w1024"]
        await until(pilot, lambda: "absorbed words are" in text_of(screen))
        await until(pilot, lambda: "latents of w64-k4 on it" in text_of(screen))
        assert "[all]" in title(screen.tokens)


@pytest.mark.slow
async def test_moving_takes_text_and_card_along(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        before = screen.bench.attention
        await pilot.press("j", "j")
        await until(pilot, lambda: screen.bench.attention != before and settled(screen)())
        row = screen.tokens.row_at(2)
        assert row is not None
        assert screen.bench.attention.token == row["surface"]
        assert screen.bench.attention.letter == row["letter"]


@pytest.mark.slow
async def test_a_token_is_looked_at_where_an_equal_one_stands_for_it(errors: Path) -> None:
    """Of the two hardest tokens the second is taken to have the activation of the first."""
    with Store.open(errors) as store:
        hardest = store.fetch("SELECT context, position FROM error_token ORDER BY hardness DESC LIMIT 3").rows
        (first, second, third) = (context << 16 | position for context, position in hardest)
        store.write("UPDATE error_token SET n_equal = 1, equal_to = context::UBIGINT << 16 | position")
        store.write(
            f"UPDATE error_token SET n_equal = 2, equal_to = {first} "
            f"WHERE (context::UBIGINT << 16 | position) IN ({first}, {second})"
        )
    async with hard(errors, (120, 40), f"open hard_tokens/{hardest[2][0]}/{hardest[2][1]}") as (pilot, screen):
        await until(pilot, settled(screen))
        assert [row["place"] for row in map(screen.tokens.row_at, range(2)) if row is not None] == [first, third]
        assert screen.tokens.cursor_index == 1
        assert shown(screen.tokens)[1].split()[-7] == "2"
        screen.dispatch(At(*hardest[1]))
        await until(pilot, lambda: screen.card.facts is not None and screen.card.facts.context == hardest[1][0])
        await until(pilot, lambda: screen.tokens.cursor_index == 0 and screen.tokens.up_to_date)
        await pilot.pause(0.2)
        attention = screen.bench.attention
        assert (attention.context, attention.position) == hardest[1]
        await pilot.press("j")
        await until(pilot, lambda: screen.bench.attention.context == hardest[2][0] and settled(screen)())


def test_a_share_that_means_nothing_is_not_shown_as_one() -> None:
    (column,) = (column for column in columns.tokens([], "hard", "norm", "normal", 1.0) if column.label == "nonlin")
    assert column.paint is not None
    black, white = Color(0, 0, 0), Color(255, 255, 255)
    for share, norm, said in ((0.38, 4.2, "38%"), (1.0, 4.2, "100%"), (None, 4.25, "4.25"), (None, None, "–")):
        row = {"nonlinear_share": share, "nonlinear": norm}
        assert column.paint(row, column.width, black, white).plain == said.rjust(column.width)


@pytest.mark.slow
async def test_another_order_begins_at_its_top(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        await pilot.press("O")
        await until(pilot, lambda: screen.bench.attention.order == "solved" and settled(screen)())
        await until(pilot, lambda: "solved by width" in title(screen.tokens))
        assert screen.tokens.cursor_index == 0
        changes = [row["errors"][-1] - row["errors"][0] for row in map(screen.tokens.row_at, range(20)) if row]
        assert changes == pytest.approx(sorted(changes))


@pytest.mark.slow
async def test_another_unit_keeps_the_token(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        place = screen.bench.attention.context
        await pilot.press("u")
        await until(pilot, lambda: "share of |x|" in title(screen.tokens) and settled(screen)())
        assert screen.bench.attention.context == place
        await until(pilot, lambda: any("%" in line for line in shown(screen.tokens)[1:3]))


@pytest.mark.slow
async def test_w_shows_absorbed_words_only(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        everything = screen.tokens.total
        await pilot.press("w")
        await until(pilot, lambda: "[absorbed]" in title(screen.tokens) and screen.tokens.total < everything)
        await until(pilot, settled(screen))
        await pilot.press("escape")
        await until(pilot, lambda: screen.tokens.total == everything)


@pytest.mark.slow
async def test_tokens_are_filtered_by_words_and_numbers(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        screen.dispatch(Filter("short position<16", table="hard_tokens.tokens"))
        await until(pilot, lambda: 0 < screen.tokens.total < 60)
        rows = [row for row in map(screen.tokens.row_at, range(screen.tokens.total)) if row]
        assert rows
        assert all("short" in row["surface"] and row["position"] < 16 for row in rows)
        await until(pilot, lambda: "/short position<16" in title(screen.tokens))


@pytest.mark.slow
async def test_tokens_are_sorted_by_the_error_of_one_sae(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        screen.dispatch("sort error_2 direction=down table=hard_tokens.tokens")
        await until(pilot, lambda: screen.tokens.sorting[0].column == "error_2" and screen.tokens.up_to_date)
        await until(pilot, lambda: screen.tokens.row_at(1) is not None)
        widest = [row["errors"][2] for row in map(screen.tokens.row_at, range(10)) if row]
        assert widest == sorted(widest, reverse=True)


@pytest.mark.slow
async def test_the_text_is_walked_through_token_by_token(errors: Path) -> None:
    async with hard(errors, (120, 40), "open hard_tokens/3/7") as (pilot, screen):
        await until(pilot, settled(screen))
        await pilot.press("enter", "l")
        await until(pilot, lambda: screen.bench.attention.position == 8 and settled(screen)())
        await pilot.press("h", "h")
        await until(pilot, lambda: screen.bench.attention.position == 6 and settled(screen)())
        await pilot.press("escape")
        assert screen.tokens.has_focus


@pytest.mark.slow
async def test_a_link_leads_to_its_token(errors: Path) -> None:
    async with hard(errors, (120, 40), "open hard_tokens/3/7?order=worse&sae=w256-k4") as (pilot, screen):
        await until(pilot, settled(screen))
        assert (screen.bench.attention.context, screen.bench.attention.position) == (3, 7)
        assert "context 3" in text_of(screen)
        await until(pilot, lambda: "latents of w256-k4" in text_of(screen))


async def test_a_link_leads_to_its_token_though_rows_come_before_it_is_known_which_stands_for_it(
    errors: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[Callable[[], None]] = []
    facts_changed = PlaceCard.facts_changed
    monkeypatch.setattr(PlaceCard, "facts_changed", lambda card: held.append(lambda: facts_changed(card)))
    async with hard(errors, (120, 40), "open hard_tokens/3/7") as (pilot, screen):
        await until(pilot, lambda: screen.card.facts is not None and screen.tokens.up_to_date)
        screen.tokens.tell_row()
        await pilot.pause(0.1)
        assert (screen.bench.attention.context, screen.bench.attention.position) == (3, 7)
        monkeypatch.undo()
        for tell in held:
            tell()
        await until(pilot, settled(screen))
        assert (screen.bench.attention.context, screen.bench.attention.position) == (3, 7)


@pytest.mark.slow
async def test_the_page_of_widths_says_where_recipes_are_mixed(errors: Path) -> None:
    with Store.open(errors) as store:
        store.write("UPDATE sae SET recipe = replace(recipe, ': 2000000', ': 9000') WHERE width = $w", {"w": WIDTHS[0]})
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        await pilot.press("M")
        await until(pilot, lambda: "mixed recipes: 9,000 tokens and 2,000,000 tokens" in str(screen.scaling.title))


@pytest.mark.slow
async def test_m_turns_to_the_page_of_widths(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        await pilot.press("M")
        await until(pilot, lambda: screen.scaling.total == len(WIDTHS) and screen.absorbed.total > 0)
        assert screen.scaling.has_focus
        assert not screen.tokens.display
        await until(pilot, lambda: all(view.figure is not None for view in screen.query(FigureView)))
        await pilot.press("j")
        await until(pilot, lambda: screen.bench.attention.sae == SAES[WIDTHS[1]])
        screen.query_one("#error_scaling", FigureView).focus()
        await pilot.pause()
        figure = screen.figure_in_focus()
        assert figure is not None
        assert figure.name == "error_scaling"
        await pilot.press("escape")
        await until(pilot, lambda: screen.tokens.display)
        assert screen.tokens.has_focus


@pytest.mark.slow
async def test_marked_tokens_stay_marked(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        await pilot.press("m")
        await until(pilot, lambda: any("◆" in line for line in shown(screen.tokens)))
        assert {mark.kind for mark in screen.bench.marks} == {"place"}


@pytest.mark.slow
async def test_back_returns_to_the_earlier_token(errors: Path) -> None:
    async with hard(errors, (120, 40), "open hard_tokens/3/7") as (pilot, screen):
        await until(pilot, settled(screen))
        screen.dispatch("place 9 4")
        await until(pilot, lambda: screen.bench.attention.context == 9 and settled(screen)())
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: screen.bench.attention.context == 3 and settled(screen)())


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_every_size_has_its_columns(errors: Path, size: tuple[int, int]) -> None:
    async with hard(errors, size) as (pilot, screen):
        await until(pilot, settled(screen))
        labels = [column.label for column in screen.tokens.columns]
        assert ("CE+" in labels) == (size[0] > 100)
        assert ("linear" in labels) == (size[0] >= 160)
        row = screen.tokens.cursor_row
        assert row is not None
        assert row["linear"] is not None
        if size[0] < 100:
            assert not screen.card.display
        await pilot.press("c")
        await until(pilot, lambda: screen.card.display and screen.card.has_focus)
        await pilot.press("escape")
        assert screen.tokens.has_focus


@pytest.mark.slow
async def test_every_number_is_explained(errors: Path) -> None:
    tables = [columns.tokens([(0, "w64")], "hard", unit, "wide", 1.0) for unit in ("norm", "share", "fvu")]
    tables += [columns.scaling("wide"), columns.absorbed("normal")]
    assert {column.help for table in tables for column in table} <= set(GLOSSARY)
    async with hard(errors) as (pilot, screen):
        await until(pilot, settled(screen))
        for part in (screen.tokens, screen.strips, screen.card):
            part.focus()
            await pilot.pause()
            assert {number.term for number in screen.explained()} <= set(GLOSSARY)
            assert all(number.value is not None for number in screen.explained())
            assert screen.explained()
            assert screen.current_query() is not None


async def test_an_empty_store_says_what_to_press(study: Path) -> None:
    async with hard(study) as (pilot, screen):
        await until(pilot, lambda: screen.has_class("-empty"))
        assert "studies the SAEs in view" in str(screen.query_one("#hard_tokens-empty", Static).render())
        assert "A study" in text_of(screen)


def test_absorbed_words_are_said_to_be_harder_or_not() -> None:
    row = {"n_absorbed": 12, "error": -26.2, "low": -32.0, "high": -20.4, "linear": 2.0, "nonlinear": -40.0}
    text = answer(row, narrow=False).plain
    assert "26% easier than words of like frequency and norm  [−32%, −20%]" in text
    assert text.endswith("linear +2%  nonlinear −40%  n 12")
    harder = answer({**row, "error": 50.0, "low": None}, narrow=True).plain
    assert harder == "absorbed words are 50% harder than others  n 12"
    assert "no absorbed word" in answer({**row, "n_absorbed": 0}, narrow=True).plain
    assert "too few" in answer({**row, "error": None}, narrow=True).plain
    assert ":study absorbed_errors" in answer(None, narrow=True).plain


@pytest.mark.slow
async def test_the_answer_about_absorbed_words_is_the_stored_one(errors: Path) -> None:
    async with hard(errors) as (pilot, screen):
        await until(pilot, lambda: bool(screen.answer.rows))
        sae = screen.bench.attention.sae
        stored = screen.bench.store.fetch(
            "SELECT percent FROM absorbed_harder WHERE sae_id = $sae AND against = 'fires'", sae=sae
        ).rows
        (row,) = (row for row in screen.answer.rows if row["sae_id"] == sae)
        assert [(row["error"],)] == stored
