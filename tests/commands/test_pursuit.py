"""Pursuits as commands: which tokens are meant, the job that is submitted, earlier pursuits, links and replay."""

import json
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from saetui.cli.pursue import print_pursuits
from saetui.commands.dispatch import dispatch
from saetui.commands.navigate import Open
from saetui.commands.pursuit import Beside, Choose, ChooseMethod, LookAtPursuit, Pursue
from saetui.commands.session import Recorder, fingerprint, load, replay
from saetui.jobs import JobClient
from saetui.jobs.kinds.pursuit.spec import PursuitSpec
from saetui.workbench.exceptions import CommandError
from saetui.workbench.front import NoFront
from saetui.workbench.token_choice import TokenChoice, find_tokens, read_l0
from saetui.workbench.workbench import Workbench
from tests.made_stores import copy_of
from tests.tui.error_fixture import STUDY
from tests.tui.pursuit_fixture import AGAIN, PLACES, SAE
from tests.tui.store_fixture import CORPUS


@pytest.fixture
def bench(everything: Path) -> Iterator[Workbench]:
    bench = Workbench.open(everything, inline=True)
    dispatch(bench, "sae w256-k4")
    dispatch(bench, "screen pursuit")
    yield bench
    bench.close()


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[PursuitSpec]:
    """Specs that were submitted; no worker is started."""
    specs: list[PursuitSpec] = []
    submit: Callable[..., Any] = JobClient.submit

    def keep(client: JobClient, spec: Any, *arguments: Any, **options: Any) -> Any:
        specs.append(spec)
        return submit(client, spec, *arguments, **options)

    monkeypatch.setattr(JobClient, "submit", keep)
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)
    return specs


def test_the_hardest_tokens_are_asked_for_by_their_places(bench: Workbench, submitted: list[PursuitSpec]) -> None:
    done = dispatch(bench, "pursue hardest 5 l0=8 method=nnls")
    assert done == Pursue("hardest", of="5", l0="8", method="nnls", sae="w256-k4")
    (spec,) = submitted
    assert (spec.sae, spec.l0, spec.method, spec.study) == ("w256-k4", 8, "nnls", STUDY)
    assert (spec.corpus, spec.corpus_id, spec.context_length) == ("stdlib", CORPUS, 32)
    assert spec.chosen == "hardest 5"
    errors = bench.store.fetch(
        "SELECT context, position, error_norm[2] AS error FROM error_token WHERE held_out "
        "ORDER BY error DESC, context, position"
    ).rows
    assert list(spec.places) == [(context, position) for context, position, _ in errors[:5]]


def test_missed_words_are_those_on_which_the_main_latents_are_silent(
    bench: Workbench, submitted: list[PursuitSpec]
) -> None:
    dispatch(bench, "letter s")
    assert dispatch(bench, "choose missed") == Choose("missed", of="s")
    dispatch(bench, "pursue")
    asked = bench.parameters("absorption_cases") | {"letter": "s", "sae": SAE}
    cases = bench.store.fetch(bench.store.sql_of("absorption_cases"), **asked).dicts()
    silent = [case["surface"] for case in cases if case["main_activation"] < 1e-8]
    assert silent
    assert sorted(submitted[0].words) == sorted(silent)
    assert submitted[0].places == ()
    assert submitted[0].corpus_id is None
    assert submitted[0].chosen == "missed words of s"


def test_marked_places_and_words_go_into_one_pursuit(bench: Workbench, submitted: list[PursuitSpec]) -> None:
    with pytest.raises(CommandError, match="no marked tokens"):
        dispatch(bench, "pursue marked")
    dispatch(bench, f"mark place {CORPUS}/3/4")
    bench.store.write("INSERT INTO mark VALUES ('place', 'elsewhere/3/5', now()::TIMESTAMP)")
    dispatch(bench, "mark token ' short'")
    dispatch(bench, "pursue marked")
    assert submitted[0].places == ((3, 4),)
    assert submitted[0].words == (" short",)


