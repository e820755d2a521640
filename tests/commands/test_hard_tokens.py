"""Orders, units, which tokens, places, marks and links of the error study, as commands."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from saetui.commands.hard_tokens import TOKENS, filter_of, marked_places, shown_tokens
from saetui.commands.table import Filter
from saetui.jobs import JobClient
from saetui.workbench.attention import Place
from saetui.workbench.exceptions import CommandError
from saetui.workbench.links import link_of, read_link
from saetui.workbench.subject import Subject
from saetui.workbench.view import View
from saetui.workbench.workbench import Workbench
from store import Store
from tests.tui.error_fixture import STUDY, add_error_study
from tests.tui.store_fixture import SAES, WIDTHS


@pytest.fixture
def errors(bench: Workbench) -> Iterator[Workbench]:
    """The workbench of a study with errors, on the screen of hard tokens."""
    root = bench.store.root
    bench.close()
    with_errors = Workbench.open(add_error_study(root), inline=True)
    with_errors.dispatch("screen hard")
    yield with_errors
    with_errors.close()


def first(bench: Workbench) -> dict[str, object]:
    sql, parameters = bench.query_of(TOKENS)
    return bench.store.fetch(sql, **parameters).dicts()[0]


def test_the_study_of_the_current_sae_is_asked(errors: Workbench) -> None:
    assert errors.parameters("hard_tokens")["study"] == STUDY
    assert errors.catalogue.error_study(SAES[WIDTHS[0]]) == errors.catalogue.error_studies[0]
    assert errors.catalogue.error_study("elsewhere") is None


def test_orders_follow_each_other_and_begin_with_their_first_token(errors: Workbench) -> None:
    seen = []
    for _ in range(5):
        errors.dispatch("place 3 7")
        done = errors.dispatch("order")
        seen.append(errors.attention.order)
        assert done.values() == {"name": seen[-1]}
        assert errors.attention.context is None
    assert seen == ["solved", "worse", "nonlinear", "damage", "hard"]
    errors.dispatch("order damage")
    damages = errors.store.fetch("SELECT max(damage) FROM error_token").rows
    assert first(errors)["damage"] == damages[0][0]


def test_an_order_takes_the_place_of_a_sorting(errors: Workbench) -> None:
    errors.dispatch(f"sort slope table={TOKENS}")
    assert errors.tables[TOKENS].sort == "slope"
    errors.dispatch("order worse")
    assert errors.tables[TOKENS].sort is None


def test_units(errors: Workbench) -> None:
    norm = first(errors)["errors"]
    errors.dispatch("unit")
    assert errors.attention.unit == "share"
    assert first(errors)["errors"] != norm
    with pytest.raises(CommandError, match="norm, share, fvu"):
        errors.dispatch("unit meter")


def test_only_some_tokens(errors: Workbench) -> None:
    for which in ("absorbed", "letter", "token", "all"):
        errors.dispatch("letter s")
        errors.dispatch("token short")
        done = errors.dispatch(f"only {which}")
        assert done == Filter(filter_of(which, errors), table=TOKENS)
        assert shown_tokens(errors) == which
        sql, parameters = errors.query_of(TOKENS)
        rows = errors.store.fetch(sql, **parameters).dicts()
        assert rows
        if which == "letter":
            assert {row["letter"] for row in rows} == {"s"}
        if which == "token":
            assert {row["surface"] for row in rows} == {" short"}
        if which == "absorbed":
            absorbed = errors.store.fetch(
                "SELECT surface FROM absorption_case WHERE sae_id = $sae AND verdict = 'absorbed'",
                sae=errors.attention.sae,
            ).column("surface")
            assert {row["surface"] for row in rows} <= set(absorbed)


def test_only_goes_round_what_means_something_here(errors: Workbench) -> None:
    shown = []
    for _ in range(3):
        errors.dispatch("only")
        shown.append(shown_tokens(errors))
    assert shown == ["absorbed", "all", "absorbed"]
    with pytest.raises(CommandError, match="choose a letter"):
        errors.dispatch("only letter")


def test_a_place_is_a_token_with_its_letter(errors: Workbench) -> None:
    errors.dispatch("place 3 7")
    attention = errors.attention
    assert (attention.context, attention.position) == (3, 7)
    assert attention.token is not None
    assert attention.letter == attention.token.strip()[0]
    with pytest.raises(CommandError, match="no token at 3 70"):
        errors.dispatch("place 3 70")
    errors.dispatch("token short")
    assert (errors.attention.context, errors.attention.position) == (None, None)


def test_marks_and_notes_carry_context_and_position(errors: Workbench) -> None:
    errors.change_table(TOKENS, row=first(errors))
    errors.dispatch("mark")
    row = first(errors)
    (subject,) = errors.marks
    assert subject == Subject("place", f"corpus-prose/{row['context']}/{row['position']}")
    assert marked_places(errors) == [(row["context"], row["position"])]
    errors.dispatch("note odd one")
    assert errors.store.fetch("SELECT subject, token, text FROM note").rows == [("place", subject.key, "odd one")]


def test_links_lead_back(errors: Workbench) -> None:
    errors.dispatch("open hard/3/7?sae=w256-k4&order=worse&unit=share")
    attention = errors.attention
    assert (errors.screen, attention.order, attention.unit, attention.context) == ("hard", "worse", "share", 3)
    link = link_of(Place("hard", attention), errors.catalogue)
    assert link.startswith("hard/3/7?")
    assert read_link(link, errors.catalogue)[1].items() >= {"context": 3, "position": 7, "order": "worse"}.items()
    for wrong, why in (
        ("hard/3", "a context and a position"),
        ("hard/a/b", "a context"),
        ("hard?unit=x", "norm, share"),
    ):
        with pytest.raises(CommandError, match=why):
            read_link(wrong, errors.catalogue)


def test_what_is_done_can_be_done_again(errors: Workbench, tmp_path: Path) -> None:
    lines = ["order worse", "unit fvu", "only absorbed", "place 3 7", "focus hard.scaling", "focus hard.tokens"]
    for line in lines:
        errors.dispatch(line)
    view = errors.view().digest(errors.store)
    errors.dispatch("screen overview")
    for line in ("screen hard", *lines):
        errors.dispatch(line)
    assert errors.view().digest(errors.store) == view


def test_a_view_is_the_same_when_there_is_more_to_look_at(bench: Workbench) -> None:
    content = View("jobs", bench.attention, ()).content(bench.store)
    assert "order" not in content["attention"]
    assert content["attention"]["sae"] == bench.attention.sae


def test_errors_are_studied_for_the_saes_in_view(
    empty_bench: Workbench, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)
    empty_bench.dispatch("screen hard")
    with pytest.raises(CommandError, match="put an SAE in view"):
        empty_bench.dispatch("errors")
    bench.dispatch("screen hard")
    bench.dispatch("errors")
    (job,) = bench.client.jobs()
    assert (job.kind, job.spec["hook_name"]) == ("errors", "blocks.1.hook_resid_post")
    assert job.spec["saes"] == [f"w{width}-k4" for width in WIDTHS]


def test_a_store_without_errors_has_no_hard_tokens(bench: Workbench) -> None:
    bench.dispatch("screen hard")
    sql, parameters = bench.query_of(TOKENS)
    assert bench.store.fetch(sql, **parameters).rows == []
    assert isinstance(bench.store, Store)
