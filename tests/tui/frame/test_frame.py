"""The frame: status line, tabs, footer, screens, sizes, colours."""

from pathlib import Path

import pytest
from textual.theme import BUILTIN_THEMES

from saetui.commands.command import Command
from saetui.commands.navigate import Screen
from saetui.tui.drawing.depth import Depth
from saetui.tui.frame.footer_line import FooterLine
from saetui.tui.frame.tab_line import TabLine
from saetui.tui.theme import DARK, LIGHT, THEMES, first_theme, remember_theme
from saetui.workbench.screens import screens
from saetui.workbench.workbench import Workbench

from .running import running


async def test_the_frame_says_where_one_is_and_what_the_keys_do(study: Path) -> None:
    async with running(study) as run:
        first, tabs, *_, last = run.text.splitlines()
        assert "speller · blocks.1.hook_resid_post · w64-k4" in first
        assert "3 of 3 SAEs in view" in first
        assert tabs.split() == " │ ".join(f"{m.key} {m.title}" for m in screens().values()).split()
        for words in ("␣ in view", "⎋ back", "/ filter", ": command", "s sort", "Q query", "? help", "rec ● 0:0"):
            assert words in last


@pytest.mark.slow
async def test_digits_and_clicks_change_the_screen_and_brackets_walk_back(study: Path) -> None:
    async with running(study) as run:
        await run.press("7")
        await run.shows("No jobs yet")
        await run.press("left_square_bracket")
        await run.shows("FVU against width")
        await run.press("right_square_bracket")
        await run.shows("No jobs yet")
        await run.pilot.click(TabLine, offset=(4, 0))
        await run.shows("FVU against width")
        await run.press("2")
        await run.until(lambda: run.bench.screen == "letters")


@pytest.mark.slow
async def test_a_click_on_the_footer_does_what_its_key_does(study: Path) -> None:
    async with running(study) as run:
        line = run.text.splitlines()[-1]
        await run.pilot.click(FooterLine, offset=(line.index("? help"), 0))
        await run.shows("help · overview")


async def test_the_footer_offers_what_can_be_done_here(study: Path) -> None:
    async with running(study) as run:
        await run.press("7")
        await run.shows("No jobs yet")
        last = run.text.splitlines()[-1]
        for words in ("filter", "sort", "mark", "note", "in view", "cancel", "retry"):
            assert words not in last


@pytest.mark.slow
@pytest.mark.parametrize("size", [(60, 15), (80, 24), (240, 60)])
async def test_every_screen_fits_every_size(study: Path, size: tuple[int, int]) -> None:
    async with running(study, size=size) as run:
        for key in "127":
            await run.press(key)
            lines = run.text.splitlines()
            assert len(lines) == size[1]
            assert all(len(line) == size[0] for line in lines if line.isascii())
            assert "? help" in lines[-1]


async def test_too_small_a_terminal_says_so_until_it_is_large_enough(study: Path) -> None:
    async with running(study, size=(80, 24)) as run:
        await run.pilot.resize_terminal(50, 14)
        await run.shows("saetui needs a terminal of 60×15", "this one is 50×14")
        await run.pilot.resize_terminal(60, 15)
        await run.hides("needs a terminal")
        await run.shows("w64-k4")


@pytest.mark.slow
async def test_z_gives_the_focused_part_the_screen_and_escape_takes_it_back(study: Path) -> None:
    async with running(study) as run:
        await run.press("z")
        await run.hides("FVU against width")
        await run.shows("w64-k4", "? help")
        await run.press("escape")
        await run.shows("FVU against width")
        assert run.bench.screen == "overview"
        await run.press("tab", "z")
        await run.hides("w256-k4")
        await run.shows("absorption rate against L0  ⏎ large")


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
@pytest.mark.parametrize("name", [name for name in screens() if name != "jobs"])
async def test_z_gives_every_part_the_whole_screen(name: str, size: tuple[int, int], everything: Path) -> None:
    async with running(everything, size=size, record=False) as run:
        run.app.dispatch("letter s")
        run.app.dispatch(f"screen {name}")
        await run.until(lambda: run.app.current_mode == name and run.app.front_screen.is_whole)
        screen = run.app.front_screen
        # Studies say at first which part has the focus.
        await run.settled()
        await run.until(lambda: screen.focused is not None)
        parts = list(screen.focus_chain)
        assert len(parts) >= 2
        for part in parts:
            part.focus()
            await run.settled()
            before = part.region
            await run.press("z")
            await run.until(lambda part=part: part.region.size == (size[0], size[1] - 1))
            await run.pilot.resize_terminal(size[0] + 1, size[1])
            await run.until(lambda part=part: part.region.size == (size[0] + 1, size[1] - 1))
            await run.pilot.resize_terminal(*size)
            await run.press("escape")
            await run.until(lambda part=part, before=before: part.region == before)


