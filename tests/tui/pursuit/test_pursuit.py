"""The screen of pursuits: what a person does there, and what it becomes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from saetui.jobs import JobClient
from saetui.jobs.progress import Progress
from saetui.tui.app import WorkbenchApp
from saetui.tui.letters.screen import LettersScreen
from saetui.tui.pursuit import columns
from saetui.tui.pursuit.screen import PursuitScreen
from saetui.workbench.glossary import GLOSSARY
from saetui.workbench.pursuit_comparison import selection
from saetui.workbench.workbench import Workbench
from store import Store
from tests.tui.pursuit_fixture import AGAIN, PLACES, SAE, WORDS_RUN, N, add_pursuits
from tests.tui.store_fixture import CORPUS
from tests.tui.table.memory_store import in_front, shown, title, until


@asynccontextmanager
async def pursuing(
    store: Path, size: tuple[int, int] = (120, 40), *before: str
) -> AsyncIterator[tuple[Pilot[Any], PursuitScreen]]:
    """The screen in front, after some commands."""
    bench = Workbench.open(store)
    app = WorkbenchApp(bench, record=False)
    try:
        async with app.run_test(size=size) as pilot:
            for command in (*before, "screen pursuit"):
                app.dispatch(command)
            screen = await in_front(pilot, PursuitScreen)
            await until(pilot, lambda: screen.runs.loaded and screen.tokens.loaded and screen.latents.loaded)
            yield pilot, screen
    finally:
        bench.close()


def said(screen: PursuitScreen, part: str) -> str:
    """The text of a line, each run of spaces as one."""
    return " ".join(str(screen.query_one(f"#pursuit-{part}", Static).content).split())


OPEN = f"open pursuit/{PLACES}?sae=w256-k4"


def test_the_selection_of_tokens_stands_beside_the_gain() -> None:
    own = {"sae_id": "s", "method": "persistent", "l0_rule": "own"}
    hardest = {**own, "chosen": "hardest 50"}
    sample = {**own, "chosen": "random 200", "fvu_change": -0.021, "nonlinear_change": None}
    advice = ":pursue random 200"
    said = selection(hardest, [hardest], advice)
    assert said == "selected for their large error; :pursue random 200 takes a sample"
    # One in another SAE, by another method or with another number of latents is nothing to compare with.
    others = [{**sample, name: "another"} for name in own]
    assert advice in selection(hardest, [*others, hardest], advice)
    later = {**sample, "chosen": "random 500", "fvu_change": 0.01}
    said = selection(hardest, [*others, hardest, sample, later], advice)
    assert said.endswith("; on random 200: FVU −2.1%, nonlinear part –")
    assert selection(sample, [hardest], advice) == ""
    for chosen in ("missed words of s", "words of s", "marked tokens", "7 tokens"):
        said = selection({**own, "chosen": chosen}, [], advice)
        assert said.endswith("; :pursue random 200 takes a sample")
        assert ("words of one letter" in said) == (chosen == "words of s")


@pytest.mark.slow
async def test_the_latest_pursuit_of_the_sae_is_shown_beside_the_paper(everything: Path) -> None:
    async with pursuing(everything, (120, 40), "sae w256-k4") as (pilot, screen):
        await until(pilot, lambda: "missed words of s" in said(screen, "outcome"))
        assert screen.runs.cursor_key == WORDS_RUN
        assert "FVU 0.2000 0.2100 +5.0% −3 to −5%" in said(screen, "outcome")
        assert "FVU, nonlinear part – – – falls slightly" in said(screen, "outcome")
        assert "2410.14670: all tokens, own L0" in said(screen, "outcome")
        assert "selected as missed by the main latents; :pursue random 200 takes a sample" in said(screen, "outcome")
        assert "hardest 200 W its own L0 b persistent P w256-k4" in said(screen, "next")
        await until(pilot, lambda: screen.tokens.total == 3)
        words = shown(screen.tokens)[1:4]
        assert all(word in line for word, line in zip(("short", "so", "snake"), words, strict=True))


@pytest.mark.slow
async def test_the_cursor_stands_on_no_pursuit_of_another_sae(everything: Path) -> None:
    async with pursuing(everything, (120, 40), OPEN) as (pilot, screen):
        await until(pilot, lambda: screen.runs.cursor_row is not None)
        screen.workbench_app.dispatch("sae w64-k4")
        await until(pilot, lambda: screen.runs.up_to_date and screen.runs.cursor_row is None)
        assert "no pursuit of w64-k4 yet" in said(screen, "outcome")
        await until(pilot, lambda: screen.bench.tables["pursuit.runs"].row is None)
        screen.workbench_app.dispatch("sae w256-k4")
        await until(pilot, lambda: (screen.runs.cursor_row or {}).get("sae") == "w256-k4")


@pytest.mark.slow
async def test_moving_through_pursuits_and_tokens_takes_the_other_panes_along(everything: Path) -> None:
    async with pursuing(everything, (120, 40), OPEN) as (pilot, screen):
        await until(pilot, lambda: screen.tokens.total == N and screen.runs.cursor_key == PLACES)
        await until(pilot, lambda: len(screen.plot.chart.lines) == 2)
        assert [line.name for line in screen.plot.chart.lines] == ["pursuit", "encoder"]
        await pilot.press("enter", "j", "j")
        await until(pilot, lambda: screen.bench.attention.pursued == 2)
        await until(pilot, lambda: screen.latents.up_to_date and any("43" in line for line in shown(screen.latents)))
        assert screen.bench.attention.position is not None
        await until(pilot, lambda: "2 kept · 1 dropped · 1 added" in title(screen.latents))
        await until(pilot, lambda: [line.name for line in screen.plot.chart.lines] == ["pursuit", "encoder", "token"])
        roles = [line.split()[0] for line in shown(screen.latents)[3:5]]
        assert roles == ["−", "+"]
        await pilot.press("shift+tab", "shift+tab", "j")
        await until(pilot, lambda: screen.bench.attention.pursuit == AGAIN)
        await until(pilot, lambda: screen.tokens.total == 10 and screen.bench.attention.pursued is None)


async def test_a_pursuit_beside_another_has_a_column_and_a_curve(everything: Path) -> None:
    async with pursuing(everything, (120, 40), OPEN) as (pilot, screen):
        await until(pilot, lambda: screen.tokens.total == N)
        assert "beside" not in shown(screen.tokens)[0]
        screen.dispatch(f"beside {AGAIN}")
        await until(pilot, lambda: "beside" in shown(screen.tokens)[0])
        await until(pilot, lambda: "beside" in [line.name for line in screen.plot.chart.lines])
        await pilot.press("equals_sign")
        await until(pilot, lambda: screen.bench.attention.beside == PLACES)


@pytest.mark.slow
async def test_keys_set_the_next_pursuit_and_p_submits_it(everything: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)
    async with pursuing(everything, (120, 40), OPEN) as (pilot, screen):
        await pilot.press("W", "W", "minus", "b", "b", "P")
        await until(pilot, lambda: "random 100 W 2 latents per token b dark_matter P" in said(screen, "next"))
        await pilot.press("p")
        await until(pilot, lambda: any(job.kind == "pursuit" for job in screen.bench.jobs))
        (job,) = [job for job in screen.bench.jobs if job.kind == "pursuit"]
        assert (job.spec["random_tokens"], job.spec["l0"], job.spec["method"]) == (100, 2, "dark_matter")
        assert screen.bench.attention.pursuit is None
        await until(pilot, lambda: "pursuing Pursuit of random 100 in w256-k4" in said(screen, "next"))
        await pilot.press("x", "y")
        await until(pilot, lambda: "pursues" in said(screen, "next"))


async def test_the_residual_of_a_running_pursuit_is_drawn(everything: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Running:
        kind, title, has_ended, state, waiting, record = "pursuit", "Pursuit", False, "running", None, None
        progress = Progress("pursue", 3, 9, "steps", None, None, {"residual": "1 0.5 0.25"}, 0.5, 3.0)

    async with pursuing(everything, (120, 40), OPEN) as (pilot, screen):
        await until(pilot, lambda: screen.plot.chart.lines)
        monkeypatch.setattr(screen.bench, "jobs", [Running()])
        screen.jobs_changed()
        (line,) = screen.plot.chart.lines
        assert [(point.x, point.y) for point in line.points] == [(0, 1), (1, 0.5), (2, 0.25)]
        assert "pursuing Pursuit 50% 0:03 x cancels" in said(screen, "next")
        monkeypatch.setattr(screen.bench, "jobs", [])
        screen.jobs_changed()
        await until(pilot, lambda: len(screen.plot.chart.lines) == 2)


@pytest.mark.slow
async def test_marks_are_of_places_and_o_goes_to_a_latent(everything: Path) -> None:
    async with pursuing(everything, (120, 40), OPEN) as (pilot, screen):
        await until(pilot, lambda: screen.tokens.total == N)
        await pilot.press("enter")
        await pilot.press("m")
        await until(pilot, lambda: screen.tokens.marks)
        (mark,) = screen.bench.marks
        assert mark.kind == "place"
        assert mark.key.startswith(f"{CORPUS}/")
        await pilot.press("c")
        await until(pilot, lambda: screen.latents.has_focus)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(screen.app.screen, LettersScreen))
        assert (screen.bench.attention.sae, screen.bench.attention.latent) == (SAE, 18)


@pytest.mark.slow
async def test_the_query_is_that_of_the_focused_part(everything: Path) -> None:
    async with pursuing(everything, (120, 40), OPEN) as (pilot, screen):
        await until(pilot, lambda: screen.runs.has_focus or screen.runs.focus() is screen.runs)
        for focus, query in ((screen.tokens, "pursuit_tokens"), (screen.plot, "pursuit_residual")):
            focus.focus()
            await until(pilot, lambda focus=focus: focus.has_focus)
            # What the keys are about follows the focus by a message.
            first = screen.bench.store.sql_of(query).splitlines()[0]
            await until(pilot, lambda first=first: first in (screen.current_query() or ("",))[0])


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_it_fits_every_terminal(everything: Path, size: tuple[int, int]) -> None:
    async with pursuing(everything, size, OPEN) as (pilot, screen):
        await until(pilot, lambda: screen.tokens.total == N and screen.plot.chart.lines)
        assert screen.latents.display == (size[0] >= 100)
        assert screen.tokens.size.height >= 5
        await pilot.press("enter", "enter")
        await until(pilot, lambda: screen.latents.has_focus)
        assert screen.latents.size.width >= 40
        assert screen.tokens.display == (size[0] >= 100)
        await pilot.press("escape")
        await until(pilot, lambda: screen.tokens.has_focus and screen.tokens.display)


async def test_an_empty_store_says_what_to_press(study: Path) -> None:
    async with pursuing(study) as (pilot, screen):
        await until(pilot, lambda: screen.has_class("-empty"))
        assert not screen.tokens.display or screen.tokens.region.height == 0
        empty = str(screen.query_one("#pursuit-empty", Static).render())
        assert "pursues them in the current SAE" in empty


@pytest.mark.slow
async def test_the_first_pursuit_ends_the_emptiness(study: Path) -> None:
    async with pursuing(study, (120, 40), "sae w256-k4") as (pilot, screen):
        await until(pilot, lambda: screen.has_class("-empty"))
        with Store.open(study):
            add_pursuits(study)
        await until(pilot, lambda: not screen.has_class("-empty") and screen.tokens.total == 3)


def test_every_column_is_explained() -> None:
    widths = ("narrow", "normal", "wide")
    tables = [
        *(columns.runs(width) for width in widths),
        *(columns.tokens(width, beside=True) for width in widths),
        *(columns.latents(width, 1.0) for width in widths),
    ]
    unexplained = {column.help or column.key for table in tables for column in table} - set(GLOSSARY)
    assert not unexplained
