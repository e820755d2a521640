"""Metric, thresholds, words and jobs of the absorption study, as commands."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from saetui.commands.absorption import CASES, EVIDENCE, LETTERS, MAP, OCCURRENCES, Ablate, Lead, Metric, Tau
from saetui.commands.dispatch import dispatch
from saetui.commands.navigate import Focus
from saetui.commands.select import Inspect
from saetui.commands.session import Recorder, fingerprint, load, replay
from saetui.commands.study import Study
from saetui.commands.table import Filter
from saetui.jobs import JobClient
from saetui.jobs.kinds.ablation.spec import AblationSpec
from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.workbench.events import Event, NoticeEvent
from saetui.workbench.exceptions import CommandError
from saetui.workbench.front import NoFront
from saetui.workbench.workbench import Workbench
from store import Spool


@pytest.fixture
def cases(bench: Workbench) -> Workbench:
    """On the screen, with a letter and a word of the widest SAE."""
    dispatch(bench, "open absorption/s?sae=w1024-k4")
    return bench


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Specs that were submitted; no worker is started."""
    specs: list[Any] = []
    submit: Callable[..., Any] = JobClient.submit

    def keep(client: JobClient, spec: Any, *arguments: Any, **options: Any) -> Any:
        specs.append(spec)
        return submit(client, spec, *arguments, **options)

    monkeypatch.setattr(JobClient, "submit", keep)
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)
    return specs


def verdicts(bench: Workbench) -> dict[str, int]:
    sql, parameters = bench.query_of(CASES)
    found = bench.store.fetch(sql, **parameters).column("verdict")
    return {verdict: found.count(verdict) for verdict in found}


def test_thresholds_are_parameters_of_the_queries(cases: Workbench) -> None:
    before = verdicts(cases)
    dispatch(cases, "lead 0.1")
    after = verdicts(cases)
    assert after["absorbed"] > before["absorbed"]
    assert "no lead" not in after
    dispatch(cases, "lead 100")
    assert "absorbed" not in verdicts(cases)
    dispatch(cases, "reset")
    assert verdicts(cases) == before
    assert (cases.attention.tau, cases.attention.lead, cases.attention.min_cosine) == (None, None, None)


def test_a_step_starts_from_the_threshold_of_the_study(cases: Workbench) -> None:
    assert dispatch(cases, "lead down") == Lead(0.9)
    assert dispatch(cases, "lead down") == Lead(0.8)
    assert dispatch(cases, "lead up") == Lead(0.9)
    assert dispatch(cases, "tau up") == Tau(0.04)
    for _ in range(6):
        dispatch(cases, "tau down")
    assert cases.attention.tau == 0.0
    assert dispatch(cases, "cosine down").values() == {"value": 0.02}


def test_moving_a_threshold_is_no_step_of_the_history(cases: Workbench) -> None:
    places = len(cases.history.places)
    for _ in range(3):
        dispatch(cases, "lead up")
    assert len(cases.history.places) == places
    dispatch(cases, "back")
    assert cases.attention.lead is None


def test_the_metric_changes_what_a_verdict_is(cases: Workbench) -> None:
    dispatch(cases, "sae w64-k4")
    assert dispatch(cases, "metric") == Metric("projection")
    assert "partly" in verdicts(cases)
    assert dispatch(cases, "metric") == Metric("paper")
    assert "partly" not in verdicts(cases)


def test_cases_cycles_through_absorbed_missed_and_all(cases: Workbench) -> None:
    everything = sum(verdicts(cases).values())
    assert dispatch(cases, "only") == Filter("verdict = absorbed", table=CASES)
    assert set(verdicts(cases)) == {"absorbed"}
    dispatch(cases, "only")
    assert "fires" not in verdicts(cases)
    dispatch(cases, "only")
    assert sum(verdicts(cases).values()) == everything


def test_the_absorber_is_looked_at_on_the_screen_of_letters(cases: Workbench) -> None:
    with pytest.raises(CommandError, match="put the cursor on a latent, or on a word"):
        dispatch(cases, "inspect")
    cases.change_table(CASES, row={"surface": " so", "absorber": 59})
    assert dispatch(cases, "inspect") == Inspect(59)
    assert (cases.screen, cases.attention.latent) == ("letters", 59)
    dispatch(cases, "back")
    dispatch(cases, f"focus {EVIDENCE}")
    cases.change_table(EVIDENCE, row={"latent": 7})
    dispatch(cases, "inspect")
    assert cases.attention.latent == 7


def test_a_page_is_turned_by_its_tables(cases: Workbench) -> None:
    assert cases.page == ""
    dispatch(cases, f"focus {OCCURRENCES}")
    assert cases.page == "word"
    dispatch(cases, f"focus {EVIDENCE}")
    assert cases.page == "word"
    assert [table for table, _ in cases.view().tables] == [EVIDENCE, OCCURRENCES]
    dispatch(cases, "compare")
    assert [table for table, _ in cases.view().tables] == [MAP]
    assert dispatch(cases, "compare") == Focus(LETTERS)
    assert [table for table, _ in cases.view().tables] == [LETTERS, CASES, EVIDENCE]


