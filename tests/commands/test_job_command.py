"""Commands that submit a job take the options of its spec, with help and completion from the fields' descriptions."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from saetui.commands.arguments import build, text_of
from saetui.commands.completion import completions, explained
from saetui.commands.dispatch import dispatch, prepare
from saetui.commands.parse import parse
from saetui.commands.study import Study, Train
from saetui.jobs import JobClient
from saetui.workbench.exceptions import CommandError
from saetui.workbench.workbench import Workbench
from tests.figures.made import hook, make_store


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workbench]:
    """A workbench on the made-up absorption study, in which jobs wait."""
    monkeypatch.setattr(JobClient, "ensure_workers", lambda self: None)
    bench = Workbench.open(make_store(tmp_path / "store"), inline=True)
    yield bench
    bench.close()


def test_options_are_kept_as_they_were_given() -> None:
    command = parse("train topk width=64,128 k=4 lr=0.001,0.002 dtype=bfloat16")
    assert command == Train("topk", (64, 128), (4,), further=(("dtype", "bfloat16"), ("lr", (0.001, 0.002))))
    assert parse(text_of(command)) == command
    recorded = json.loads(json.dumps(command.values()))
    assert recorded == {
        "architecture": "topk",
        "width": [64, 128],
        "k": [4],
        "dtype": "bfloat16",
        "lr": [0.001, 0.002],
    }
    assert build(Train, recorded) == command


@pytest.mark.slow
def test_a_train_job_has_what_was_chosen(bench: Workbench) -> None:
    dispatch(bench, "train standard width=64 settings=l1_coefficient=3,5 batch_size=512")
    train = next(job for job in bench.client.jobs() if job.kind == "train")
    document = train.spec
    assert document["batch_size"] == 512
    assert [recipe["settings"] for recipe in document["recipes"]] == [{"l1_coefficient": 3.0}, {"l1_coefficient": 5.0}]


@pytest.mark.slow
def test_a_training_takes_the_recipe_of_the_current_sae_and_asks_by_name(bench: Workbench) -> None:
    bench.attend(sae="id-wide")
    train = prepare(bench, "train topk 128 8")
    assert train == Train("topk", (128,), (8,), hook=hook(1), like="wide")
    question = train.question(bench)
    assert question is not None
    assert "This trains w128-k8 (topk, width 128, k 8) on 2,000,000 tokens of stdlib" in question
    assert "The recipe is that of wide but for: width 128 instead of 64; k 8 instead of 2." in question
    dispatch(bench, "train topk 128 8")
    job = next(job for job in bench.client.jobs() if job.kind == "train")
    assert (job.spec["tokens"], job.spec["batch_size"]) == (2_000_000, 2048)
    assert job.spec["recipes"][0] | {"lr": None} == {
        "architecture": "topk",
        "width": 128,
        "k": 8,
        "lr": None,
        "auxk": 4,
        "dead_tokens": 8000,
        "name": None,
        "seed": 0,
    }


@pytest.mark.slow
def test_an_sae_whose_recipe_is_not_known_is_said_to_have_none(bench: Workbench) -> None:
    bench.store.write("UPDATE sae SET recipe = NULL, source = 'theirs'")
    fresh = Workbench.open(bench.store.root, inline=True)
    try:
        train = prepare(fresh, "train topk 128 8")
        assert train == Train("topk", (128,), (8,), hook=fresh.attention.hook or "")
        question = train.question(fresh)
        assert question is not None
        assert "was trained is not known, so these are saetui's settings for small models" in question
        with pytest.raises(CommandError, match="how wide was trained is not known"):
            prepare(fresh, "train topk 128 8 like=wide")
    finally:
        fresh.close()


@pytest.mark.slow
def test_a_study_is_of_the_saes_in_view_one_job_per_site(bench: Workbench) -> None:
    bench.attend(in_view=("id-narrow", "id-later"))
    dispatch(bench, "study errors test_share=0.5 norm_baselines=yes")
    jobs = bench.client.jobs()
    # Their absorption has been studied, so that each is compared with that.
    assert [(job.kind, job.spec["saes"]) for job in jobs] == [
        ("errors", ["narrow"]),
        ("absorbed_errors", ["narrow"]),
        ("errors", ["later"]),
        ("absorbed_errors", ["later"]),
    ]
    documents = [job.spec for job in jobs if job.kind == "errors"]
    assert [document["test_share"] for document in documents] == [0.5, 0.5]
    assert all(document["norm_baselines"] for document in documents)


@pytest.mark.slow
def test_letters_come_with_latents(bench: Workbench) -> None:
    bench.attend(in_view=("id-narrow", "id-wide"))
    dispatch(bench, "study letters")
    documents = [job.spec for job in bench.client.jobs()]
    assert [(d["kind"], d["saes"]) for d in documents] == [
        ("letters", ["narrow", "wide"]),
        ("latents", ["narrow", "wide"]),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("study errors test_shares=0.5", "no argument 'test_shares'; nearest is 'test_share'"),
        ("study demo test_share=0.5", "no argument 'test_share'"),
        ("study errors test_share=much", "test_share must be a number"),
        ("study errors test_share=2", "test_share: input should be less than 1"),
        ("train topk width=64 k=4 dtype=float8", "dtype: 'float8' is unknown"),
        ("study pursuit", "no study 'pursuit'"),
    ],
)
def test_what_a_job_does_not_take_is_named(bench: Workbench, line: str, said: str) -> None:
    bench.attend(in_view=("id-narrow",))
    with pytest.raises(CommandError, match=said):
        dispatch(bench, line)
    assert bench.client.jobs() == []


@pytest.mark.slow
def test_options_and_their_values_are_completed(bench: Workbench) -> None:
    studies = ("demo", "absorption", "absorbed_errors", "errors", "letters", "latents")
    assert {f"study {name}" for name in studies} == {found.line for found in completions("study ", bench)}
    (found,) = completions("study errors test_", bench)
    assert found.line == "study errors test_share="
    assert found.help.startswith("Share of the contexts that the fits do not see.")
    assert [found.line for found in completions("study errors losses=", bench)] == [
        "study errors losses=yes",
        "study errors losses=no",
    ]
    assert "train topk width=64 dtype=bfloat16" in {
        found.line for found in completions("train topk width=64 dtype=b", bench)
    }
    assert "train topk 64 lr=" in {found.line for found in completions("train topk 64 l", bench)}


def test_the_option_that_is_typed_is_explained() -> None:
    ((name, text),) = explained("study errors loss_contexts=")
    assert name == "loss_contexts"
    assert text.startswith("Held-out contexts on which")
    assert [name for name, _ in explained("study demo ")] == ["name", "force"]


def test_a_command_without_options_stays_as_short_as_it_was() -> None:
    assert text_of(Study("errors")) == "study errors"
    assert Study("errors").values() == {"name": "errors"}
