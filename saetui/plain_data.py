"""Text and JSON of files that others wrote: read as what they are, or refused with a reason and a way out."""

import codecs
import json
from typing import Any

# No file that people write is nested more deeply; beyond, the parsers themselves give up in their own ways.
MAX_DEPTH = 64
_NESTS = (dict, list, tuple)
_PARQUET = b"PAR1"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# How the values of a file are called there.
_NAMES = {type(None): "null", bool: "true or false", str: "text", int: "a number", float: "a number", list: "a list"}
# What files begin with that are often taken for text.
_PACKED = {
    b"\x1f\x8b": ("gzip", "gunzip"),
    b"BZh": ("bzip2", "bunzip2"),
    b"\xfd7zXZ\0": ("xz", "unxz"),
    b"(\xb5/\xfd": ("zstd", "unzstd"),
    b"PK\x03\x04": ("a zip archive", "unzip"),
}


class NotTextError(ValueError):
    """Content that is no UTF-8 text; the message says what it is and how to convert it."""


class DepthError(ValueError):
    """Tables and lists that are nested too deeply."""


class NoObjectError(ValueError):
    """JSON that is no object but ``value``; the message says what it is."""

    def __init__(self, value: object) -> None:
        super().__init__(f"is {name_of(value)} and not a JSON object")
        self.value = value


def decode(content: bytes) -> str:
    """UTF-8 text, with or without a byte order mark.

    Raises:
        NotTextError: "is …; convert it with …".
    """
    for mark, (name, tool) in _PACKED.items():
        if content.startswith(mark):
            raise NotTextError(f"is packed ({name}); unpack it first, with {tool}")
    if content.startswith(_PARQUET):
        raise NotTextError("is Parquet and not text; write its text column as JSON lines first, one record a line")
    if content.startswith(_UTF_16) or _looks_like_utf_16(content):
        # Where no mark says which half of a character comes first, iconv has to be told.
        name = "UTF-16" if content.startswith(_UTF_16) else ("UTF-16BE" if content[0] == 0 else "UTF-16LE")
        raise NotTextError(f"is {name} and not UTF-8 text; convert it, with iconv -f {name} -t UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise NotTextError(
            f"is not UTF-8: byte {error.start} (line {line}) is 0x{content[error.start]:02x}; convert it, "
            "e.g. with iconv -f latin1 -t UTF-8"
        ) from None
    if (at := content.find(0)) >= 0:
        line = content.count(b"\n", 0, at) + 1
        raise NotTextError(
            f"is not text: byte {at} (line {line}) is null; where it should be, take null bytes out, with tr -d '\\000'"
        )
    return text


def name_of(value: object) -> str:
    """What a value is called in a JSON or TOML file: "null", "a list", …"""
    return _NAMES.get(type(value), "a table" if isinstance(value, dict) else type(value).__name__)


def parse_json(content: bytes | str) -> Any:
    """The value in a JSON text.

    Raises:
        ValueError: with a reason that completes "FILE …": no text, no JSON, nested too deeply, or half a character.
    """
    try:
        value = json.loads(decode(content) if isinstance(content, bytes) else content)
        check_depth(value)
        # Halves of characters, which JSON can name, are no text that anything could show or store.
        json.dumps(value, ensure_ascii=False).encode()
    except NotTextError as error:
        raise ValueError(f"is not JSON: it {error}") from None
    except UnicodeEncodeError:
        raise ValueError("names half of a character (\\ud800 to \\udfff); write the character itself") from None
    except (RecursionError, DepthError):
        raise ValueError(f"is nested more than {MAX_DEPTH} levels deep") from None
    except ValueError as error:  # Also a number of thousands of digits.
        raise ValueError(f"is not JSON: {error}") from None
    return value


def parse_object(content: bytes | str, **hooks: Any) -> dict[str, Any]:
    """The object in JSON that saetui or another program wrote; ``hooks`` are those of ``json.loads``.

    Raises:
        NoObjectError: it is JSON of something else.
        DepthError: it is nested too deeply.
        ValueError: it is not JSON, or a hook refuses it; ``json.JSONDecodeError`` says where.
    """
    try:
        value = json.loads(content, **hooks)
    except RecursionError:
        raise DepthError("is nested too deeply") from None
    if not isinstance(value, dict):
        raise NoObjectError(value)
    return value


def check_depth(value: object) -> None:
    """DepthError where tables and lists are nested more than ``MAX_DEPTH`` levels deep."""
    level = [value] if isinstance(value, _NESTS) else []
    for _ in range(MAX_DEPTH):
        within = (item.values() if isinstance(item, dict) else item for item in level)
        level = [item for items in within for item in items if isinstance(item, _NESTS)]
        if not level:
            return
    raise DepthError(f"is nested more than {MAX_DEPTH} levels deep")


def _looks_like_utf_16(content: bytes) -> bool:
    """Whether every second byte of the beginning is null, as in most Western text in UTF-16 without a mark."""
    head = content[:64]
    return (
        len(head) >= 4
        and len(head) % 2 == 0
        and any(not any(head[half::2]) and all(head[1 - half :: 2]) for half in (0, 1))
    )
