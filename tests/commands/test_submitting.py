"""What starts work asks first, or says how to undo it."""

import inspect
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from saetui.commands.dispatch import dispatch, prepare
from saetui.commands.vocabulary import commands
from saetui.jobs import JobClient
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.workbench.events import Event, NoticeEvent
from saetui.workbench.exceptions import CommandError
from saetui.workbench.workbench import Workbench
from tests.made_stores import copy_of

# How each command that submits a job is given, and on which screen.
GIVEN = {
    "study": ("absorption", "study"),
    "train": ("overview", "train topk width=64 k=4"),
    "ablate": ("absorption", "ablate short"),
    "pursue": ("pursuit", "pursue random 20"),
    "run": ("overview", "run {spec}"),
    "retry": ("jobs", "retry {failed}"),
    "start": ("jobs", "start {strange}"),
}
_SUBMITS = ("client.submit(", "submit_demo(", "client.retry(", "client.start(")


@pytest.fixture
def errors(made_errors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)
    with_errors = Workbench.open(copy_of(made_errors, tmp_path / "store"), inline=True)
    yield with_errors
    with_errors.close()


@pytest.mark.slow
def test_every_command_that_submits_a_job_is_tried_here() -> None:
    submitting = {verb for verb, cls in commands().items() if any(call in inspect.getsource(cls) for call in _SUBMITS)}
    assert submitting == set(GIVEN)


@pytest.mark.parametrize("verb", GIVEN)
def test_it_asks_first_or_says_how_to_undo_it(errors: Workbench, tmp_path: Path, verb: str) -> None:
    failed = errors.client.submit(LettersSpec(hook_name="blocks.1.hook_resid_post", saes=("w64-k4",)))
    failed.folder.end("failed", only_from=("queued",))
    strange = errors.client.submit(LettersSpec(hook_name="blocks.1.hook_resid_post", saes=("w256-k4",)))
    strange.folder.change(lambda record: replace(record, mark=None))
    spec = tmp_path / "spec.toml"
    spec.write_text('kind = "letters"\nhook_name = "blocks.1.hook_resid_post"\nsaes = ["w1024-k4"]\n')
    errors.poll()
    told: list[Event] = []
    errors.subscribe(told.append)
    screen, line = GIVEN[verb]
    dispatch(errors, f"screen {screen}")
    command = prepare(errors, line.format(spec=spec, failed=failed.id, strange=strange.id))
    before = len(errors.client.jobs())
    question = command.question(errors)
    assert len(errors.client.jobs()) == before, "it has begun before the answer"
    errors.perform(command)
    if question is not None:
        assert question.count("?") == 1
        assert verb == "start" or "cancels it" in question
    else:
        said = [event.text for event in told if isinstance(event, NoticeEvent)]
        assert [text for text in said if text.endswith("cancels it")], said
    assert any(job.state == "queued" for job in errors.client.jobs())


@pytest.mark.parametrize("screen", ["pursuit", "jobs"])
def test_a_screen_that_shows_no_study_has_one_named(errors: Workbench, screen: str) -> None:
    dispatch(errors, f"screen {screen}")
    with pytest.raises(CommandError, match=r"study: name one, since this screen shows none; there are demo, .*letters"):
        prepare(errors, "study")
