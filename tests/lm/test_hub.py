"""Names on the hub: against a small server on this machine that answers as the hub does, and without any network."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from saetui.lm import CorpusError, LanguageModel, ModelError, load_corpus, load_model

COMMIT = "a" * 40


class Hub(BaseHTTPRequestHandler):
    """Serves the folder ``files`` as the repository me/tiny; me/gated wants a licence, all others are unknown."""

    files: Path
    fetched: list[str]

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        name = path.rsplit("/", 1)[-1]
        headers = {"Content-Type": "application/json"}
        status, content = 404, b"{}"
        if path.startswith("/api/models/me/gated"):
            status, headers["X-Error-Code"] = 403, "GatedRepo"
        elif "/tree/" in path:
            listed = [
                {"type": "file", "path": f.name, "size": f.stat().st_size, "oid": "1"} for f in self.files.iterdir()
            ]
            status, content = 200, json.dumps(listed).encode()
        elif path.startswith("/api/models/me/tiny"):
            siblings = [{"rfilename": f.name} for f in self.files.iterdir()]
            status, content = 200, json.dumps({"id": "me/tiny", "sha": COMMIT, "siblings": siblings}).encode()
        elif path.startswith("/me/tiny/resolve/") and (self.files / name).is_file():
            status, content = 200, (self.files / name).read_bytes()
            headers |= {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": COMMIT}
            if body:
                self.fetched.append(name)
        else:
            headers["X-Error-Code"] = "RepoNotFound"
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


@pytest.fixture(autouse=True)
def hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("Name or service not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", refuse)
    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", refuse)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, broken_copy: Path) -> Iterator[type[Hub]]:
    handler = type("TinyHub", (Hub,), {"files": broken_copy, "fetched": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        endpoint = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        )
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield handler
        server.shutdown()


def message(source: str) -> str:
    with pytest.raises(ModelError) as raised:
        load_model(source)
    return str(raised.value)


def test_a_model_is_fetched_once(
    hub: type[Hub], broken_copy: Path, gpt2: LanguageModel, capfd: pytest.CaptureFixture[str]
) -> None:
    (broken_copy / "pytorch_model.bin").write_bytes(b"the same weights again")
    (broken_copy / "README.md").write_text("a model card")
    model = load_model("me/tiny")
    assert (model.name, model.source, model.model_id) == ("tiny", "me/tiny", gpt2.model_id)
    assert sorted(hub.fetched) == ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"]
    load_model("me/tiny")
    assert len(hub.fetched) == 4
    assert capfd.readouterr() == ("", "")


def test_what_the_hub_does_not_have(hub: type[Hub]) -> None:
    assert "The Hugging Face hub has no model 'me/other'" in message("me/other")
    assert "is gated" in message("me/gated")


@pytest.mark.usefixtures("no_network")
def test_a_hub_that_cannot_be_reached() -> None:
    said = message("somebody/some-model")
    assert "'somebody/some-model'" in said
    assert "Name or service not known" in said
    assert "give a local folder" in said
    assert "could not be asked" in message("no model, really")
    with pytest.raises(CorpusError, match=r"data set 'somebody/texts' .* cannot be read: Name or service not known"):
        list(load_corpus("hf:somebody/texts").documents())


@pytest.mark.usefixtures("no_network")
def test_a_model_that_was_fetched_before(
    hub_cache: Path, tiny_folder: Callable[[str], Path], gpt2: LanguageModel
) -> None:
    repository = hub_cache / "models--me--tiny"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    for path in tiny_folder("gpt2").iterdir():
        (snapshot / path.name).write_bytes(path.read_bytes())
    assert load_model("me/tiny").model_id == gpt2.model_id
