"""Subcommands that submit a job: what is typed becomes the fields of its spec."""

import inspect
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from saetui.cli import main
from saetui.cli.pursue import pursue_command
from saetui.jobs import JobClient
from saetui.jobs.registry import spec_kinds
from saetui.jobs.spec_options import spec_options
from saetui.workbench.token_choice import WAYS
from store import Store
from tests.figures.made import make_store

HOOK = "blocks.1.hook_resid_post"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store in which jobs wait and none is followed."""
    for name in ("XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)
    monkeypatch.setattr("saetui.cli.headless.follow_jobs", lambda *_, **__: 0)
    return make_store(tmp_path / "store")


def submitted(monkeypatch: pytest.MonkeyPatch, store: Path, *arguments: str) -> list[Mapping[str, Any]]:
    """The documents of the jobs that a subcommand leaves."""
    assert ended(monkeypatch, *arguments, "--store", str(store)) == 0
    return [job.spec for job in JobClient(store).jobs()]


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["saetui", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    code = ended.value.code
    assert isinstance(code, int)
    return code


@pytest.mark.slow
def test_train_makes_every_combination_on_one_stream(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = ["train", "topk", "--hook", HOOK, "--width", "64,128", "--k", "4", "--k", "8", "--tokens", "5000"]
    (document,) = submitted(monkeypatch, study, *grid)
    assert document["kind"] == "train"
    assert document["tokens"] == 5000
    assert [(r["width"], r["k"]) for r in document["recipes"]] == [(64, 4), (64, 8), (128, 4), (128, 8)]


@pytest.mark.slow
def test_what_else_differs_stands_in_the_names(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = ["train", "standard", "--hook", HOOK, "--width", "64", "--settings", "l1_coefficient=3,5", "--lr", "1e-4"]
    (document,) = submitted(monkeypatch, study, *grid)
    assert [r["name"] for r in document["recipes"]] == [
        "standard-w64-l1_coefficient3",
        "standard-w64-l1_coefficient5",
    ]
    assert [r["settings"] for r in document["recipes"]] == [{"l1_coefficient": 3.0}, {"l1_coefficient": 5.0}]
    assert {r["lr"] for r in document["recipes"]} == {1e-4}


@pytest.mark.slow
def test_train_studies_what_it_makes_if_asked(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = ["train", "topk", "--hook", HOOK, "--width", "64", "--k", "4", "--study"]
    train, absorption, latents = submitted(monkeypatch, study, *grid)
    assert train["tokens"] == 2_000_000
    assert (absorption["kind"], absorption["saes"]) == ("absorption", ["w64-k4"])
    assert (latents["kind"], latents["saes"], latents["hook_name"]) == ("latents", ["w64-k4"], HOOK)


@pytest.mark.slow
def test_train_says_whose_recipe_it_takes(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    one = ["train", "topk", "--hook", HOOK, "--width", "64", "--k", "8"]
    (document,) = submitted(monkeypatch, study, *one)
    said = " ".join(capsys.readouterr().err.split())
    assert (
        "This trains w64-k8 (topk, width 64, k 8) on 2,000,000 tokens of stdlib: batches of 2,048, learning rate"
        in said
    )
    assert "The recipe is that of dense but for: width 64 instead of 16; k 8 instead of 4." in said
    assert (document["batch_size"], document["recipes"][0]["lr"]) == (2048, 0.001)
    *_, document = submitted(monkeypatch, study, *one, "--like", "none")
    assert "These are saetui's settings for small models." in " ".join(capsys.readouterr().err.split())
    assert (document["batch_size"], document["recipes"][0]["lr"]) == (512, 0.008)
    assert ended(monkeypatch, *one, "--like", "nobody", "--store", str(study)) == 1
    assert "no SAE 'nobody' here; there are" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--width", "64", "--k", "65"], "k = 65 is more than width = 64"),
        (["--width", "many", "--k", "4"], "width"),
        (["--k", "4"], "recipes[0].width: missing. Number of latents."),
        (["--width", "64", "--settings", "l1"], "settings.l1"),
        (["--width", "64", "--k", "4", "--dtype", "float8"], "did you mean 'float"),
    ],
)
def test_what_cannot_be_trained_is_named(
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: Sequence[str],
    said: str,
) -> None:
    assert ended(monkeypatch, "train", "topk", "--hook", HOOK, *arguments, "--store", str(study)) == 2
    assert said in capsys.readouterr().err
    assert JobClient(study).jobs() == []


@pytest.mark.slow
def test_settings_of_a_loss_are_an_option_of_a_study(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = ["study", "train", "--hook", HOOK, "--architecture", "standard", "--width", "64", "--tokens", "9"]
    (document,) = submitted(monkeypatch, study, *one, "--settings", "l1_coefficient=5")
    assert document["recipes"][0]["settings"] == {"l1_coefficient": 5.0}


@pytest.mark.slow
def test_pursue_takes_the_options_of_its_job(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("saetui.cli.pursue.print_pursuits", lambda *_, **__: 0)
    asked = ["pursue", "--sae", "wide", "--random", "7", "--method", "nnls", "--l0", "3", "--fit-tokens", "0"]
    (document,) = submitted(monkeypatch, study, *asked)
    assert document["random_tokens"] == 7
    assert (document["method"], document["l0"], document["fit_tokens"]) == ("nnls", 3, 0)


def test_a_store_without_saes_needs_its_hook_point_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Store.open(tmp_path / "empty", create=True).close()
    arguments = ["train", "topk", "--width", "64", "--k", "4", "--store", str(tmp_path / "empty")]
    assert ended(monkeypatch, *arguments) == 2
    assert "hook_name: missing" in capsys.readouterr().err


def test_the_help_of_an_option_has_its_bounds_and_none_that_only_guard_against_slips() -> None:
    options = spec_options(spec_kinds()["letters"])
    assert "(≥ 0; ≤ 1; default: 0.03)" in options["tau"].help
    assert "≤" not in options["seed"].help
    assert "≥ 0" in options["seed"].help
    assert "≤ 1" in spec_options(spec_kinds()["absorption"])["min_cosine"].help


def test_every_way_to_choose_tokens_is_an_option_of_pursue() -> None:
    command = pursue_command(lambda **_: None, None)
    options = inspect.signature(command).parameters
    assert {"place" if way == "at" else way for way in WAYS} <= set(options)