@pytest.mark.slow
async def test_digits_in_a_hurry_lead_to_the_last_of_their_screens(study: Path) -> None:
    async with running(study) as run:
        run.together("2", "7", "3")
        await run.until(lambda: run.app.front_screen.NAME == "absorption")
        await run.settled()
        assert run.bench.screen == "absorption"


@pytest.mark.slow
async def test_escape_never_leaves_a_screen(study: Path) -> None:
    async with running(study) as run:
        for key, name in (("2", "letters"), ("3", "absorption"), ("4", "hard_tokens"), ("5", "pursuit"), ("7", "jobs")):
            await run.press(key)
            await run.until(lambda name=name: run.app.current_mode == name)
            await run.settled()
            for _ in range(3):
                await run.press("escape")
                await run.settled()
            assert run.bench.screen == name


@pytest.mark.slow
async def test_what_is_wrong_is_told_and_nothing_breaks(study: Path) -> None:
    async with running(study) as run:
        await run.press("left_square_bracket")
        await run.shows("this is the first place you looked at")


@pytest.mark.slow
async def test_themes_change_and_unknown_ones_are_named(study: Path) -> None:
    async with running(study) as run:
        for name in ("saetui-light", "ansi-light", "ansi-dark", "nord", "saetui-dark"):
            run.app.dispatch(f"theme {name}")
            await run.pilot.pause()
            assert run.app.theme == name
            assert "w64-k4" in run.text
        run.app.dispatch("theme pink")
        await run.shows("no theme 'pink'")
        run.app.dispatch("theme saetui-light")
    async with running(study) as run:
        assert run.app.theme == "saetui-light"


def test_sixteen_colours_are_the_terminals_own() -> None:
    themes = {theme.name: theme for theme in (*THEMES, *BUILTIN_THEMES.values())}
    assert [first_theme(themes, depth) for depth in Depth] == [DARK.name, DARK.name, "ansi-dark", "ansi-dark"]
    # The theme of a better terminal is not that of a poor one, but the terminal's own colours do for all.
    remember_theme(LIGHT.name)
    assert [first_theme(themes, depth) for depth in Depth] == [LIGHT.name, LIGHT.name, "ansi-dark", "ansi-dark"]
    remember_theme("ansi-light")
    assert {first_theme(themes, depth) for depth in Depth} == {"ansi-light"}


async def test_without_colour_no_text_is_painted_in_its_background(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(study) as run:
        await run.shows("w64-k4")
        segments = [segment for strip in run.app.screen._compositor.render_strips() for segment in strip]
        seen = {(segment.style.color, segment.style.bgcolor) for segment in segments if segment.style is not None}
        assert all(each is None or each.is_default for pair in seen for each in pair)


async def test_nothing_moves_by_itself_over_ssh(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    async with running(study) as run:
        assert run.app.animation_level == "none"


async def test_without_colour_everything_is_there(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with running(study) as run:
        assert "w256-k4" in run.text


@pytest.mark.slow
async def test_a_session_is_recorded_and_listed(study: Path) -> None:
    async with running(study) as run:
        await run.press("7")
        await run.shows("No jobs yet")
        path = run.bench.recorder.path if run.bench.recorder is not None else study
        await run.until(path.is_file)
    assert '"command": "screen"' in path.read_text(encoding="utf-8")


@pytest.mark.slow
async def test_a_command_takes_its_arguments_from_the_cursor_once(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    resolved = Screen.resolved

    def counted(self: Screen, bench: Workbench) -> Command:
        asked.append(self)
        return resolved(self, bench)

    monkeypatch.setattr(Screen, "resolved", counted)
    async with running(study) as run:
        await run.press("7")
        await run.shows("No jobs yet")
    assert asked == [Screen("jobs")]