def test_the_keys_go_through_tokens_numbers_latents_and_methods(bench: Workbench) -> None:
    assert dispatch(bench, "choose") == Choose("marked")
    assert dispatch(bench, "choose") == Choose("random", of="200")
    assert dispatch(bench, "choose more") == Choose("random", of="500")
    assert dispatch(bench, "choose fewer") == Choose("random", of="200")
    assert dispatch(bench, "budget").values() == {"l0": "1"}
    assert dispatch(bench, "budget 64").values() == {"l0": "64"}
    assert dispatch(bench, "budget").values() == {"l0": "own"}
    assert dispatch(bench, "method") == ChooseMethod("dark_matter")
    places = len(bench.history.places)
    dispatch(bench, "method nnls")
    assert len(bench.history.places) == places


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("choose best", "tokens: must be one of"),
        ("choose hardest none", "how many tokens"),
        ("choose missed", "give a letter"),
        ("choose at 3", "'3' is not CONTEXT:POSITION"),
        ("budget 0", "'0' is neither own nor a number"),
        ("budget 257", "257 latents per token are more than the 256 of w256-k4"),
        ("method best", "method: must be one of persistent"),
        ("pursue missed x", "no words of x were judged"),
        ("pursuit zzzz", "no pursuit 'zzzz' here"),
        ("beside zzzz", "no pursuit 'zzzz' here"),
        ("pursued 77", "no token 77"),
        ("cancel", "nothing that this screen shows is running"),
    ],
)
def test_what_cannot_be_done_says_why(
    bench: Workbench, submitted: list[PursuitSpec], command: str, message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        dispatch(bench, command)
    assert not submitted


def test_the_hardest_tokens_need_an_error_study(made_study: Path, tmp_path: Path) -> None:
    bench = Workbench.open(copy_of(made_study, tmp_path / "plain"), inline=True)
    try:
        with pytest.raises(CommandError, match="errors of w64-k4 have not been studied"):
            find_tokens(bench.store, bench.catalogue.saes[0], TokenChoice("hardest", "5"))
    finally:
        bench.close()


def test_an_earlier_pursuit_brings_its_sae_and_a_token_its_place(bench: Workbench) -> None:
    dispatch(bench, "sae w64-k4")
    assert dispatch(bench, f"pursuit {PLACES[:4]}") == LookAtPursuit(PLACES[:4])
    assert (bench.attention.sae, bench.attention.pursuit) == (SAE, PLACES)
    dispatch(bench, "pursued 2")
    (row,) = bench.store.fetch(
        "SELECT surface, context, position FROM pursuit_token WHERE pursuit_id = $id AND row = 2", id=PLACES
    ).rows
    attention = bench.attention
    assert (attention.token, attention.context, attention.position) == row
    dispatch(bench, "sae w64-k4")
    assert (bench.attention.pursuit, bench.attention.pursued) == (None, None)


def test_a_pursuit_is_held_beside_another_and_taken_away(bench: Workbench) -> None:
    dispatch(bench, f"pursuit {PLACES}")
    assert dispatch(bench, f"beside {AGAIN[:4]}") == Beside(AGAIN)
    sql, parameters = bench.query_of("pursuit.tokens")
    found = bench.store.fetch(sql, **parameters).dicts()
    assert [row["beside_after"] is not None for row in found] == [row["row"] < 10 for row in found]
    dispatch(bench, f"beside {AGAIN}")
    assert bench.attention.beside is None


def test_a_link_leads_back_to_pursuit_token_and_settings(bench: Workbench) -> None:
    dispatch(bench, f"pursuit {PLACES}")
    dispatch(bench, "pursued 4")
    dispatch(bench, "choose random 50")
    dispatch(bench, "budget 8")
    dispatch(bench, "link")
    assert isinstance(bench.front, NoFront)
    link = shlex.split(bench.front.copied)[-1]
    assert link.startswith(f"pursuit/{PLACES}/4?sae=w256-k4")
    before = bench.attention
    dispatch(bench, "sae w64-k4")
    dispatch(bench, "screen overview")
    dispatch(bench, Open(link))
    assert bench.screen == "pursuit"
    for name in ("sae", "pursuit", "pursued", "pursue_tokens", "pursue_l0"):
        assert getattr(bench.attention, name) == getattr(before, name), name


@pytest.mark.slow
def test_a_session_of_pursuits_is_recorded_and_done_again(
    bench: Workbench, submitted: list[PursuitSpec], made_everything: Path, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path / "sessions", lambda: fingerprint(bench.store))
    bench.recorder = recorder
    for command in (f"pursuit {PLACES}", "pursued 3", f"beside {AGAIN}", "choose random 20", "method", "pursue"):
        dispatch(bench, command)
    bench.recorder = None
    lines = [json.loads(line) for line in recorder.path.read_text().splitlines()]
    assert lines[-1]["command"] == "pursue"
    assert lines[-1]["args"] == {
        "way": "random",
        "of": "20",
        "l0": "own",
        "method": "dark_matter",
        "sae": "w256-k4",
    }
    other = Workbench.open(copy_of(made_everything, tmp_path / "again"), inline=True)
    try:
        dispatch(other, "sae w256-k4")
        dispatch(other, "screen pursuit")
        assert replay(load(recorder.path), other) == []
    finally:
        other.close()
    assert len(submitted) == 2


def test_l0_is_own_or_a_number(bench: Workbench) -> None:
    entry = bench.catalogue.sae("w256-k4")
    assert read_l0("own", entry) is None
    assert read_l0("12", entry) == 12


def test_the_table_has_the_papers_figures_beside(made_everything: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert print_pursuits(made_everything, sae_name="w256-k4") == 0
    text = capsys.readouterr().out
    lines = [line.split() for line in text.splitlines()]
    assert ["FVU", "0.2000", "0.2100", "+5.0%", "−3", "to", "−5%"] in lines
    assert "missed words of s in w256-k4" in text
    assert any(line[:2] == ["hardest", "30"] and "−25.0%" in line for line in lines)
    assert print_pursuits(made_everything, sae_name="w256-k4", pursuit_id=AGAIN) == 0
    assert "hardest 30 in w256-k4" in capsys.readouterr().out
    with pytest.raises(CommandError, match="no pursuit yet"):
        print_pursuits(made_everything, sae_name="w64-k4")


def test_a_pursuit_that_is_cancelled_says_so(bench: Workbench, submitted: list[PursuitSpec]) -> None:
    dispatch(bench, "pursue random 20")
    bench.poll()
    dispatch(bench, "halt")
    (job,) = [job for job in bench.client.jobs() if job.kind == "pursuit"]
    assert job.state == "cancelled"


def test_halting_a_pursuit_in_an_earlier_session_cancels_it(
    bench: Workbench, submitted: list[PursuitSpec], tmp_path: Path
) -> None:
    header = {"format": 2, "saetui": "0.1.0", "session": "s", "store": "", "parent": None, "started": "2026-11-21"}
    step = {"t": 1, "command": "halt", "args": {}, "visit": False, "digest": ""}
    path = tmp_path / "before.jsonl"
    path.write_text(f"{json.dumps(header)}\n{json.dumps(step)}\n", encoding="utf-8")
    (halt,) = load(path).steps
    dispatch(bench, "screen pursuit")
    dispatch(bench, "pursue random 20")
    bench.poll()
    dispatch(bench, halt.command, visit=halt.visit)
    (job,) = [job for job in bench.client.jobs() if job.kind == "pursuit"]
    assert job.state == "cancelled"