def test_a_link_leads_to_a_word_and_keeps_what_if(cases: Workbench) -> None:
    front = NoFront()
    cases.front = front
    dispatch(cases, "token short")
    dispatch(cases, "lead 0.8")
    dispatch(cases, "metric projection")
    dispatch(cases, "link")
    assert front.copied.endswith(" --at 'absorption/s/%20short?sae=w1024-k4&metric=projection&lead=0.8'")
    dispatch(cases, "reset")
    dispatch(cases, "metric paper")
    dispatch(cases, "open letters/a?sae=w64-k4")
    dispatch(cases, f"open {front.copied.rpartition(' ')[2]}")
    attention = cases.attention
    assert (cases.screen, attention.sae, attention.letter, attention.token) == ("absorption", "sae-1024", "s", " short")
    assert (attention.metric, attention.lead, attention.tau) == ("projection", 0.8, None)


def test_a_word_is_found_without_its_leading_space(cases: Workbench) -> None:
    dispatch(cases, "open absorption/s/short")
    assert cases.attention.token == " short"
    dispatch(cases, "token set")
    assert cases.attention.token == " set"
    with pytest.raises(CommandError, match="has the token 'nosuchword'"):
        dispatch(cases, "token nosuchword")
    assert cases.attention.token == " set"


def test_another_letter_lets_go_of_the_word(cases: Workbench) -> None:
    dispatch(cases, "open absorption/s/short")
    dispatch(cases, "sae w64-k4")
    assert cases.attention.token == " short"
    dispatch(cases, "letter t")
    assert cases.attention.token is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("lead much", "give a number, up or down, not 'much'"),
        ("lead -1", "must be from 0 to 100, not -1"),
        ("cosine 2", "must be from -1 to 1, not 2"),
        ("tau nan", "must be from 0 to 1, not nan"),
        ("metric guess", "metric: must be one of paper, projection, not 'guess'"),
        ("only most", "only: must be one of all, absorbed, missed"),
        ("ablate", "put the cursor on a word"),
        ("open absorption/s?lead=x", "'x' is not a number"),
        ("open absorption/s?metric=x", "must be one of paper, projection, not 'x'"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(cases: Workbench, line: str, words: str) -> None:
    before = cases.attention
    with pytest.raises(CommandError, match=words):
        dispatch(cases, line)
    assert cases.attention == before


def test_an_sae_that_was_not_studied_has_no_thresholds_to_step_from(cases: Workbench) -> None:
    cases.store.write("DELETE FROM absorption_run")
    with pytest.raises(CommandError, match="run :study absorption first"):
        dispatch(cases, "lead up")
    dispatch(cases, "lead 0.5")
    assert cases.attention.lead == 0.5


def test_ablation_asks_about_the_word_as_the_study_did(cases: Workbench, submitted: list[Any]) -> None:
    """The study that is shown is the last one that wrote its rows, not the job that was started last."""
    asked = [{"saes": ("w1024-k4",), "seed": 7, "examples": 3}, {"saes": ("w1024-k4",), "seed": 8}, {"seed": 9}]
    jobs = [cases.client.submit(AbsorptionSpec.model_validate(settings)) for settings in asked]
    for job, probe, hour in zip(jobs, ("a", "z", "m"), (9, 8, 7), strict=True):
        job.folder.end("done", only_from=("queued",))
        (run,) = cases.store.fetch(
            "SELECT * FROM absorption_run WHERE sae_id = $sae LIMIT 1", sae=cases.attention.sae
        ).dicts()
        with Spool(cases.store.root, job.id) as spool:
            spool.add("absorption_run", [{**run, "probe_id": probe, "created": datetime(2026, 11, 21, hour)}])
    cases.store.commit_spool()
    dispatch(cases, "token short")
    assert dispatch(cases, "ablate") == Ablate(" short", sae="w1024-k4")
    spec = submitted[-1]
    assert isinstance(spec, AblationSpec)
    assert (spec.word, spec.sae, spec.hook_name) == (" short", "w1024-k4", "blocks.1.hook_resid_post")
    assert (spec.seed, spec.examples) == (7, 3)


def test_the_study_is_of_the_saes_in_view(cases: Workbench, submitted: list[Any]) -> None:
    dispatch(cases, "view w64-k4")
    assert dispatch(cases, "study") == Study("absorption")
    spec = submitted[0]
    assert isinstance(spec, AbsorptionSpec)
    assert spec.saes == ("w256-k4", "w1024-k4")
    events: list[Event] = []
    cases.subscribe(events.append)
    dispatch(cases, "study")
    assert NoticeEvent("1 job is queued; screen 7 shows its progress") in events
    cases.client.jobs()[-1].folder.end("done", only_from=("queued",))
    ended = cases.client.jobs()[-1].ended
    assert ended is not None
    dispatch(cases, "study")
    when = f"{ended.astimezone():%Y-%m-%d at %H:%M}"
    said = f"study absorption: {spec.title} was done on {when} and is not run again; :study absorption force=true makes"
    assert NoticeEvent(f"{said} it again") in events


@pytest.mark.slow
def test_done_again_it_shows_the_same(bench: Workbench) -> None:
    bench.recorder = Recorder(bench.store.root / "sessions", lambda: fingerprint(bench.store))
    lines = ["screen absorption", "letter s", "sae w1024-k4", "token so", "lead down", "only", f"focus {OCCURRENCES}"]
    for line in (*lines, "metric", "compare", "reset", "compare"):
        dispatch(bench, line)
    path: Path = bench.recorder.path
    recorded = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]
    assert recorded[4] | {"t": 0, "digest": ""} == {
        "t": 0,
        "command": "lead",
        "args": {"value": 0.9},
        "digest": "",
    }
    assert len({line["digest"] for line in recorded[3:9]}) == 6
    fresh = Workbench.open(bench.store.root, inline=True)
    assert replay(load(path), fresh) == []
    fresh.close()
