"""A message never points to a command that does not exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from saetui.cli.subcommands import make_app
from saetui.commands.study import studies
from saetui.commands.vocabulary import commands

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for folder in ("saetui", "store") for path in (ROOT / folder).rglob("*.py"))
# What stands after the name of the program where a sentence is about it.
PROSE = {"and", "asks", "has", "knows", "made", "needs", "on", "or", "runs", "writes"}
# Stands for what is filled in when the message is told.
FILLED_IN = "\0"
_MARKUP = re.compile(r"\[/?(?:b|bold|dim|\$|/)[^\]]*\]")
_SHELL = re.compile(r"\bsaetui ([a-z][a-z_-]*)(?: ([a-z][a-z_-]*)(?![\w./:=-]))?")
# After a letter, a bracket or a sign it is a format, a style, a slice or a role of a docstring.
_TYPED = re.compile(
    r"(?<![\w\]\[/{}*&:\0`#-]):([a-z]\w*)\b(?![`:])((?:[^;,()\n.]|\.\w)*)|^: {2,}([a-z]\w*)([^\n]*)", re.MULTILINE
)


def texts(tree: ast.AST) -> Iterator[str]:
    """The texts in a program; those that are made of pieces as a whole."""
    pieces = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(p.value) if isinstance(p, ast.Constant) else FILLED_IN for p in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in pieces:
            yield node.value


def shell_commands() -> dict[str, set[str]]:
    """The commands of the command line, with their own commands."""
    app = get_command(make_app())
    assert isinstance(app, TyperGroup)
    found = {name: set(getattr(command, "commands", ())) for name, command in app.commands.items()}
    return found | {"study": set(studies())}


def wrong_in_shell(text: str, known: dict[str, set[str]]) -> list[str]:
    """What a text calls a command of the command line that is none."""
    wrong = []
    for name, more in _SHELL.findall(_MARKUP.sub("", text)):
        if name not in known and name not in PROSE:
            wrong.append(f"saetui {name}")
        elif known.get(name) and more and more not in known[name]:
            wrong.append(f"saetui {name} {more}")
    return wrong


def wrong_when_typed(text: str) -> list[str]:
    """What a text calls a command of the prompt that is none, or has no such argument."""
    wrong = []
    for match in _TYPED.finditer(_MARKUP.sub("", text)):
        verb, tail = match.group(1) or match.group(3), match.group(2) or match.group(4) or ""
        cls = commands().get(verb)
        if cls is None:
            wrong.append(f":{verb}")
            continue
        names = {argument.name for argument in cls.arguments()}
        wrong += [f":{verb} {name}=" for name in re.findall(r"(?<!\S)([a-z_]+)=", tail) if name not in names]
        first = re.match(r" ([a-z_]+)(?![\w=.])", tail)
        if verb == "study" and first and first.group(1) not in (*studies(), *PROSE_AFTER_STUDY):
            wrong.append(f":{verb}{first.group(0)}")
    return wrong


# ":study does it" names no study.
PROSE_AFTER_STUDY = ("does", "makes")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_text_names_exists(path: Path) -> None:
    known = shell_commands()
    found = list(texts(ast.parse(path.read_text(encoding="utf-8"))))
    assert [wrong for text in found for wrong in (*wrong_in_shell(text, known), *wrong_when_typed(text))] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "sessions/README.md"])
def test_every_command_of_the_command_line_in_the_documents_exists(name: str) -> None:
    known = shell_commands()
    quoted = re.findall(r"^saetui .*|`saetui [^`]*`", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert [wrong for text in quoted for wrong in wrong_in_shell(text.partition("  ")[0], known)] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("try `saetui surgeon`", ["saetui surgeon"]),
        ("`saetui jobs stop ID` ends it", ["saetui jobs stop"]),
        ("saetui study absorptions", ["saetui study absorptions"]),
        ("[bold]saetui demos[/bold]", ["saetui demos"]),
        ("there is no SAE; :trains makes some", [":trains"]),
        (":study everything does it", [":study everything"]),
        (":run SPEC.toml force=true again=yes", [":run again="]),
        ("[b $accent]:[/]  [b]studies demo[/b] trains six", [":studies"]),
    ],
)
def test_a_command_that_does_not_exist_is_found(text: str, wrong: list[str]) -> None:
    assert wrong_in_shell(text, shell_commands()) + wrong_when_typed(text) == wrong


@pytest.mark.parametrize(
    "text",
    [
        "`saetui open STORE`, or try `saetui demo`",
        "saetui needs 60 columns",
        "`saetui jobs start ID`",
        f"{FILLED_IN}; :run {FILLED_IN} force=true runs it again",
        "JobList { &:focus > .job-list--cursor { } }",
        f"{FILLED_IN:1}{{:g}} a[:field] :class:`QueryTable`",
    ],
)
def test_a_command_that_exists_and_what_is_none_are_left_alone(text: str) -> None:
    assert wrong_in_shell(text, shell_commands()) + wrong_when_typed(text) == []
