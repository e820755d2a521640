"""Specs: read from files, refused with the field's name and the nearest valid one, known by their content."""

import json
from pathlib import Path

import pytest

from saetui.jobs import JobError, load_spec, parse_spec
from saetui.jobs.registry import spec_kinds
from saetui.jobs.specs import LettersSpec, TrainSpec

TRAIN = {
    "kind": "train",
    "hook_name": "blocks.1.hook_resid_post",
    "tokens": 1000,
    "recipes": [{"width": 512, "k": 4}],
}


def refusal(data: object) -> str:
    with pytest.raises(JobError) as error:
        parse_spec(data, source="grid.toml")
    return str(error.value)


def test_a_toml_file_and_a_json_file_with_the_same_content_are_the_same_spec(tmp_path: Path) -> None:
    toml = tmp_path / "grid.toml"
    toml.write_text(
        'schema = 1\nkind = "train"\nhook_name = "blocks.1.hook_resid_post"\ntokens = 1000\n'
        "[[recipes]]\nwidth = 512\nk = 4\n"
    )
    as_json = tmp_path / "grid.json"
    as_json.write_text(json.dumps(TRAIN))
    spec = load_spec(toml)
    assert isinstance(spec, TrainSpec)
    assert spec.recipes[0].sae_name == "w512-k4"
    assert spec.title == "Train w512-k4"
    assert load_spec(as_json).content_hash == spec.content_hash


def test_what_is_written_is_read_as_the_same_spec() -> None:
    spec = parse_spec(TRAIN)
    document = spec.document()
    assert document["schema"] == 1
    assert parse_spec(json.loads(json.dumps(document))) == spec


def test_the_hash_knows_the_content_and_not_the_store() -> None:
    spec = parse_spec(TRAIN)
    assert parse_spec({**TRAIN, "store": "/elsewhere"}).content_hash == spec.content_hash
    assert parse_spec({**TRAIN, "seed": 0}).content_hash == spec.content_hash
    assert parse_spec({**TRAIN, "seed": 1}).content_hash != spec.content_hash


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_token": 5}, "grid.toml: max_token: unknown field; did you mean 'max_tokens'?"),
        (
            {"recipes": [{"widht": 512, "width": 512, "k": 4}]},
            "grid.toml: recipes[0].widht: unknown field; did you mean 'width'?",
        ),
        ({"recipes": [{"width": 4, "k": 8}]}, "grid.toml: recipes[0]: k = 8 is more than width = 4"),
        ({"recipes": []}, "grid.toml: recipes: "),
        (
            {"recipes": [{"width": 8, "k": 4}, {"width": 8, "k": 4, "seed": 1}]},
            "grid.toml: recipes: two SAEs are called 'w8-k4'; give one of them a name",
        ),
        (
            {"recipes": [{"architecture": "topkk", "width": 8, "k": 4}]},
            "grid.toml: recipes[0].architecture: 'topkk' is unknown; did you mean 'topk'?",
        ),
        ({"kind": "trian"}, "grid.toml: kind: 'trian' is unknown; did you mean 'train'?"),
        (
            {"kind": None},
            "grid.toml: kind: missing; it says what the job does: ablation, absorption, errors, latents, letters, "
            "pursuit, train",
        ),
        ({"schema": 2}, "grid.toml: schema: 2 is not known to this saetui, which reads 1"),
        ({"tokens": "many"}, "grid.toml: tokens: "),
        ({"tokens": 0}, "got 0"),
        ({"batch_size": float("nan")}, "grid.toml: batch_size: "),
    ],
)
def test_a_bad_field_is_named(change: dict[str, object], message: str) -> None:
    assert message in refusal({**TRAIN, **change})


def test_a_missing_field_is_named_with_its_meaning() -> None:
    data = {name: value for name, value in TRAIN.items() if name != "hook_name"}
    assert refusal(data).startswith("grid.toml: hook_name: missing. Hook point")


def test_all_faults_are_told_at_once() -> None:
    assert len(refusal({**TRAIN, "tokens": -1, "sede": 3}).splitlines()) == 2


def test_not_a_table() -> None:
    assert "expected a table" in refusal([1, 2])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", b"kind = ", "not TOML"),
        ("a.json", b"{", "not JSON"),
        ("a.toml", b"\xff\xfe", "not UTF-8 text"),
        ("missing.toml", None, "No such file"),
    ],
)
def test_an_unreadable_file_is_named(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JobError, match=message) as error:
        load_spec(path)
    assert str(path) in str(error.value)


def test_a_relative_path_starts_at_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "tiny-model").mkdir()
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "text.jsonl").touch()
    monkeypatch.chdir(tmp_path / "here")
    path = tmp_path / "specs" / "grid.json"
    path.write_text(json.dumps({**TRAIN, "model": "tiny-model", "corpus": "text.jsonl"}))
    spec = load_spec(path)
    assert isinstance(spec, TrainSpec)
    assert spec.model == str(tmp_path / "specs" / "tiny-model")
    assert spec.corpus == str(tmp_path / "here" / "text.jsonl")
    path.write_text(json.dumps({**TRAIN, "model": "gpt2"}))
    hub = load_spec(path)
    assert isinstance(hub, TrainSpec)
    assert (hub.model, hub.corpus) == ("gpt2", "stdlib")


def test_specs_are_frozen() -> None:
    spec = parse_spec({"kind": "letters", "hook_name": "blocks.1.hook_resid_post", "saes": ["w512-k4"]})
    assert isinstance(spec, LettersSpec)
    with pytest.raises(ValueError, match="frozen"):
        spec.examples = 3  # type: ignore[misc]


def test_every_field_says_what_it_is() -> None:
    for kind, spec in spec_kinds().items():
        for name, field in spec.model_fields.items():
            assert field.description, f"{kind}.{name}"


def test_kinds_are_added_by_the_environment(toy_tasks: None) -> None:
    assert "count" in spec_kinds()
    assert parse_spec({"kind": "count", "to": 4}).kind == "count"


def test_a_module_of_kinds_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAETUI_TASKS", "no_such_module")
    with pytest.raises(JobError, match="SAETUI_TASKS: 'no_such_module' cannot be imported"):
        spec_kinds()


def test_a_spec_of_all_saes_is_run_again_when_there_may_be_more(tmp_path: Path) -> None:
    from saetui.jobs.client import JobClient
    from saetui.jobs.folder import JobFolder

    client = JobClient(tmp_path)
    client.ensure_workers = lambda: None  # type: ignore[method-assign]
    for saes, again in ((("*",), True), (("w512-k4",), False)):
        spec = parse_spec({"kind": "absorption", "saes": saes})
        job = client.submit(spec)
        assert client.submit(spec).id == job.id
        JobFolder(tmp_path / "jobs" / job.id).end("done", only_from=("queued",))
        assert (client.submit(spec).id != job.id) is again
