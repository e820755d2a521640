"""Reading of texts, and what is said where they cannot be read."""

import gzip
import json
import os
from pathlib import Path

import pytest

from saetui.lm import CorpusError, Document, load_corpus, stdlib_text
from saetui.lm.stdlib_text import standard_library_documents


def message(source: str | Path) -> str:
    with pytest.raises(CorpusError) as raised:
        list(load_corpus(source).documents())
    return str(raised.value)


def test_the_standard_library_is_a_corpus() -> None:
    corpus = load_corpus("stdlib")
    names = [document.name for document in corpus.documents()]
    assert {"argparse.py", "topic/with"} <= set(names)
    assert corpus.fingerprint() == load_corpus("stdlib").fingerprint()


@pytest.mark.parametrize("damage", [b"", b"\0", b'{"name": "a"}', b'{"name": 3, "text": "a"}', b"[" * 100_000, b"\xff"])
def test_a_damaged_copy_of_the_standard_library_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes
) -> None:
    monkeypatch.setattr(stdlib_text, "_module_documents", lambda: [Document("a.py", "one\u2028two")])
    whole = standard_library_documents(cache=tmp_path)
    (file,) = tmp_path.iterdir()
    assert standard_library_documents(cache=tmp_path) == whole
    file.write_bytes(damage)
    assert standard_library_documents(cache=tmp_path) == whole
    monkeypatch.setattr(stdlib_text, "_module_documents", list)
    assert standard_library_documents(cache=tmp_path) == whole


def test_a_text_file_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "tale.txt"
    path.write_text("\ufeffOnce upon a time — there was a café.", encoding="utf-8")
    corpus = load_corpus(path)
    assert (corpus.name, corpus.source) == ("tale", str(path))
    (document,) = corpus.documents()
    assert (document.name, document.text) == ("tale.txt", "Once upon a time — there was a café.")


def test_a_file_of_any_ending_is_text(tmp_path: Path) -> None:
    path = tmp_path / "LICENSE"
    path.write_text("free")
    assert [d.text for d in load_corpus(path).documents()] == ["free"]


def test_a_folder_is_read_in_a_fixed_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "one.md").write_text("one")
    (tmp_path / "a.txt").write_text("two")
    (tmp_path / "c.jsonl").write_text('{"text": "three"}\n')
    (tmp_path / "picture.png").write_bytes(b"\xff\xd8")
    (tmp_path / "empty.txt").write_text(" \n")
    documents = list(load_corpus(tmp_path).documents())
    assert [(d.name, d.text) for d in documents] == [("a.txt", "two"), ("b/one.md", "one"), ("c.jsonl:1", "three")]


