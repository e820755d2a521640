"""The English of the running Python's own standard library: a corpus that every machine already has."""

import ast
import hashlib
import json
import os
import sys
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_cache_path

from saetui.plain_data import parse_object
from saetui.plain_files import read_file

# Test suites repeat fixtures rather than prose, and lib2to3 is gone from Python 3.13.
_SKIPPED_FOLDERS = {"test", "tests", "idle_test", "site-packages", "lib2to3", "__pycache__"}


@dataclass(frozen=True)
class Document:
    """One text with a name that says where it comes from."""

    name: str
    text: str


def standard_library_documents(*, cache: Path | None = None) -> list[Document]:
    """Docstrings of every standard-library module, and the help topics; about 2 MB, one document per module or topic.

    The text is parsed once for each Python version and kept under ``cache`` (default: the user's cache folder).
    """
    cache = cache if cache is not None else user_cache_path("saetui")
    path = cache / f"stdlib-{sys.implementation.name}-{'.'.join(map(str, sys.version_info[:3]))}.jsonl"
    if kept := _read_cache(path):
        return kept
    documents = [*_module_documents(), *_topic_documents()]
    try:
        cache.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_text("".join(json.dumps(asdict(d)) + "\n" for d in documents), encoding="utf-8")
        part.replace(path)
    except OSError:
        pass  # A read-only or full home folder only costs the next start a few seconds.
    return documents


def _read_cache(path: Path) -> list[Document]:
    """What was kept; nothing where there is none or the file is damaged: then it is made again."""
    try:
        lines = read_file(path).decode().removesuffix("\n").split("\n")
        found = [Document(**parse_object(line)) for line in lines]
    except (OSError, ValueError, TypeError):
        return []
    return found if all(isinstance(d.name, str) and isinstance(d.text, str) for d in found) else []


def is_held_out(document: Document, *, share: float = 0.05) -> bool:
    """Whether a document belongs to the held-out share; decided by its name alone, so it never moves."""
    digest = hashlib.sha256(document.name.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def _module_documents() -> list[Document]:
    library = Path(sysconfig.get_paths()["stdlib"])
    documents = []
    for path in sorted(library.rglob("*.py")):
        relative = path.relative_to(library)
        if _SKIPPED_FOLDERS.intersection(relative.parts):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (SyntaxError, ValueError, OSError):
            continue  # Some distributions ship templates that are not Python.
        text = "\n\n".join(_docstrings(tree))
        if text:
            documents.append(Document(relative.as_posix(), text))
    return documents


def _docstrings(tree: ast.Module) -> list[str]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, owners))
    return [text.strip() for text in found if text and text.strip()]


def _topic_documents() -> list[Document]:
    from pydoc_data.topics import topics

    return [Document(f"topic/{name}", text) for name, text in sorted(topics.items())]
