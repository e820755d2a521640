"""Links and commands that name what is not there say so, and change nothing."""

from pathlib import Path

import pytest

from saetui.commands.dispatch import dispatch
from saetui.commands.note import Note, note_on
from saetui.commands.table import Mark
from saetui.workbench.exceptions import CommandError
from saetui.workbench.subject import Subject
from saetui.workbench.workbench import Workbench
from store import StoreBusy
from tests.made_stores import copy_of
from tests.tui.store_fixture import CORPUS


@pytest.fixture(scope="module")
def everything(made_everything: Path, tmp_path_factory: pytest.TempPathFactory) -> Workbench:
    return Workbench.open(copy_of(made_everything, tmp_path_factory.mktemp("places") / "store"), inline=True)


LINKS = [
    ("letters/s/99999", "w64-k4 has latents 0 to 63, not 99999"),
    ("letters/s/99999?sae=w256-k4", "w256-k4 has latents 0 to 255, not 99999"),
    ("letters/s/-1", "is not the number of a latent"),
    ("letters/1/5", "is not one of a to z"),
    ("letters/s/5/6", "'6' is one part too many; it is letters/LETTER/LATENT"),
    ("letters/s?sae=w9", "no SAE 'w9' here"),
    ("letters/s?token=zzxqj", "has the token 'zzxqj'"),
    ("letters/s?colour=red", "'colour' is no part of a link"),
    ("absorption/s/zzxqj", "has the token 'zzxqj'"),
    ("absorption/s?tau=7", "tau must be from 0 to 1, not '7'"),
    ("absorption/s?lead=-1", "lead must be from 0 to 100, not '-1'"),
    ("absorption/s?min_cosine=2", "min_cosine must be from -1 to 1, not '2'"),
    ("absorption/s?metric=votes", "must be one of paper, projection"),
    ("hard_tokens/99999/1", "the error study has no text 99999"),
    ("hard_tokens/3/99999", "text 3 has tokens 0 to 31, not 99999"),
    ("hard_tokens/3/7?order=random", "must be one of hard"),
    ("pursuit/nothing", "pursuit: no pursuit 'nothing' here"),
    ("pursuit?beside=nothing", "beside: no pursuit 'nothing' here"),
    ("pursuit?pursue_tokens=easiest+5", "must be one of hardest"),
    ("pursuit?pursue_l0=9999", "9999 latents per token are more than the 64"),
    ("pursuit?pursue_method=guess", "pursue_method: must be one of persistent"),
    ("jobs/20990101-nothing", "no job '20990101-nothing'"),
    ("nowhere/s", "no screen 'nowhere'"),
    ("overview/s", "'s' is one part too many; it is overview"),
]


@pytest.mark.slow
def test_a_mark_that_cannot_be_saved_is_not_shown(everything: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StoreBusy("the store is busy")

    monkeypatch.setattr(everything.store, "write", refuse)
    with pytest.raises(StoreBusy):
        dispatch(everything, Mark("letter", "s"))
    assert everything.marks == frozenset()


SUBJECTS = [
    ("sae nothing", "no SAE 'nothing' here"),
    ("letter sh", "'sh' is not one of a to z"),
    ("latent w64-k4", "name an SAE and a latent"),
    ("latent w64-k4/64", "w64-k4 has latents 0 to 63, not 64"),
    ("latent w9-k4/1", "no SAE 'w9-k4' here"),
    ("token zzxqj", "has the token 'zzxqj'"),
    ("place 3/7", "name a token set, a context and a position"),
    ("place nowhere/3/7", "no token set 'nowhere' with a text 3"),
    (f"place {CORPUS}/3/99999", "text 3 has tokens 0 to 31, not 99999"),
    ("book 1", "a mark or note is about one of"),
]


@pytest.mark.parametrize(("named", "why"), SUBJECTS, ids=[named for named, _ in SUBJECTS])
def test_marks_and_notes_are_about_what_is_there(everything: Workbench, named: str, why: str) -> None:
    kind, key = named.split()
    for command in (Mark(kind, key), Note("a text", kind=kind, key=key)):
        with pytest.raises(CommandError) as raised:
            dispatch(everything, command)
        assert why in str(raised.value)
    assert everything.marks == frozenset()
    assert everything.store.fetch("SELECT count(*) FROM note").rows == [(0,)]


@pytest.mark.slow
def test_what_is_typed_names_an_sae_and_a_word_as_people_do(everything: Workbench) -> None:
    names = {"latent w64-k4/07": "sae-64/7", "sae w64-k4": "sae-64", "letter S": "s", "token short": " short"}
    for named, key in names.items():
        kind, typed = named.split()
        marked = Subject(kind, key)
        dispatch(everything, Mark(kind, typed))
        assert everything.marks == {marked}
        dispatch(everything, Note("said", kind=kind, key=typed))
        assert note_on(everything, marked) == "said"
        dispatch(everything, Mark(kind, typed))
        dispatch(everything, Note("", kind=kind, key=key))
    assert everything.marks == frozenset()
    # A mark on what the store no longer has can be taken off.
    gone = Subject("sae", "gone")
    everything.toggle_mark(gone)
    dispatch(everything, Mark("sae", "gone"))
    assert everything.marks == frozenset()


@pytest.mark.parametrize(("link", "why"), LINKS, ids=[link for link, _ in LINKS])
def test_every_part_of_a_link_leads_somewhere_or_is_named(everything: Workbench, link: str, why: str) -> None:
    before = everything.place
    with pytest.raises(CommandError) as raised:
        dispatch(everything, f"open {link}")
    assert why in str(raised.value)
    assert everything.place == before


def test_a_token_of_a_pursuit_that_is_not_there_is_named(everything: Workbench) -> None:
    ((pursuit,), *_) = everything.store.fetch("SELECT pursuit_id FROM pursuit_run").rows
    with pytest.raises(CommandError, match="pursued: this pursuit has no token 99999"):
        dispatch(everything, f"open pursuit/{pursuit}/99999")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("latent 64", "has latents 0 to 63, not 64"),
        ("latent -1", "has latents 0 to 63, not -1"),
        ("inspect 64", "has latents 0 to 63, not 64"),
        ("letter ß", "is not one of a to z"),
        ("letter ab", "is not one of a to z"),
        ("token zzxqj", "has the token 'zzxqj'"),
        ("place 99999 0", "no token at 99999 0"),
        ("sae w9", "no SAE 'w9'"),
    ],
)
def test_commands_name_what_is_not_there(everything: Workbench, line: str, why: str) -> None:
    before = everything.attention
    with pytest.raises(CommandError, match=why):
        dispatch(everything, line, anywhere=True)
    assert everything.attention == before


def test_a_word_is_found_with_and_without_its_space(everything: Workbench) -> None:
    for text in ("so", " so"):
        dispatch(everything, f"open absorption/s/{text.replace(' ', '%20')}")
        assert everything.attention.token == " so"
