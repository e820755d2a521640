"""Letters, words, evidence, occurrences and the map: what a person does there, and what it becomes."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.strip import Strip
from textual.widgets import Static

from saetui.tui.absorption import columns
from saetui.tui.absorption.screen import AbsorptionScreen
from saetui.tui.app import WorkbenchApp
from saetui.tui.frame.footer_line import FooterLine
from saetui.tui.letters.screen import LettersScreen
from saetui.tui.panels.help import help_text
from saetui.workbench.glossary import GLOSSARY
from saetui.workbench.subject import Subject
from saetui.workbench.workbench import Workbench
from store import Store
from tests.tui.store_fixture import CONTEXTS, LENGTH, SAES
from tests.tui.table.memory_store import in_front, shown, title, until


@asynccontextmanager
async def absorption(
    store: Path, size: tuple[int, int] = (120, 40), *before: str, record: bool = False
) -> AsyncIterator[tuple[Pilot[Any], AbsorptionScreen]]:
    """The screen in front, after some commands."""
    bench = Workbench.open(store)
    app = WorkbenchApp(bench, record=record)
    try:
        async with app.run_test(size=size) as pilot:
            for command in (*before, "screen absorption"):
                app.dispatch(command)
            screen = await in_front(pilot, AbsorptionScreen)
            yield pilot, screen
    finally:
        bench.close()


def settled(screen: AbsorptionScreen, letter: str, token: str) -> Callable[[], bool]:
    """Whether everything on the screen is about a letter and a word."""

    def about() -> bool:
        attention, facts = screen.bench.attention, screen.card.facts
        return (
            (attention.letter, attention.token) == (letter, token)
            and facts is not None
            and facts.case["surface"] == token
            and all(table.loaded and table.up_to_date for table in (screen.letters, screen.cases, screen.evidence))
            and screen.letters.cursor_key == letter
            and screen.cases.cursor_key == token
            and screen.evidence.params["token"] == token
            and screen.thresholds.row is not None
        )

    return about


def card(screen: AbsorptionScreen) -> str:
    """The text of the card, each run of spaces as one."""
    return " ".join(str(screen.card.query_one(Static).content).split())


def line(screen: AbsorptionScreen) -> str:
    """The line of thresholds, likewise."""
    return " ".join(str(screen.thresholds.content).split())


def footer(screen: AbsorptionScreen) -> str:
    """What the last line offers."""
    return screen.query_one(FooterLine).render().plain


N_TOKENS = CONTEXTS * LENGTH
WIDE = "open absorption/s/so?sae=w256-k4"


@pytest.mark.slow
async def test_it_begins_with_the_first_letter_and_its_clearest_case(study: Path) -> None:
    async with absorption(study) as (pilot, screen):
        await until(pilot, lambda: screen.bench.attention.token is not None)
        first = screen.cases.row_at(0)
        assert first is not None
        await until(pilot, settled(screen, "a", first["surface"]))
        assert first["verdict"] == "absorbed"
        assert screen.letters.has_focus


@pytest.mark.slow
async def test_a_case_says_who_is_silent_who_took_over_and_what_the_model_says_then(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        case = screen.cases.cursor_row
        assert case is not None
        text = card(screen)
        assert "verdict absorbed · leads the next by" in text
        assert "main 18 silent" in text
        assert f"takes over {case['absorber']} ·{case['absorber_token'].strip()} fires" in text
        assert (
            f"without {case['absorber']} S → {case['answer_without'].upper()}, against the best other letter 6.0"
            in text
        )
        assert "(Z) → −1.5 (Z); against the mean" in text
        assert "the model answers S, " in text
        assert "above the mean of the others, 6.0 above Z, the best of them" in " ".join(text.split())
        assert f"latent {case['absorber']} took over top tokens" in text
        evidence = shown(screen.evidence)
        assert evidence[1].split()[:3] == ["▸", "▶", str(case["absorber"])]
        assert "█" in evidence[1]
        assert evidence[2].split()[:4] == ["●", "18", "0.00", "0.00"]


@pytest.mark.slow
async def test_an_ablation_of_before_says_how_to_find_the_rival(study: Path) -> None:
    with Store.open(study) as store:
        store.write("UPDATE ablation SET rival = NULL, rival_lead = NULL, clean_rival = NULL, clean_rival_lead = NULL")
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        assert "against the best other letter not stored (:ablate force=true); against the mean" in card(screen)
        assert "above the best of them: a finds it" in card(screen)


@pytest.mark.slow
async def test_a_word_of_which_nothing_was_removed_has_its_rival(study: Path) -> None:
    with Store.open(study) as store:
        store.write("DELETE FROM ablation")
        store.write("UPDATE absorption_word SET rival = 'q', rival_lead = 1.25")
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        assert "1.2 above Q, the best of them" in card(screen)


@pytest.mark.slow
async def test_moving_through_letters_and_words_takes_the_other_panes_along(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        await pilot.press("tab", "j")
        second = screen.cases.row_at(1)
        assert second is not None
        await until(pilot, settled(screen, "s", second["surface"]))
        await pilot.press("shift+tab", "j")
        await until(pilot, lambda: screen.bench.attention.letter == "t" and screen.bench.attention.token is not None)
        await until(pilot, settled(screen, "t", str(screen.bench.attention.token)))
        assert screen.cases.cursor_index == 0
        assert title(screen.cases).startswith("words of t")


@pytest.mark.slow
async def test_a_moved_threshold_changes_verdicts_at_once(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        rate = (screen.letters.cursor_row or {})["rate"]
        assert f"s {rate:.1%} usable letters" in line(screen)
        await pilot.press("D", "D")
        await until(pilot, lambda: (screen.thresholds.row or {}).get("lead") == 1.2)
        screen.dispatch("lead 3")
        await until(pilot, lambda: (screen.thresholds.row or {}).get("lead") == 3)
        await until(pilot, lambda: screen.letters.up_to_date and screen.cases.up_to_date)
        assert "what if" in line(screen)
        assert "δ lead 3 (was 1) d D" in line(screen)
        assert f"{rate:.1%} → " in line(screen)
        assert (screen.letters.cursor_row or {})["rate"] < rate
        assert screen.cases.cursor_key == " so"
        await pilot.press("R")
        await until(pilot, lambda: "what if" not in line(screen))
        await until(pilot, lambda: (screen.letters.cursor_row or {}).get("rate") == rate)


@pytest.mark.slow
async def test_the_metric_has_columns_of_its_own(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        assert "abs." in shown(screen.letters)[0]
        await pilot.press("u")
        await until(pilot, lambda: "fraction" in shown(screen.letters)[0] and screen.cases.up_to_date)
        assert "fract." in shown(screen.cases)[0]
        assert "[projection]" in line(screen)
        assert "lead" not in line(screen)
        await until(pilot, lambda: "carries of the probe" in title(screen.evidence))
        assert screen.cases.cursor_key == " so"


@pytest.mark.slow
async def test_enter_opens_the_word_in_the_corpus_and_escape_goes_back(study: Path) -> None:
    async with absorption(study, (120, 40), "open absorption/s?sae=w64-k4") as (pilot, screen):
        await until(pilot, lambda: screen.bench.attention.token is not None)
        token = str(screen.bench.attention.token)
        await until(pilot, settled(screen, "s", token))
        await pilot.press("tab")
        await until(pilot, lambda: "⏎ contexts" in footer(screen))
        assert "⏎ contexts of the word" in title(screen.cases)
        assert "⏎ on words" in help_text(screen).plain
        assert "every place where the word stands" in help_text(screen).plain
        await pilot.press("enter")
        await until(pilot, lambda: screen.occurrences.has_focus and screen.occurrences.total > 0)
        assert "⏎" not in footer(screen)
        assert not screen.cases.region.width
        await until(pilot, lambda: token.strip() in shown(screen.occurrences)[1])
        n = screen.occurrences.total
        assert title(screen.occurrences).startswith(
            f"contexts of ·{token.strip()}  {n} in {N_TOKENS:,} tokens of prose"
        )
        await until(pilot, lambda: "latents active at this occurrence" in card(screen))
        await pilot.press("escape")
        await until(pilot, lambda: screen.cases.has_focus and screen.cases.region.width > 0)
        assert not screen.occurrences.region.width
        assert screen.bench.page == ""
        await until(pilot, lambda: "took over" in card(screen))


@pytest.mark.slow
async def test_a_word_without_contexts_says_why(study: Path) -> None:
    with Store.open(study) as store:
        store.write("DELETE FROM activation_set WHERE sae_id = $sae", {"sae": SAES[64]})
        store.write("UPDATE token_context SET token_ids = list_transform(token_ids, lambda t: least(t, 3))")
    async with absorption(study, (120, 40), "open absorption/s/so?sae=w64-k4") as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        screen.dispatch("focus absorption.occurrences")
        await until(pilot, lambda: "no activations of this SAE are stored" in "".join(shown(screen.occurrences)))
        assert ":study latents stores those of the SAEs in view" in "".join(shown(screen.occurrences))
        screen.dispatch("sae w256-k4")
        said = f"the word does not stand in the {N_TOKENS:,} tokens on which this SAE's activations are stored"
        await until(pilot, lambda: said in "".join(shown(screen.occurrences)))


@pytest.mark.slow
async def test_coming_back_from_another_screen_begins_on_the_first_page(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        await pilot.press("M")
        await until(pilot, lambda: screen.sae_map.has_focus)
        screen.dispatch("screen letters")
        await until(pilot, lambda: isinstance(pilot.app.screen, LettersScreen))
        screen.dispatch("screen absorption")
        await until(pilot, lambda: pilot.app.screen is screen and screen.cases.region.width > 0)
        assert screen.letters.has_focus
        assert not screen.sae_map.region.width


@pytest.mark.slow
async def test_the_latent_under_the_cursor_of_the_evidence_is_told_about(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        screen.dispatch("focus absorption.evidence")
        await pilot.press("j")
        await until(pilot, lambda: "latent 18 main latent" in card(screen))
        await until(pilot, lambda: screen.bench.attention.latent == 18)


@pytest.mark.slow
async def test_o_goes_to_the_absorber_among_the_latents(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        case = screen.cases.cursor_row
        assert case is not None
        await pilot.press("o")
        await until(pilot, lambda: isinstance(pilot.app.screen, LettersScreen))
        attention = screen.bench.attention
        assert (attention.sae, attention.letter, attention.latent) == (SAES[256], "s", case["absorber"])
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: pilot.app.screen is screen)
        await until(pilot, settled(screen, "s", " so"))


@pytest.mark.slow
async def test_the_map_shows_all_saes_and_leads_to_a_letter(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        await pilot.press("M")
        await until(pilot, lambda: screen.sae_map.has_focus and screen.sae_map.total == 3)
        lines = shown(screen.sae_map)
        assert lines[0].split()[3:29] == list("abcdefghijklmnopqrstuvwxyz")
        assert not screen.cases.region.width
        await pilot.press("g", *"lllll")
        await until(pilot, lambda: screen.sae_map.column.key == "c")
        await pilot.press("enter")
        await until(pilot, lambda: screen.bench.attention.letter == "c" and screen.letters.has_focus)
        assert screen.bench.attention.sae == SAES[64]
        await until(pilot, lambda: screen.bench.attention.token is not None)
        await until(pilot, settled(screen, "c", str(screen.bench.attention.token)))


@pytest.mark.slow
async def test_letters_that_are_not_usable_are_dim_and_named(study: Path) -> None:
    def dims(strip: Strip, text: str) -> bool:
        return any(bool(s.style and s.style.dim) for s in strip if s.text.strip() == text)

    async with absorption(study, (200, 50), WIDE) as (pilot, screen):
        await until(pilot, lambda: "dim: not in means" in title(screen.letters))
        for row in screen.rows(screen.letters):
            index = [r["letter"] for r in screen.rows(screen.letters)].index(row["letter"])
            screen.letters.scroll_to(y=index, animate=False, force=True)
            await pilot.pause()
            strip = screen.letters.render_line(index - int(screen.letters.scroll_y) + 1)
            assert dims(strip, row["letter"]) == (not row["usable"])
        await pilot.press("M")
        await until(pilot, lambda: screen.sae_map.has_focus and screen.sae_map.total == 3)
        await until(pilot, lambda: "dim: not in the mean" in title(screen.sae_map))
        unusable = screen.bench.store.fetch(
            "SELECT letter, n_train + n_test FROM probe WHERE NOT usable "
            "AND letter IN (SELECT letter FROM absorption_word) ORDER BY letter"
        ).rows
        said = ", ".join(f"{letter} {n}" for letter, n in unusable)
        assert "j" in said
        sql, parameters = screen.bench.query_of("absorption.map")
        exported = screen.bench.store.fetch(sql, **parameters).dicts()
        assert {row["left_out"] for row in exported} == {said}
        assert said in shown(screen.sae_map)[1]


@pytest.mark.slow
async def test_the_same_word_is_looked_at_in_another_sae(study: Path) -> None:
    async with absorption(study, (120, 40), "open absorption/s/short?sae=w64-k4") as (pilot, screen):
        await until(pilot, settled(screen, "s", " short"))
        await pilot.press("greater_than_sign")
        await until(pilot, lambda: screen.bench.attention.sae == SAES[256])
        await until(pilot, settled(screen, "s", " short"))


@pytest.mark.slow
async def test_words_are_all_absorbed_or_missed(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        everything = screen.cases.total
        await pilot.press("w")
        await until(pilot, lambda: "[absorbed]" in title(screen.cases) and screen.cases.total < everything)
        found = {row["verdict"] for row in map(screen.cases.row_at, range(screen.cases.total)) if row}
        assert found == {"absorbed"}
        await pilot.press("w", "w")
        await until(pilot, lambda: "[all]" in title(screen.cases) and screen.cases.total == everything)


@pytest.mark.slow
async def test_a_word_whose_ablation_runs_says_so(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saetui.jobs.JobClient.ensure_workers", lambda _: None)
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        await pilot.press("a")
        await until(pilot, lambda: "exact removing its latents" in card(screen))
        (job,) = screen.bench.jobs
        assert (job.kind, job.spec["word"], job.spec["sae"]) == ("ablation", " so", "w256-k4")


@pytest.mark.slow
async def test_an_exact_effect_appears_when_it_is_in_the_store(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        latent = (screen.evidence.row_at(2) or {})["latent"]
        values = {"sae": SAES[256], "token": (screen.cases.cursor_row or {})["token_id"], "latent": latent}
        screen.bench.store.write(
            "INSERT INTO ablation (sae_id, probe_id, token_id, latent, effect, margin, answer) "
            "VALUES ($sae, 'probe-1', $token, $latent, -0.25, 8.5, 's')",
            values,
        )
        screen.bench.poll()
        await until(pilot, lambda: (screen.evidence.row_at(2) or {}).get("exact_effect") == -0.25)
        assert screen.cases.cursor_key == " so"


@pytest.mark.slow
async def test_a_model_that_cannot_spell_has_no_rate_and_is_offered_the_other_metric(study: Path) -> None:
    with Store.open(study) as store:
        store.write("UPDATE absorption_run SET model_accuracy = 0.31, rate = NULL")
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, lambda: "The model names the first letter of 31% of the words" in line(screen))
        assert "u measures by projection" in line(screen)
        await until(pilot, lambda: (screen.letters.row_at(0) or {"rate": 0})["rate"] is None)
        assert "absorbed" not in {(row or {}).get("verdict") for row in map(screen.cases.row_at, range(20))}
        await pilot.press("u")
        await until(pilot, lambda: "The model" not in line(screen))


@pytest.mark.slow
async def test_a_letter_that_has_moved_on_is_warned_of(study: Path) -> None:
    with Store.open(study) as store:
        store.write("UPDATE absorption_run SET probe_f1_last = 0.93")
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, lambda: "Probes at the end of the prompt know the letter as well (F1 0.93" in line(screen))


@pytest.mark.slow
async def test_a_store_without_a_study_says_what_to_press(empty_store: Path) -> None:
    async with absorption(empty_store) as (pilot, screen):
        await until(pilot, lambda: screen.has_class("-empty"))
        assert screen.query_one("#absorption-empty").display
        assert not screen.query_one("#absorption-body").display


@pytest.mark.slow
async def test_an_sae_that_was_not_studied_says_so(study: Path) -> None:
    with Store.open(study) as store:
        store.write("DELETE FROM absorption_run WHERE sae_id = $sae", {"sae": SAES[64]})
    async with absorption(study, (120, 40), "sae w64-k4") as (pilot, screen):
        await until(pilot, lambda: screen.letters.loaded and not screen.letters.total)
        assert "not studied for this SAE" in "\n".join(shown(screen.letters))


@pytest.mark.slow
@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (200, 50), (240, 60)])
async def test_every_size_has_rows_in_every_pane(study: Path, size: tuple[int, int]) -> None:
    async with absorption(study, size, WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        assert len(shown(screen.letters)) >= 7
        assert "verdict" in shown(screen.cases)[0]
        assert len(shown(screen.evidence)) >= 5
        assert bool(screen.card.region.width) == (size[0] >= 100)


async def test_on_a_narrow_terminal_the_card_takes_the_place_of_the_tables(study: Path) -> None:
    async with absorption(study, (80, 24), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        assert title(screen.evidence).endswith("c card")
        await pilot.press("c")
        await until(pilot, lambda: screen.card.has_focus and screen.card.region.width > 70)
        assert not screen.cases.region.width
        await pilot.press("escape")
        await until(pilot, lambda: screen.letters.has_focus and not screen.card.region.width)


@pytest.mark.slow
async def test_marks_are_shown_where_they_belong(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        await pilot.press("m", "tab", "m")
        await until(pilot, lambda: screen.letters.marks == frozenset("s") and screen.cases.marks == frozenset({" so"}))
        screen.dispatch("focus absorption.evidence")
        await pilot.press("m")
        latent = (screen.cases.cursor_row or {})["absorber"]
        await until(pilot, lambda: screen.evidence.marks == frozenset({latent}))
        screen.dispatch("focus absorption.occurrences")
        await until(pilot, lambda: screen.occurrences.total > 0 and screen.bench.subject is not None)
        assert screen.bench.subject == Subject("token", " so")


@pytest.mark.slow
async def test_what_is_done_is_recorded_and_nothing_else(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE, record=True) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: screen.occurrences.has_focus)
        await pilot.press("escape")
        await until(pilot, lambda: screen.cases.has_focus)
        await pilot.press("M")
        await until(pilot, lambda: screen.sae_map.has_focus)
        await pilot.pause(0.2)
        file = max((study / "sessions").glob("*.jsonl"))
    steps = [json.loads(text) for text in file.read_text().splitlines()[1:]]
    focused = [step["args"]["table"].partition(".")[2] for step in steps if step["command"] == "focus"]
    assert focused == ["cases", "occurrences", "cases", "map"]


@pytest.mark.slow
async def test_every_part_has_a_query_and_its_numbers_are_explained(study: Path) -> None:
    async with absorption(study, (120, 40), WIDE) as (pilot, screen):
        await until(pilot, settled(screen, "s", " so"))
        for table in ("letters", "cases", "evidence", "occurrences", "map"):
            screen.dispatch(f"focus absorption.{table}")
            await until(pilot, lambda table=table: screen.bench.focus == f"absorption.{table}")
            query = screen.current_query()
            assert query is not None
            assert screen.bench.store.fetch(query[0], **query[1]).columns
            (number,) = screen.explained()
            assert number.term in GLOSSARY


def test_every_number_is_in_the_glossary() -> None:
    tables = [
        *(columns.letters(metric, width) for metric in METRICS for width in WIDTHS),
        *(columns.cases(metric, width) for metric in METRICS for width in WIDTHS),
        *(columns.evidence(metric, width, 1.0) for metric in METRICS for width in WIDTHS),
        columns.occurrences(1.0, 1.0),
        columns.sae_map(120),
    ]
    assert {column.help for table in tables for column in table} <= set(GLOSSARY)
    assert {"tau", "lead", "min_cosine"} <= set(GLOSSARY)


METRICS, WIDTHS = ("paper", "projection"), ("narrow", "normal", "wide")
