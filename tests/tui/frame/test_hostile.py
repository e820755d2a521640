"""A hostile store on every screen and in every panel: nothing hidden is drawn, and no markup of others is read."""

import asyncio
import shutil
from pathlib import Path

import pytest
from textual.strip import Strip

from saetui.figures import figure_kinds
from saetui.jobs import JobClient
from saetui.tui.clipboard import copy_file
from saetui.tui.table.query_table import QueryTable
from tests.hostile import ALL, SHORT, hidden_in, hostile_store

from .running import Running, running

SIZES = [(80, 24), (120, 40)]
# What leads to every screen and its pages.
SCREENS = {
    "overview": [],
    "letters": ["screen letters", "letter s", "latent 18", "focus letters.latents"],
    "words of a letter": ["screen letters", "letter s", "focus letters.words"],
    "absorption": ["screen absorption", "letter s", "token short", "focus absorption.cases"],
    "a word": ["screen absorption", "letter s", "token short", "focus absorption.occurrences"],
    "the map": ["screen absorption", "focus absorption.map"],
    "hard tokens": ["screen hard_tokens"],
    "scaling": ["screen hard_tokens", "focus hard_tokens.scaling"],
    "pursuit": ["screen pursuit"],
    "jobs": ["screen jobs"],
}


@pytest.fixture(scope="module")
def made_hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_store(tmp_path_factory.mktemp("hostile") / "store")


@pytest.fixture
def hostile(made_hostile: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made_hostile, tmp_path / "hostile"))


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is queued here, by a key or again, is not run."""
    monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)


def drawn(run: Running) -> list[Strip]:
    return run.app.screen._compositor.render_strips()


def check(run: Running) -> None:
    """Nothing hidden on screen, and nothing on it that acts."""
    text = "".join(segment.text for strip in drawn(run) for segment in strip)
    assert hidden_in(text, allowed="\u2800") == set()
    for strip in drawn(run):
        for segment in strip:
            style = segment.style
            assert style is None or not style.link
            assert style is None or "app.quit" not in str(style.meta)


async def settle(run: Running) -> None:
    """Wait until the tables in front have their rows, and cards have theirs."""
    await run.until(lambda: all(table.loaded for table in run.app.screen.query(QueryTable) if table.display))
    for _ in range(5):
        await run.pilot.pause(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", SCREENS)
async def test_a_screen_draws_nothing_hidden(name: str, size: tuple[int, int], hostile: Path) -> None:
    async with running(hostile, size=size, record=False) as run:
        for line in SCREENS[name]:
            run.app.dispatch(line)
            await run.pilot.pause()
        await settle(run)
        check(run)
        # Names are there, with what is hidden in them told.
        assert "\\u009b" in run.text or "␛" in run.text
        for key in ("j", "enter", "c", "tab", "i"):
            await run.press(key)
            await asyncio.sleep(0.02)
            check(run)


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_panels_and_notices_draw_nothing_hidden(size: tuple[int, int], hostile: Path) -> None:
    async with running(hostile, size=size, record=False) as run:
        for key in ("question_mark", "Q", "ctrl+p", "n", "slash", "s", "D", "F", "e", "colon"):
            await run.press(key)
            await settle(run)
            check(run)
            await run.press("escape")
        for line in (f"sae {ALL}", f"open letters/s/{ALL}", f"job {ALL}", ALL, f"figure {ALL}", "cancel", "retry"):
            run.app.dispatch(line)
            await settle(run)
            check(run)
        for text in (ALL, f"{SHORT}two\nlines"):
            run.bench.notify(text, "error")
            await settle(run)
            check(run)
            assert "[b]" in run.text


@pytest.mark.parametrize("name", sorted(figure_kinds()))
async def test_a_figure_draws_nothing_hidden(name: str, hostile: Path) -> None:
    async with running(hostile, record=False) as run:
        run.app.dispatch(f"figure {name}")
        await settle(run)
        await asyncio.sleep(0.1)
        await settle(run)
        check(run)


async def test_what_is_copied_hides_nothing(hostile: Path) -> None:
    async with running(hostile, record=False) as run:
        for key in ("y", "Y"):
            await run.press(key)
            await run.until(copy_file().exists)
            assert hidden_in(copy_file().read_text(encoding="utf-8"), allowed="\t\n") == set()
            copy_file().unlink()
