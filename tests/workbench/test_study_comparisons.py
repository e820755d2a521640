"""What compares two studies follows each of them where the other has been made, and is queued once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from saetui.cli import work
from saetui.commands.dispatch import dispatch
from saetui.jobs import Job, JobClient
from saetui.jobs.kinds.absorption.spec import AbsorptionSpec
from saetui.jobs.kinds.errors.spec import ErrorsSpec
from saetui.workbench.workbench import Workbench
from tests.made_stores import copy_of
from tests.tui.error_fixture import add_error_study
from tests.tui.store_fixture import HOOK_NAME

NAMES = ["w64-k4", "w256-k4", "w1024-k4"]


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)


@pytest.fixture
def root(made_study: Path, tmp_path: Path) -> Path:
    """A store in which the absorption of three SAEs has been studied, and their errors have not."""
    return copy_of(made_study, tmp_path / "store")


@pytest.fixture
def bench(root: Path) -> Iterator[Workbench]:
    bench = Workbench.open(root, inline=True)
    yield bench
    bench.close()


def compared(client: JobClient) -> list[Job]:
    return [job for job in client.jobs() if job.kind == "absorbed_errors"]


def study_of(client: JobClient, kind: str) -> Job:
    return next(job for job in client.jobs() if job.kind == kind)


def forget_absorption(bench: Workbench) -> None:
    for table in ("absorbed_error", "absorbed_comparison", "absorption_run"):
        bench.store.write(f"DELETE FROM {table}")
    again = Workbench(bench.store, inline=True)
    bench.catalogue = again.catalogue


def test_a_study_of_errors_is_followed_by_the_comparison_with_absorption_once(bench: Workbench) -> None:
    dispatch(bench, "study errors")
    (job,) = compared(bench.client)
    assert (job.setting("hook_name"), job.setting("saes")) == (HOOK_NAME, NAMES)
    assert job.after == (study_of(bench.client, "errors").id,)
    dispatch(bench, "study errors")
    assert [found.id for found in compared(bench.client)] == [job.id]


def test_a_study_of_absorption_is_followed_by_the_comparison_with_errors(root: Path) -> None:
    bench = Workbench.open(add_error_study(root), inline=True)
    try:
        dispatch(bench, "study absorption")
        (job,) = compared(bench.client)
        assert job.after == (study_of(bench.client, "absorption").id,)
    finally:
        bench.close()


def test_without_the_other_study_nothing_is_compared(bench: Workbench) -> None:
    dispatch(bench, "study absorption")
    dispatch(bench, "study letters")
    assert not compared(bench.client)


def test_it_waits_for_the_other_study_where_that_is_under_way(bench: Workbench) -> None:
    forget_absorption(bench)
    dispatch(bench, "study errors")
    assert not compared(bench.client)
    dispatch(bench, "study absorption")
    (job,) = compared(bench.client)
    assert job.after == (study_of(bench.client, "errors").id, study_of(bench.client, "absorption").id)
    # Another study of the same that is asked for again is found, and its comparison as well.
    dispatch(bench, "study absorption")
    assert [found.id for found in compared(bench.client)] == [job.id]


def test_only_saes_of_which_both_are_there_are_compared(bench: Workbench) -> None:
    forget_absorption(bench)
    bench.client.submit(AbsorptionSpec(saes=("w256-k4",)))
    dispatch(bench, "study errors")
    (job,) = compared(bench.client)
    assert job.setting("saes") == ["w256-k4"]


def test_another_hook_point_under_way_does_not_count(bench: Workbench) -> None:
    forget_absorption(bench)
    bench.client.submit(ErrorsSpec(hook_name="blocks.0.hook_resid_post"))
    dispatch(bench, "study absorption")
    assert not compared(bench.client)


def test_a_study_that_was_made_before_is_not_compared_again(bench: Workbench) -> None:
    dispatch(bench, "study errors")
    for job in (study_of(bench.client, "errors"), *compared(bench.client)):
        job.folder.change(lambda record: replace(record, state="done", started=record.created, ended=record.created))
    dispatch(bench, "study errors")
    assert [job.state for job in compared(bench.client)] == ["done"]


def test_the_demo_compares_once(bench: Workbench) -> None:
    for _ in range(2):
        dispatch(bench, "study demo")
    assert len(compared(bench.client)) == 1


def test_the_command_line_waits_for_the_comparison_too(
    root: Path, monkeypatch: pytest.MonkeyPatch, bench: Workbench
) -> None:
    bench.close()
    followed: list[Job] = []
    monkeypatch.setattr("saetui.cli.headless.follow_jobs", lambda root, jobs, **_: followed.extend(jobs) or 1)
    document = {"kind": "errors", "saes": ["*"]}
    assert work.make_study(document, root, None, force=False) == 1
    assert [job.kind for job in followed] == ["errors", "absorbed_errors"]
    assert followed[1].setting("saes") == NAMES
