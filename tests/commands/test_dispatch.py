"""What a command allows is enforced where it is dispatched, whoever gives it."""

import json
from pathlib import Path

import pytest

from saetui.commands.absorption import Metric, Tau
from saetui.commands.dispatch import dispatch, prepare
from saetui.commands.select import PutInView
from saetui.commands.session import Recorder, fingerprint, load, replay
from saetui.commands.vocabulary import commands
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import screens, screens_with
from saetui.workbench.workbench import Workbench


@pytest.mark.parametrize("given", ["tau 0.1", "tau up", Tau(0.1)])
def test_a_command_of_another_screen_says_where_it_works_and_changes_nothing(
    bench: Workbench, given: str | Tau
) -> None:
    before = bench.attention
    with pytest.raises(CommandError, match=r"^tau: only on the absorption screen; press 3$"):
        dispatch(bench, given)
    assert bench.attention == before
    dispatch(bench, "screen absorption")
    assert dispatch(bench, Tau(0.1)) == Tau(0.1)


def test_every_command_of_some_screens_is_refused_on_all_others(bench: Workbench) -> None:
    limited = [cls for cls in commands().values() if screens_with(cls.verb, cls.group) and not cls.elsewhere]
    assert len(limited) > 15
    for screen in screens():
        dispatch(bench, f"screen {screen}")
        for cls in limited:
            required = {a.name: 1 for a in cls.arguments() if a.required}
            if not cls.works_on(screen):
                with pytest.raises(CommandError, match=f"^{cls.verb}: only on the .* screens?; press [1-9]"):
                    prepare(bench, cls(**required))


def test_a_command_whose_keys_alone_belong_to_a_screen_works_on_all(bench: Workbench) -> None:
    dispatch(bench, "screen letters")
    assert dispatch(bench, "view w256-k4") == PutInView("w256-k4")
    assert "sae-256" not in bench.attention.in_view


@pytest.mark.parametrize(
    ("screen", "line", "why"),
    [
        ("absorption", "reset", "the thresholds are those of the study"),
        ("absorption", "inspect", "put the cursor on a latent, or on a word that a latent took over"),
        ("absorption", "ablate", "put the cursor on a word first"),
        ("hard_tokens", "unit share", "no errors have been studied; A studies"),
        ("hard_tokens", "compare", "no errors have been studied; A studies"),
        ("hard_tokens", "only", "no errors have been studied; A studies"),
        ("pursuit", "cancel", "nothing that this screen shows is running"),
        ("pursuit", "beside", "put the cursor on a pursuit"),
        ("overview", "copy", "there is no row under the cursor"),
    ],
)
def test_what_stands_in_the_way_is_said(bench: Workbench, screen: str, line: str, why: str) -> None:
    dispatch(bench, f"screen {screen}")
    before = bench.attention
    assert not commands()[line.split()[0]].available(bench)
    with pytest.raises(CommandError, match=f"^{line.split()[0]}: {why}"):
        dispatch(bench, line)
    assert bench.attention == before


@pytest.mark.slow
def test_until_format_3_what_a_cursor_looked_at_was_chosen_for_all_screens(bench: Workbench) -> None:
    lines = [("screen letters", True), ("letter s", False), ("screen absorption", True), ("letter t", True)]
    now = Workbench.open(bench.store.root, inline=True)
    now.recorder = Recorder(bench.store.root / "sessions", lambda: fingerprint(bench.store))
    before = []
    for line, visit in lines:
        dispatch(bench, line, visit=visit, shared=True)
        before.append((bench.attention.letter, bench.view().digest(bench.store)))
        dispatch(now, line, visit=visit)
    assert [letter for letter, _ in before] == [None, "s", "s", "t"]
    path: Path = now.recorder.path
    now.close()
    fresh = Workbench.open(bench.store.root, inline=True)
    assert replay(load(path), fresh) == []
    fresh.close()
    header, *steps = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert steps[2]["digest"] != before[2][1]
    steps = [step | {"digest": digest} for step, (_, digest) in zip(steps, before, strict=True)]
    for session_format in (1, 2, 3):
        earlier = [header | {"format": session_format}, *steps]
        path.write_text("".join(json.dumps(line) + "\n" for line in earlier), encoding="utf-8")
        fresh = Workbench.open(bench.store.root, inline=True)
        assert replay(load(path), fresh) == []
        assert fresh.attention.letter == "t"
        fresh.close()


def test_a_step_of_a_cursor_is_recorded_and_replayed_as_one(bench: Workbench) -> None:
    bench.recorder = Recorder(bench.store.root / "sessions", lambda: fingerprint(bench.store))
    for line, visit in (("letter s", True), ("screen letters", True), ("letter c", False), ("screen absorption", True)):
        dispatch(bench, line, visit=visit)
    assert bench.attention.letter == "s"
    dispatch(bench, "screen letters")
    assert bench.attention.letter == "c"
    fresh = Workbench.open(bench.store.root, inline=True)
    assert replay(load(bench.recorder.path), fresh) == []
    assert fresh.attention.letter == "c"
    fresh.close()


@pytest.mark.slow
def test_a_recorded_session_is_held_to_it_too_but_not_one_from_before(bench: Workbench) -> None:
    bench.recorder = Recorder(bench.store.root / "sessions", lambda: fingerprint(bench.store))
    for line in ("screen absorption", "metric projection"):
        dispatch(bench, line)
    path: Path = bench.recorder.path
    header, first, second = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([header, second, first, ""]), encoding="utf-8")
    fresh = Workbench.open(bench.store.root, inline=True)
    [(difference), *_] = replay(load(path), fresh)
    assert difference.step.command == Metric("projection")
    assert difference.shown == "metric: only on the absorption screen; press 3"
    assert fresh.attention.metric == "paper"
    path.write_text("\n".join([json.dumps(json.loads(header) | {"format": 2}), second, first, ""]), encoding="utf-8")
    replay(load(path), fresh)
    assert fresh.attention.metric == "projection"
    fresh.close()