def test_each_json_line_is_a_document(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    records = [{"text": "one\u2028still one", "id": 1}, {"text": "zwei ü"}]
    path.write_text("\n\n".join(json.dumps(r, ensure_ascii=False) for r in records), encoding="utf-8")
    documents = list(load_corpus(path).documents())
    assert [(d.name, d.text) for d in documents] == [
        ("corpus.jsonl:1", "one\u2028still one"),
        ("corpus.jsonl:3", "zwei ü"),
    ]


def test_a_long_text_is_cut_at_blank_lines_without_loss(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    text = "\n\n".join(f"Paragraph {i}\nof two lines." for i in range(3000)) + "x" * 50_000
    path.write_text(text)
    parts = list(load_corpus(path).documents())
    assert "".join(part.text for part in parts) == text
    assert len({part.name for part in parts}) == len(parts) > 3
    assert all(part.text.endswith(".\n\n") for part in parts[:3])
    assert max(len(part.text) for part in parts) <= 40_000


def test_the_fingerprint_is_that_of_the_content(tmp_path: Path) -> None:
    prints = []
    for folder, text in (("a", "same"), ("b", "same"), ("c", "other")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.txt").write_text(text)
        prints.append(load_corpus(tmp_path / folder / "t.txt").fingerprint())
    assert prints[0] == prints[1] != prints[2]


def test_a_data_set_is_read_by_split_and_field(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "train.jsonl").write_text('{"story": "one"}\n{"story": "two"}\n')
    corpus = load_corpus(f"hf:{tmp_path}:train:story")
    assert [d.text for d in corpus.documents()] == ["one", "two"]
    before = corpus.fingerprint()
    assert before == load_corpus(f"hf:{tmp_path}:train:story").fingerprint()
    said = message(f"hf:{tmp_path}")
    assert "no text in the field 'text' (found: 'story')" in said
    assert "has no split" not in said
    assert "'test'" in message(f"hf:{tmp_path}:test:story")
    (tmp_path / "train.jsonl").write_text('{"story": "one"}\n{"story": "two and more"}\n')
    assert corpus.fingerprint() != before
    assert capfd.readouterr() == ("", "")


def test_suffixes_count_in_any_case(tmp_path: Path) -> None:
    (tmp_path / "A.TXT").write_text("one")
    (tmp_path / "b.JSONL").write_text('{"text": "two"}')
    expected = [("A.TXT", "one"), ("b.JSONL:1", "two")]
    assert [(d.name, d.text) for d in load_corpus(tmp_path).documents()] == expected
    assert [d.text for d in load_corpus(tmp_path / "b.JSONL").documents()] == ["two"]


@pytest.mark.parametrize(
    "content",
    [
        '[{"text": "one"}, {"text": "two", "id": 3}]',
        '{"text": "one"}\n{"text": "two"}\n',
        '\ufeff[\n{"text": "one"},\n{"text": "two"}\n]',
    ],
)
def test_a_json_file_is_its_records(tmp_path: Path, content: str) -> None:
    (tmp_path / "data.json").write_text(content, encoding="utf-8")
    assert [d.text for d in load_corpus(tmp_path / "data.json").documents()] == ["one", "two"]


def test_halves_of_characters_are_joined_or_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(r'{"text": "a\ud800b \ud83d\ude00"}')
    assert [d.text for d in load_corpus(tmp_path / "a.jsonl").documents()] == ["a\ufffdb 😀"]


def test_a_file_name_that_is_not_utf8_is_read(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path / "texts")
    os.mkdir(folder)
    with open(os.path.join(folder, b"caf\xe9.txt"), "w") as file:
        file.write("one")
    corpus = load_corpus(tmp_path / "texts")
    (document,) = corpus.documents()
    assert document.name.encode() == "caf\ufffd.txt".encode()
    assert corpus.fingerprint()


class TestRefusals:
    def test_a_pipe_or_a_device_is_named_and_not_read(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.txt")
        (tmp_path / "zero.txt").symlink_to("/dev/zero")
        for name in ("pipe.txt", "zero.txt"):
            assert f"{tmp_path / name} cannot be read: is a pipe or a device" in message(tmp_path / name)
        assert "has no text" in message(tmp_path)

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("a.txt.gz", gzip.compress(b"one", mtime=0), "gunzip"),
            ("a.jsonl.gz", gzip.compress(b"{}", mtime=0), "gunzip"),
            ("a.txt", "Über".encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
            ("a.json", b'{"a": 1}', "item 0 has no text in the field 'text'"),
            ("a.json", b'[{"text": "x"}, 3]', "item 1 has no text in the field 'text' (found: a number)"),
            ("a.json", b"not json", "line 1 is not JSON"),
            ("a.jsonl", b"[" * 100_000, "line 1 is not JSON"),
            ("a.jsonl", b"null", "line 1 has no text in the field 'text' (found: null)"),
            ("a.txt", bytes(1000), "is not text: byte 0 (line 1) is null"),
            ("a.txt", b"one\ntwo\0", "is not text: byte 7 (line 2) is null"),
            ("a.parquet", b"PAR1" + bytes(60), "is Parquet and not text"),
        ],
    )
    def test_files_that_are_something_else_are_named(
        self, tmp_path: Path, name: str, content: bytes, said: str
    ) -> None:
        (tmp_path / name).write_bytes(content)
        found = message(tmp_path / name)
        assert str(tmp_path / name) in found or said in found
        assert said in found

    @pytest.mark.parametrize("source", ["~no-user-of-this-name/a.txt", "a" * 5000, "a\0b"])
    def test_texts_that_are_not_paths_are_refused(self, source: str) -> None:
        assert source[:20] in message(source) or repr(source)[:5] in message(source)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        said = message(tmp_path / "gone.txt")
        assert "There is no file or folder" in said
        assert "hf:NAME" in said

    @pytest.mark.parametrize("content", ["", " \n\t\n"])
    @pytest.mark.parametrize("name", ["empty.txt", "empty.jsonl"])
    def test_an_empty_corpus_is_named(self, name: str, content: str, tmp_path: Path) -> None:
        (tmp_path / name).write_text(content)
        assert f"The corpus {tmp_path / name} is empty" in message(tmp_path / name)
        assert f"The corpus {tmp_path} is empty" in message(tmp_path)

    def test_texts_that_are_all_empty_are_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty.jsonl").write_text('{"text": ""}\n{"text": " "}')
        assert "is empty" in message(tmp_path / "empty.jsonl")

    def test_a_folder_without_text_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "data.bin").write_bytes(b"1")
        assert f"The folder {tmp_path} has no text" in message(tmp_path)

    def test_text_that_is_not_utf8_is_named_with_its_line(self, tmp_path: Path) -> None:
        path = tmp_path / "old.txt"
        path.write_bytes("one\ntwo\nthree café".encode("latin1"))
        with pytest.raises(CorpusError, match=r"old.txt is not UTF-8: byte 17 \(line 3\) is 0xe9"):
            load_corpus(path)

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("{", "line 2 is not JSON"),
            ('"text"', "line 2 has no text in the field 'text' (found: text)"),
            ('{"body": "x", "id": 1}', "(found: 'body', 'id')"),
            ('{"text": 3}', "line 2 has no text"),
        ],
    )
    def test_a_line_that_is_not_as_it_should_be_is_named(self, line: str, said: str, tmp_path: Path) -> None:
        path = tmp_path / "corpus.jsonl"
        path.write_text('{"text": "fine"}\n' + line)
        assert said in message(path)
        assert str(path) in message(path)

    def test_a_data_set_that_is_not_there_is_named(self, tmp_path: Path) -> None:
        said = message(f"hf:{tmp_path / 'nothing'}")
        assert "cannot be read" in said
        assert "hf:NAME[:split[:field]]" in said
