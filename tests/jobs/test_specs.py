"""Specs: read from files, refused with the field's name and the nearest valid one, known by their content."""

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from saetui.jobs import JobError, load_spec, parse_spec
from saetui.jobs.kinds.letters.spec import LettersSpec
from saetui.jobs.kinds.train.spec import TrainSpec
from saetui.jobs.registry import spec_kinds
from tests.at_once import at_once
from tests.saved_saes import save_folder

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
            "grid.toml: kind: missing; it says what the job does: ablation, absorbed_errors, absorption, errors, "
            "latents, letters, pursuit, train",
        ),
        ({"schema": 2}, "grid.toml: schema: 2 is not known to this saetui, which reads 1"),
        ({"tokens": "many"}, "grid.toml: tokens: "),
        ({"tokens": 0}, "got 0"),
        ({"batch_size": float("nan")}, "grid.toml: batch_size: "),
        ({"kind": ["train"]}, "grid.toml: kind: ['train'] is unknown"),
        ({"kind": {}}, "grid.toml: kind: {} is unknown"),
        ({"schema": [1]}, "grid.toml: schema: [1] is not known"),
        ({"recipes": [[[[{}]]]]}, "grid.toml: recipes[0]: "),
        ({"corpus": "caf\udce9.txt"}, r"grid.toml: corpus: 'caf\udce9.txt' is not UTF-8"),
        ({"model": "~no-user-of-this-name/model"}, "grid.toml: model: '~no-user-of-this-name/model': "),
        ({"corpus": "a" * 5000}, "grid.toml: corpus: "),
        ({"corpus": "a\0b"}, r"grid.toml: corpus: 'a\x00b' holds a null byte"),
        ({"model": "\0"}, r"grid.toml: model: '\x00' holds a null byte"),
        ({"store": "a\0b"}, r"grid.toml: store: 'a\x00b' holds a null byte"),
    ],
)
def test_a_bad_field_is_named(change: dict[str, object], message: str) -> None:
    assert message in refusal({**TRAIN, **change})


def test_a_missing_field_is_named_with_its_meaning() -> None:
    data = {name: value for name, value in TRAIN.items() if name != "hook_name"}
    assert refusal(data).startswith("grid.toml: hook_name: missing. Hook point")


def test_all_faults_are_told_at_once() -> None:
    assert len(refusal({**TRAIN, "tokens": -1, "sede": 3}).splitlines()) == 2


def test_what_is_not_a_table_is_refused() -> None:
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
        spec.examples = 3


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

    save_folder(tmp_path, "s1", "w512-k4")
    client = JobClient(tmp_path)
    client.ensure_workers = lambda: None  # type: ignore[method-assign]
    for saes, again in ((("*",), True), (("w512-k4",), False)):
        spec = parse_spec({"kind": "absorption", "saes": saes})
        job = client.submit(spec)
        assert client.submit(spec).id == job.id
        JobFolder(tmp_path / "jobs" / job.id).end("done", only_from=("queued",))
        assert (client.submit(spec).id != job.id) is again


NUMBERS = [
    (kind, name)
    for kind, spec in spec_kinds().items()
    for name, field in spec.model_fields.items()
    if field.annotation in (int, int | None) and name not in ("schema_version", "places")
]
FIELDS: dict[str, dict[str, Any]] = {
    "train": TRAIN,
    "letters": {"hook_name": "h", "saes": ["a"]},
    "absorption": {},
    "ablation": {"hook_name": "h", "sae": "a", "word": " w"},
    "latents": {"hook_name": "h", "saes": ["a"]},
    "errors": {"hook_name": "h"},
    "absorbed_errors": {"hook_name": "h"},
    "pursuit": {"hook_name": "h", "sae": "a", "random_tokens": 1},
}


HASHES = {
    "train": "5a21c48bfa57c673678b1c5825725ab4",
    "letters": "099ad9f747bb86cb5a3e1a04161e41ad",
    "absorption": "301cb98b3db6a6fd376e613709af3144",
    "ablation": "2793d8da9c18ee7ac4ef886babe62dc8",
    "latents": "9dbc9c4cbb10ae605c07c5adce2b0fa9",
    "errors": "5596b258fb019c80ac98ebbd4654f911",
    "pursuit": "a52908182b00ba79bc7c291aa1a9f659",
}


@pytest.mark.parametrize("kind", HASHES)
def test_jobs_of_earlier_versions_are_found_by_the_same_hash(kind: str) -> None:
    assert parse_spec({**FIELDS[kind], "kind": kind}).content_hash == HASHES[kind]


@pytest.mark.parametrize(("kind", "name"), NUMBERS)
def test_every_number_has_its_bounds_in_the_spec(kind: str, name: str) -> None:
    for value in (10**30, -1, 10**4200):
        text = refusal({**FIELDS[kind], "kind": kind, name: value})
        assert text.startswith(f"grid.toml: {name}: input should be ")
        assert len(text) < 400


def test_every_number_of_a_recipe_has_its_bounds() -> None:
    for name in ("width", "k", "auxk", "dead_tokens", "seed"):
        found = refusal({**TRAIN, "recipes": [{"width": 512, "k": 4, name: 10**30}]})
        assert found.startswith(f"grid.toml: recipes[0].{name}: ")
        assert len(found.splitlines()) == 1


def test_a_bad_recipe_is_one_line() -> None:
    assert len(refusal({**TRAIN, "recipes": [{"width": 4, "k": 8}]}).splitlines()) == 1


