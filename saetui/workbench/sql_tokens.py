"""The words, signs, texts and names in a line that may be a condition in SQL."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from saetui.workbench.filter_columns import ColumnNames

Kind = Literal["text", "open", "number", "name", "word", "sign", "other"]

_TEXT = re.compile(r"""(?P<quote>["'])(?P<text>(?:(?!(?P=quote)).|(?P=quote){2})*)(?P=quote)""", re.DOTALL)
_NUMBER = re.compile(r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
# "%" is "of a hundred" where no operand comes after it.
_SCALE = re.compile(r"[kMG](?!\w)|%(?=\s*($|[),<>=!]|and\b|or\b))", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d]\w*")
_SIGN = re.compile(r"<=|>=|<>|!=|==|::|\|\||--|/\*|[-−+*/%^<>=~!(),\[\];.]")
_SCALES = {"%": "/ 100", "k": "* 1000", "M": "* 1000000", "G": "* 1000000000"}


@dataclass(frozen=True)
class SqlToken:
    """A part of a line: ``written`` as it stands there, ``value`` as it is meant, ``spaced`` where a space is before.

    The value of a "text" is what is in the quotes, of a "number" SQL, of a "word" the word in small letters.
    """

    kind: Kind
    written: str
    value: str
    start: int
    spaced: bool

    @property
    def end(self) -> int:
        return self.start + len(self.written)

    def says(self, *words: str) -> bool:
        """Whether it is one of some words or signs."""
        return self.kind in ("word", "sign") and self.value in words


def sql_tokens(line: str, names: ColumnNames) -> list[SqlToken]:
    """The parts of a line; a quotation mark that is never closed is "open", a sign that means nothing "other"."""
    found: list[SqlToken] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        kind, written, value = _next(line, at, names)
        if kind == "word" and value in _FOLLOWERS and names.knows(value) and not (found and found[-1].says(*_LEADERS)):
            kind = "name"
        found.append(SqlToken(kind, written, value, at, at == 0 or line[at - 1].isspace()))
        at += len(written)
    return found


def _next(line: str, at: int, names: ColumnNames) -> tuple[Kind, str, str]:
    if line[at] in "\"'":
        text = _TEXT.match(line, at)
        # An apostrophe within a word, or one that is never closed: nothing after it can be told apart.
        if text is None or line[at - 1 : at].isalnum():
            return "open", line[at:], ""
        mark = text["quote"]
        return "text", text[0], text["text"].replace(mark * 2, mark)
    name = names.at(line, at)
    if name:
        return "name", name, name
    number = _NUMBER.match(line, at)
    if number is not None:
        scale = _SCALE.match(line, number.end())
        if scale is None or scale[0] not in _SCALES:
            return "number", number[0], number[0]
        return "number", number[0] + scale[0], f"({number[0]} {_SCALES[scale[0]]})"
    word = _WORD.match(line, at)
    if word is not None:
        # What SQL itself says comes before a column of that name.
        is_name = names.knows(word[0]) and word[0].lower() not in KEYWORDS
        return ("name", word[0], word[0]) if is_name else ("word", word[0], word[0].lower())
    sign = _SIGN.match(line, at)
    if sign is not None:
        return "sign", sign[0], {"−": "-", "==": "="}.get(sign[0], sign[0])
    return "other", line[at], line[at]


# What a condition is written with beside names, texts, numbers, functions and signs.
_KEYWORD_WORDS = (
    "and or not like ilike in between is null true false case when then else end escape distinct from similar to glob "
    "as cast try_cast"
)
# These are nothing without what comes before them, and can be names of columns.
_FOLLOWERS, _LEADERS = ("from", "to"), ("distinct", "similar")
KEYWORDS = frozenset(_KEYWORD_WORDS.split())
COMPARISONS = ("=", "!=", "<>", "<", ">", "<=", ">=")


def glued(tokens: Sequence[SqlToken], first: int) -> list[int]:
    """The parts of one word without spaces, up to what closes a parenthesis around it."""
    found = [first]
    while found[-1] + 1 < len(tokens) and not tokens[found[-1] + 1].spaced and not tokens[found[-1] + 1].says(")", ","):
        found.append(found[-1] + 1)
    return found


def is_other_column(token: SqlToken, tokens: Sequence[SqlToken], index: int, names: ColumnNames) -> bool:
    """Whether a column of words is compared with another one, by the name that the query gives it."""
    other = names.own(tokens[index].written) if tokens[index].kind == "name" else None
    column = names.found(token.value)
    is_alone = len(glued(tokens, index)) == 1
    return other is not None and column is not None and other.kind == column.kind and is_alone
