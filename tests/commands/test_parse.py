"""Lines become commands and come back as lines."""

from typing import get_type_hints

import pytest

from saetui.commands.app import Quit
from saetui.commands.arguments import build, text_of
from saetui.commands.command import Command
from saetui.commands.jobs import Cancel
from saetui.commands.navigate import Compare
from saetui.commands.parse import parse
from saetui.commands.select import Inspect, Latent, Letter, Sae, Token
from saetui.commands.study import Study, Train
from saetui.commands.table import Filter, Only, Sort
from saetui.commands.vocabulary import commands
from saetui.workbench.exceptions import CommandError
from saetui.workbench.screens import screens


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (":letter s", Letter("s")),
        ("  letter   letter=s ", Letter("s")),
        ("latent 412", Latent(412)),
        ("sort f1", Sort("f1")),
        ("sort f1 up", Sort("f1", direction="up")),
        ("sort f1 table=letters.latents", Sort("f1", table="letters.latents")),
        ("filter f1 > 0.5 and density < 0.1", Filter("f1 > 0.5 and density < 0.1")),
        ("filter", Filter("")),
        ("token  it's", Token("it's")),
        ("train topk width=1024,4096 k=16", Train("topk", (1024, 4096), (16,))),
        ("train topk 512 4 tokens=1000", Train("topk", (512,), (4,), tokens=1000)),
        ("quit", Quit()),
        ("q", Quit()),
        ("qui", Quit()),
        ("se", None),
    ],
)
def test_a_line_is_a_command(line: str, command: Command | None) -> None:
    if command is None:
        with pytest.raises(CommandError):
            parse(line)
    else:
        assert parse(line) == command


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ["give a command"]),
        ("lettr s", ["'lettr'", "nearest is 'letter'"]),
        ("letter", ["letter is missing", "letter LETTER"]),
        ("letter s t", ["'t' is one too many"]),
        ("letter leter=s", ["no argument 'leter'", "'letter'"]),
        ("latent four", ["latent must be a whole number", "'four'"]),
        ("train topk width=wide k=4", ["width must be a list like 1,2,3 of a whole number"]),
        ("sae 'w512", ["quotation mark"]),
        ("s", ["can be", "sae", "screen"]),
    ],
)
def test_what_is_wrong_is_named(line: str, words: list[str]) -> None:
    with pytest.raises(CommandError) as raised:
        parse(line)
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    "command",
    [
        Letter("s"),
        Sort("f1", direction="up"),
        Sort("f1", table="letters.latents"),
        Sae("w 512=k4"),
        Train("topk", (1024, 4096), (16, 32), tokens=5),
        Token("it's  so"),
    ],
)
def test_a_command_comes_back_from_its_line_and_from_its_values(command: Command) -> None:
    assert parse(text_of(command)) == command
    assert build(type(command), command.values()) == command


def test_every_command_has_what_prompt_help_and_keys_need() -> None:
    known = commands()
    assert len(known) > 20
    for verb, cls in known.items():
        assert verb == cls.verb
        assert cls.summary
        assert cls.summary[0].isupper()
        assert not cls.summary.endswith(".")
        assert get_type_hints(cls)
        for argument in cls.arguments():
            assert argument.help, f"{verb} {argument.name}"


def test_no_key_means_two_things_on_a_screen() -> None:
    for screen in screens():
        keys = [key for cls in commands().values() if cls.works_on(screen) for key in cls.keys]
        assert len(keys) == len(set(keys)), screen


def test_every_key_gives_a_command_or_asks_for_what_is_missing() -> None:
    for verb, cls in commands().items():
        for arguments in cls.keys.values():
            if arguments or not cls.asks:
                assert isinstance(parse(f"{verb} {arguments}"), cls)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("halt", Cancel()),
        ("words missed", Only("missed")),
        ("cases", Only()),
        ("map", Compare()),
        ("scaling", Compare()),
        ("absorber", Inspect()),
        ("measure", Study("absorption")),
        ("errors force=yes", Study("errors", force=True)),
    ],
)
def test_earlier_verbs_are_still_understood(before: str, now: Command) -> None:
    assert parse(before) == now
    assert before.split()[0] not in commands()