def test_too_many_of_anything_are_refused_at_once() -> None:
    with at_once(20):
        said = refusal({**TRAIN, "recipes": [{"width": 8, "k": 1}] * 300_000})
        many = refusal({**TRAIN, **{f"key{i}": 1 for i in range(50_000)}})
        deep = refusal({**TRAIN, "recipes": nested(5_000)})
    assert said == "grid.toml: recipes: at most 1,000 of them, not 300,000"
    assert many.splitlines()[-1] == "grid.toml: and 49,990 more"
    assert "nested" in deep


def nested(depth: int) -> list[object]:
    found: list[object] = []
    for _ in range(depth):
        found = [found]
    return found


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.toml", ".".join(["a"] * 50_000).encode() + b" = 1", "nested"),
        ("a.toml", b"x = {" + b"'a' . \"b\"." * 25_000 + b"c = 1}", "nested"),
        ("a.toml", b"[" + b"a." * 50_000 + b"a]", "nested"),
        ("a.toml", b"a = " + b"[" * 50_000, "nested"),
        ("a.toml", b"tokens = " + b"9" * 5000, "not TOML"),
        ("a.toml", b"kind = 'a'\nkind = 'b'", "not TOML"),
        ("a.json", b"[" * 100_000, "nested"),
        ("a.JSON", b"kind = 'train'", "not JSON"),
        ("a.json", b"9" * 5000, "not JSON"),
        ("a.toml", "kind = 'train'".encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
        ("a.json", "{}".encode("utf-16-le"), "iconv -f UTF-16LE -t UTF-8"),
        ("a.toml.gz", b"\x1f\x8b\x08", "gunzip"),
        ("a\0.toml", None, "cannot be read"),
        ("~no-user-of-this-name/a.toml", None, "cannot be read"),
    ],
)
def test_what_is_not_a_spec_is_refused_at_once(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    path: Path | str = name
    if content is not None:
        path = tmp_path / name
        path.write_bytes(content)
    with pytest.raises(JobError, match=message):
        load_spec(path)


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    for name in ("pipe.toml", "zero.toml"):
        with pytest.raises(JobError, match=rf"{name}: cannot be read \(is a pipe or a device"):
            load_spec(tmp_path / name)


@pytest.mark.parametrize("name", ["a.JSON", "a.json", "a.Json"])
def test_a_mark_at_the_beginning_and_the_case_of_the_suffix_mean_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + json.dumps(TRAIN).encode())
    (tmp_path / "b.TOML").write_bytes(b"\xef\xbb\xbfkind = 'letters'\nhook_name = 'h'\nsaes = ['a']")
    assert load_spec(tmp_path / name) == parse_spec(TRAIN)
    assert load_spec(tmp_path / "b.TOML").kind == "letters"


def test_home_and_relative_paths_are_alike_for_store_model_and_corpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, specs = tmp_path / "home", tmp_path / "specs"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    fields = ("store", "model", "corpus")
    for name in fields:
        (home / name).mkdir(parents=True)
        (specs / name).mkdir(parents=True)
    for written, meant in (("~/", home), ("", specs), ("../specs/", specs)):
        (specs / "a.json").write_text(json.dumps({**TRAIN, **{name: written + name for name in fields}}))
        spec = load_spec(Path("specs", "a.json"))
        assert [getattr(spec, name) for name in fields] == [str(meant / name) for name in fields]
    (specs / "a.json").write_text(json.dumps({**TRAIN, "store": "new store"}))
    assert load_spec(Path("specs", "a.json")).store == str(specs / "new store")


def test_random_damage_is_always_a_refusal(tmp_path: Path) -> None:
    """400 changes of the bytes of a spec: another spec, or a JobError that names the file."""
    chance = random.Random(0)
    toml = (
        'schema = 1\nkind = "train"\nhook_name = "blocks.1.hook_resid_post"\ntokens = 1000\n'
        "[[recipes]]\nwidth = 512\nk = 4\n"
    )
    n_refused = 0
    for turn in range(400):
        path = tmp_path / ("a.toml" if turn % 2 else "a.json")
        changed = bytearray(toml.encode() if turn % 2 else json.dumps(TRAIN).encode())
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(changed))
            changed[place : place + chance.randint(0, 3)] = bytes(chance.choices(range(256), k=chance.randint(0, 3)))
        path.write_bytes(changed)
        try:
            load_spec(path)
        except JobError as error:
            n_refused += str(path) in str(error)
            continue
    assert n_refused > 200


@pytest.mark.parametrize(("data", "called"), [(None, "null"), ([], "a list"), (3, "a number"), ("train", "text")])
def test_what_is_not_a_table_is_named_as_in_the_file(data: object, called: str) -> None:
    with pytest.raises(JobError, match=rf"expected a table with the fields of a job spec, got {called}$"):
        parse_spec(data)


def test_a_file_that_takes_long_to_read_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_text("recipes = [" + ", ".join(["{width=4,k=2}"] * 100_000) + "]")
    with pytest.raises(JobError, match=r"grid.toml: cannot be read \(.*; write a specification of this size as JSON\)"):
        load_spec(path)


def test_a_later_option_changes_the_hash_only_where_it_is_used() -> None:
    spec = parse_spec({"kind": "errors", "hook_name": "h"})
    assert parse_spec({"kind": "errors", "hook_name": "h", "norm_baselines": False}).content_hash == spec.content_hash
    used = parse_spec({"kind": "errors", "hook_name": "h", "norm_baselines": True})
    assert used.content_hash != spec.content_hash
    assert parse_spec(used.document()) == used
    assert "norm_baselines" not in spec.document()
