"""What stands where there is nothing to show is so: not chosen, not studied, being studied, or none."""

import platform
import time
from dataclasses import replace
from pathlib import Path

import pytest

from saetui.jobs import JobClient
from saetui.jobs.folder import JobFolder, Record
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.tui.table.query_table import QueryTable
from store import Store
from tests.tui.jobs.test_jobs import Queue
from tests.tui.store_fixture import SAES

from .running import Running, front, running

SPEC = LettersSpec(hook_name="blocks.1.hook_resid_post", saes=("w64-k4",))


@pytest.fixture(autouse=True)
def no_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)


def job(store: Path, kind: str, state: str = "running") -> JobFolder:
    (store / "jobs").mkdir(exist_ok=True)
    record = Record(
        job_id=f"20261130-{kind}",
        kind=kind,
        title=f"study of {kind}",
        state=state,  # type: ignore[arg-type]
        device="cpu",
        host=platform.node(),
        content_hash=kind,
        created=time.time(),
        started=time.time(),
    )
    return JobFolder.create(store / "jobs", record, SPEC.document())


def said(run: Running, table: str) -> str:
    widget = run.app.front_screen.query_one(f"#{table.replace('.', '-')}", QueryTable)
    return widget.empty if widget.loaded and not widget.total else ""


def without_studies(store: Path, *tables: str) -> None:
    with Store.open(store) as opened:
        for table in tables:
            opened.write(f"DELETE FROM {table} WHERE sae_id = $sae", {"sae": SAES[64]})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("screen", "kind", "tables", "emptied"),
    [
        ("letters", "letters", ("letters.letters", "letters.latents", "letters.words"), ("letter_latent",)),
        (
            "absorption",
            "absorption",
            ("absorption.letters", "absorption.cases", "absorption.evidence"),
            ("absorption_run", "absorption_word"),
        ),
    ],
)
async def test_a_study_that_runs_says_so_how_far_it_is_and_where_to_see_it(
    study: Path, screen: str, kind: str, tables: tuple[str, ...], emptied: tuple[str, ...]
) -> None:
    without_studies(study, *emptied)
    async with running(study) as run:
        for line in ("sae w64-k4", "letter s", "token so", f"screen {screen}"):
            run.app.dispatch(line)
        await front(run, screen)
        for table in tables:
            await run.until(lambda table=table: said(run, table).startswith("not studied for this SAE\nA studies"))
        folder = job(study, kind)
        Queue.progress(folder, 17, 100)
        for table in tables:
            await run.until(lambda table=table: said(run, table).startswith("being studied"))
            await run.until(lambda table=table: f"study of {kind}  17%" in said(run, table))
            assert "7 shows it" in said(run, table)


@pytest.mark.slow
async def test_without_a_letter_or_a_word_one_is_to_be_chosen(study: Path) -> None:
    async with running(study) as run:
        run.app.dispatch("screen letters")
        await front(run, "letters")
        await run.until(lambda: run.bench.attention.letter is not None)
        run.app.front_screen.query_one("#letters-letters", QueryTable)
        run.bench.attend(letter=None, latent=None)
        await run.until(lambda: said(run, "letters.latents") in ("choose a letter", ""))


@pytest.mark.slow
async def test_an_sae_whose_letter_no_latent_claims_says_that(study: Path) -> None:
    with Store.open(study) as store:
        store.write("DELETE FROM letter_latent WHERE sae_id = $sae AND letter = 's'", {"sae": SAES[64]})
    async with running(study) as run:
        for line in ("sae w64-k4", "letter s", "screen letters"):
            run.app.dispatch(line)
        await front(run, "letters")
        await run.until(lambda: said(run, "letters.latents") == "no latent claims this letter")


@pytest.mark.slow
async def test_progress_is_the_same_in_the_first_line_and_on_the_screen_of_jobs(study: Path) -> None:
    folder = job(study, "letters")
    Queue.progress(folder, 17, 100)
    async with running(study) as run:
        await run.press("7")
        await front(run, "jobs")
        await run.shows("letters ▸ 17%")
        await run.until(lambda: run.text.count("17%") > 1)
        await run.press("1")
        await front(run, "overview")
        Queue.progress(folder, 67, 100)
        await run.shows("letters ▸ 67%")
        await run.press("7")
        await front(run, "jobs")
        await run.hides("17%")
        assert run.text.count("67%") > 1


async def test_a_job_that_was_cancelled_elsewhere_has_no_bar(empty_store: Path) -> None:
    folder = job(empty_store, "train")
    Queue.progress(folder, 17, 100)
    async with running(empty_store) as run:
        await run.shows("No SAEs here yet", "study of train  17%", "7 shows it")
        await run.press("7")
        await front(run, "jobs")
        folder.change(lambda record: replace(record, state="cancelled", ended=time.time()))
        await run.until(lambda: run.bench.jobs and run.bench.jobs[0].state == "cancelled")
        await run.press("1")
        await run.shows("No SAEs here yet")
        await run.hides("17%")
        assert "study of train" not in run.text
