"""Corpora: the texts a study reads, from the standard library, files, JSON lines or a data set."""

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from saetui.lm.exceptions import CorpusError
from saetui.lm.quiet import quiet
from saetui.lm.stdlib_text import Document, standard_library_documents
from saetui.plain_data import NoObjectError, NotTextError, decode, name_of, parse_object
from saetui.plain_files import require_plain_file
from saetui.text_files import JSON_LINES, TooManyFilesError, text_files

STANDARD_LIBRARY = "stdlib"
_DATA_SET = "hf:"
_JSON = ".json"
_FIELD = "text"
# Longer texts are cut at the next blank line, so that they can be tokenized in batches and held out in part.
_PART_CHARACTERS = 20_000


@dataclass(frozen=True)
class Corpus:
    """A named text; ``documents()`` reads it again, ``fingerprint()`` names its content without tokenizing it."""

    name: str
    source: str
    _documents: Callable[[], Iterator[Document]]
    _fingerprint: Callable[[], str]

    def documents(self) -> Iterator[Document]:
        """The texts in a fixed order. Raises CorpusError with the file and the place in it."""
        empty = True
        for document in self._documents():
            if document.text.strip():
                empty = False
                yield document
        if empty:
            raise _empty(self.source)

    def fingerprint(self) -> str:
        """A hash of the content: the same text gives the same hash wherever it lies."""
        return self._fingerprint()


def load_corpus(source: str | Path) -> Corpus:
    """The corpus of ``source``: "stdlib", a text file, a folder of them, JSON lines, or "hf:NAME[:split[:field]]".

    JSON lines, and the records of an array in a .json file, carry their text in the field "text". Raises CorpusError
    with the file and the place in it: here for files that are missing, empty or not UTF-8, and while reading documents
    for lines that are not as they should be.
    """
    source = str(source)
    if source == STANDARD_LIBRARY:
        return Corpus("standard library", source, _standard_library, lambda: _hash_documents(_standard_library()))
    if source.startswith(_DATA_SET):
        return _data_set(source)
    path, files = _looked_at(source)
    root = path if path.is_dir() else path.parent
    fingerprint = _check_files(files, root, source)
    return Corpus(_name(path.resolve().stem), source, lambda: _read_files(files, root), lambda: fingerprint)


def require_corpus(source: str) -> None:
    """CorpusError where ``source`` is no corpus by its form, and no file or folder that is there; reads no text."""
    if source != STANDARD_LIBRARY and not source.startswith(_DATA_SET):
        _looked_at(source)


def _looked_at(source: str) -> tuple[Path, list[Path]]:
    """The path of a corpus on this machine, and its files."""
    try:
        path = Path(source).expanduser()
        return path, _files(path, source)
    except (OSError, RuntimeError) as error:  # RuntimeError: there is no such user as ~user.
        reason = error.strerror if isinstance(error, OSError) else error
        raise CorpusError(
            f"The corpus {source[:200]} cannot be read: {reason}. Give a text file or a folder"
        ) from error


def _files(path: Path, source: str) -> list[Path]:
    if path.is_dir():
        try:
            files = text_files(path)
        except TooManyFilesError as error:
            raise CorpusError(f"{error}. Give a folder that holds the corpus alone") from error
        if not files:
            raise CorpusError(f"The folder {path} has no text: no file in it ends in .txt, .md, .rst or .jsonl")
        return files
    if path.exists():
        return [path]
    raise CorpusError(
        f"There is no file or folder {source!r}. Give one, {STANDARD_LIBRARY!r}, or hf:NAME for a data set on the "
        f"Hugging Face hub"
    )


def _standard_library() -> Iterator[Document]:
    yield from standard_library_documents()


def _read_files(files: list[Path], root: Path) -> Iterator[Document]:
    for path in files:
        name, suffix = _name(path.relative_to(root).as_posix()), path.suffix.lower()
        if suffix in JSON_LINES:
            yield from _json_lines(path, name)
        elif suffix == _JSON:
            yield from _json(path, name)
        else:
            yield from _parts(Document(name, _decode(path, _read(path))))


