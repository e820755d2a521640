"""Text and JSON of others: what can be read is read, and the rest is refused with its reason."""

import bz2
import gzip
import json
import lzma

import pytest

from saetui.plain_data import (
    MAX_DEPTH,
    DepthError,
    NoObjectError,
    NotTextError,
    check_depth,
    decode,
    parse_json,
    parse_object,
)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (gzip.compress(b"text", mtime=0), "gunzip"),
        (bz2.compress(b"text"), "bunzip2"),
        (lzma.compress(b"text"), "unxz"),
        ("text".encode("utf-16"), "iconv -f UTF-16 -t"),
        ("text".encode("utf-16-le"), "iconv -f UTF-16LE -t"),
        ("text".encode("utf-16-be"), "iconv -f UTF-16BE -t"),
        (b"one\ntwo \xe9", r"byte 8 \(line 2\) is 0xe9.*iconv -f latin1"),
        (b"a\nb\0\0", r"byte 3 \(line 2\) is null"),
        (b"\0\0\0\0", r"byte 0 \(line 1\) is null"),
    ],
)
def test_what_is_no_text_is_refused_with_its_tool(content: bytes, reason: str) -> None:
    with pytest.raises(NotTextError, match=reason):
        decode(content)


@pytest.mark.parametrize("content", [b"", b"a", b"\xef\xbb\xbfa", "日本".encode()])
def test_text_is_read(content: bytes) -> None:
    assert decode(content) == content.removeprefix(b"\xef\xbb\xbf").decode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (b"\0\0", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b"\xff", "not JSON.*UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "not JSON.*iconv"),
        (b"[" * 100_000, "nested"),
        (b"[" * 900 + b"]" * 900, "nested"),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), "nested"),
        (b"9" * 5000, "digits"),
        (rb'{"name": "\ud800"}', "half of a character"),
        (rb'{"\udfff": 1}', "half of a character"),
    ],
)
def test_what_is_no_json_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(content)


def test_json_is_read() -> None:
    assert parse_json(b'\xef\xbb\xbf{"a": ["\\ud83d\\ude00", 1e400]}') == {"a": ["😀", float("inf")]}
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse_json(deep)
    with pytest.raises(DepthError):
        check_depth([parse_json(deep)])


def test_an_object_is_read_with_the_halves_of_characters_that_paths_can_hold() -> None:
    assert parse_object(b'{"path": "\\udcff", "n": 1}') == {"path": "\udcff", "n": 1}
    assert parse_object('{"a": 1, "a": 2}', object_pairs_hook=lambda pairs: {"pairs": len(pairs)}) == {"pairs": 2}


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        ("[1]", NoObjectError, "^is a list and not a JSON object$"),
        ("null", NoObjectError, "^is null and not a JSON object$"),
        (b'"text"', NoObjectError, "^is text and not a JSON object$"),
        ("[" * 100_000, DepthError, "^is nested too deeply$"),
        ('{"a" 1}', json.JSONDecodeError, "delimiter: line 1 column 6"),
        (b"{\xff}", UnicodeDecodeError, "byte 0xff"),
    ],
)
def test_what_is_no_object_is_refused(content: bytes | str, kind: type[ValueError], reason: str) -> None:
    with pytest.raises(kind, match=reason):
        parse_object(content)