def _name(name: str) -> str:
    """A file's name as text; bytes that are not UTF-8 are replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


def _read(path: Path) -> bytes:
    try:
        require_plain_file(path)
        return path.read_bytes()
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or error}") from error


def _decode(path: Path, raw: bytes) -> str:
    try:
        return decode(raw)
    except NotTextError as error:
        raise CorpusError(f"{path} {error}") from error


def _json_lines(path: Path, name: str) -> Iterator[Document]:
    # Split on line feeds alone: str.splitlines would cut at separators that JSON strings may hold.
    for number, line in enumerate(_decode(path, _read(path)).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record: object = parse_object(line)
        except NoObjectError as error:
            record = error.value
        except ValueError as error:
            raise CorpusError(
                f"{path}, line {number} is not JSON: {error}. Every line must be one JSON object"
            ) from error
        yield from _record(f"{path}, line {number}", f"{name}:{number}", record)


def _json(path: Path, name: str) -> Iterator[Document]:
    """The texts of a file that holds one array of records, or, whatever its name says, one record per line."""
    text = _decode(path, _read(path))
    try:
        records = json.loads(text)
    except (ValueError, RecursionError):
        yield from _json_lines(path, name)
        return
    for number, record in enumerate(records if isinstance(records, list) else [records]):
        yield from _record(f"{path}, item {number}", f"{name}:{number}", record)


def _record(place: str, name: str, record: object) -> Iterator[Document]:
    text = record.get(_FIELD) if isinstance(record, dict) else None
    if not isinstance(text, str):
        found = ", ".join(map(repr, record)) if isinstance(record, dict) else name_of(record)
        raise CorpusError(f"{place} has no text in the field {_FIELD!r} (found: {found}). Name the field {_FIELD!r}")
    yield from _parts(Document(name, _whole(text)))


def _whole(text: str) -> str:
    """Text in which halves of characters, which JSON can name, are joined or replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _parts(document: Document) -> Iterator[Document]:
    """A long document in parts that end at blank lines (or, where there are none for a while, at the end of a line)."""
    text = document.text
    if len(text) <= _PART_CHARACTERS:
        yield document
        return
    start = 0
    while start < len(text):
        end = _cut(text, start + _PART_CHARACTERS)
        yield Document(f"{document.name}@{start}", text[start:end])
        start = end


def _cut(text: str, earliest: int) -> int:
    latest = earliest + _PART_CHARACTERS
    for mark in ("\n\n", "\n", " "):
        found = text.find(mark, earliest, latest)
        if found >= 0:
            return found + len(mark.rstrip(" "))
    return min(latest, len(text))


def _check_files(files: list[Path], root: Path, source: str) -> str:
    """A hash of names and content; raises CorpusError where a file is not UTF-8, or there is no text in any of them."""
    digest = hashlib.sha256()
    empty = True
    for path in files:
        raw = _read(path)
        empty = not _decode(path, raw).strip() and empty
        digest.update(os.fsencode(path.relative_to(root).as_posix()) + b"\0")
        digest.update(hashlib.sha256(raw).digest())
        if path.suffix.lower() == _JSON:
            # Its records were once read verbatim, markup included; results made from that are of another text.
            digest.update(b"records")
    if empty:
        raise _empty(source)
    return digest.hexdigest()


def _empty(source: str) -> CorpusError:
    return CorpusError(f"The corpus {source} is empty: it has no text. Give a file or folder with text in it")


def _hash_documents(documents: Iterator[Document]) -> str:
    digest = hashlib.sha256()
    for document in documents:
        digest.update(f"{document.name}\0{document.text}\0".encode())
    return digest.hexdigest()


def _data_set(source: str) -> Corpus:
    name, split, field = [*source.removeprefix(_DATA_SET).split(":"), "", ""][:3]
    split, field = split or "train", field or _FIELD

    def fail(error: Exception) -> CorpusError:
        reason = next(iter(str(error).splitlines()), repr(error))
        return CorpusError(
            f"The data set {name!r} (split {split!r}) cannot be read: {reason}. Check the name and the "
            f"connection; the form is hf:NAME[:split[:field]]"
        )

    def on_the_data_set(function: Callable[[Any], Any]) -> Any:
        import datasets
        from huggingface_hub import HfApi

        datasets.disable_progress_bars()
        try:
            with quiet():
                if not Path(name).exists():
                    HfApi().dataset_info(name, timeout=10)  # Fails at once where datasets would try for half a minute.
                return function(datasets)
        except Exception as error:  # Each network library and file format has its own family of errors.
            raise fail(error) from error

    def rows() -> Iterator[dict[str, Any]]:
        stream = on_the_data_set(lambda datasets: _own_code(datasets.load_dataset)(name, split=split, streaming=True))
        try:
            yield from stream
        except Exception as error:  # Rows are fetched and parsed here.
            raise fail(error) from error

    def documents() -> Iterator[Document]:
        for number, record in enumerate(rows()):
            text = record.get(field)
            if not isinstance(text, str):
                raise CorpusError(
                    f"Row {number} of the data set {name!r} has no text in the field {field!r} (found: "
                    f"{', '.join(map(repr, record))}). Give the field: hf:{name}:{split}:FIELD"
                )
            yield from _parts(Document(f"{name}:{split}:{number}", text))

    def fingerprint() -> str:
        builder = on_the_data_set(lambda datasets: _own_code(datasets.load_dataset_builder)(name))
        return f"{builder.hash}-{builder.config_id}-{split}-{field}"

    return Corpus(name.rsplit("/", 1)[-1], source, documents, fingerprint)


def _own_code(load: Callable[..., Any]) -> Callable[..., Any]:
    """Keeps the data set library from running a data set's own code; later versions never do."""
    known = inspect.signature(load).parameters
    return partial(load, trust_remote_code=False) if "trust_remote_code" in known else load
