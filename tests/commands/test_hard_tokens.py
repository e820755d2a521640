"""Orders, units, which tokens, places, marks and links of the error study, as commands."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from saetui.commands.arguments import text_of
from saetui.commands.dispatch import dispatch
from saetui.commands.hard_tokens import TOKENS
from saetui.commands.session import load, replay
from saetui.commands.table import Filter, shown_choice
from saetui.jobs import JobClient
from saetui.workbench.attention import Place
from saetui.workbench.exceptions import CommandError
from saetui.workbench.links import link_of, read_link
from saetui.workbench.subject import Subject
from saetui.workbench.view import View
from saetui.workbench.workbench import Workbench
from store import Store
from tests.made_stores import copy_of
from tests.tui.error_fixture import STUDY
from tests.tui.store_fixture import SAES, WIDTHS


@pytest.fixture
def errors(made_errors: Path, tmp_path: Path) -> Iterator[Workbench]:
    """The workbench of a study with errors, on the screen of hard tokens."""
    with_errors = Workbench.open(copy_of(made_errors, tmp_path / "store"), inline=True)
    dispatch(with_errors, "screen hard_tokens")
    yield with_errors
    with_errors.close()


def first(bench: Workbench) -> dict[str, object]:
    sql, parameters = bench.query_of(TOKENS)
    return bench.store.fetch(sql, **parameters).dicts()[0]


def test_the_study_of_the_current_sae_is_asked(errors: Workbench) -> None:
    assert errors.parameters("hard_tokens")["study"] == STUDY
    assert errors.catalogue.error_study(SAES[WIDTHS[0]]) == errors.catalogue.studies["errors"][0]
    assert errors.catalogue.error_study("elsewhere") is None


def test_orders_follow_each_other_and_begin_with_their_first_token(errors: Workbench) -> None:
    seen = []
    for _ in range(5):
        dispatch(errors, "place 3 7")
        done = dispatch(errors, "order")
        seen.append(errors.attention.order)
        assert done.values() == {"name": seen[-1]}
        assert errors.attention.context is None
    assert seen == ["solved", "worse", "nonlinear", "damage", "hard"]
    dispatch(errors, "order damage")
    damages = errors.store.fetch("SELECT max(damage) FROM error_token").rows
    assert first(errors)["damage"] == damages[0][0]


def test_an_order_takes_the_place_of_a_sorting(errors: Workbench) -> None:
    dispatch(errors, f"sort slope table={TOKENS}")
    assert errors.tables[TOKENS].sort == "slope"
    dispatch(errors, "order worse")
    assert errors.tables[TOKENS].sort is None


def test_unit_cycles_through_norm_share_and_fvu(errors: Workbench) -> None:
    norm = first(errors)["errors"]
    dispatch(errors, "unit")
    assert errors.attention.unit == "share"
    assert first(errors)["errors"] != norm
    with pytest.raises(CommandError, match="norm, share, fvu"):
        dispatch(errors, "unit meter")


def test_only_filters_tokens_by_absorption_letter_or_token(errors: Workbench) -> None:
    for which in ("absorbed", "letter", "token", "all"):
        dispatch(errors, "letter s")
        dispatch(errors, "token short")
        done = dispatch(errors, f"only {which}")
        text = {"all": "", "absorbed": "absorbed", "letter": "letter=s", "token": 'surface=" short"'}[which]
        assert done == Filter(text, table=TOKENS)
        assert shown_choice(errors, TOKENS) == which
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


def test_absorbed_tokens_are_those_of_the_thresholds_in_force(errors: Workbench) -> None:
    dispatch(errors, "only absorbed")
    sql, parameters = errors.query_of(TOKENS)
    assert errors.store.fetch(sql, **parameters).rows
    errors.attend(lead=1e9)
    sql, parameters = errors.query_of(TOKENS)
    assert not errors.store.fetch(sql, **parameters).rows


def test_only_cycles_through_what_applies_here(errors: Workbench) -> None:
    shown = []
    for _ in range(3):
        dispatch(errors, "only")
        shown.append(shown_choice(errors, TOKENS))
    assert shown == ["absorbed", "all", "absorbed"]
    with pytest.raises(CommandError, match="choose a letter"):
        dispatch(errors, "only letter")


def test_a_place_is_a_token_with_its_letter(errors: Workbench) -> None:
    dispatch(errors, "place 3 7")
    attention = errors.attention
    assert (attention.context, attention.position) == (3, 7)
    assert attention.token is not None
    assert attention.letter == attention.token.strip()[0]
    with pytest.raises(CommandError, match="no token at 3 70"):
        dispatch(errors, "place 3 70")
    dispatch(errors, "token short")
    assert (errors.attention.context, errors.attention.position) == (None, None)


def test_marks_and_notes_carry_context_and_position(errors: Workbench) -> None:
    errors.change_table(TOKENS, row=first(errors))
    dispatch(errors, "mark")
    row = first(errors)
    (subject,) = errors.marks
    assert subject == Subject("place", f"corpus-prose/{row['context']}/{row['position']}")
    dispatch(errors, "note odd one")
    assert errors.store.fetch("SELECT subject, token, text FROM note").rows == [("place", subject.key, "odd one")]


def test_links_lead_back_to_token_order_and_unit(errors: Workbench) -> None:
    dispatch(errors, "open hard_tokens/3/7?sae=w256-k4&order=worse&unit=share")
    attention = errors.attention
    assert (errors.screen, attention.order, attention.unit, attention.context) == ("hard_tokens", "worse", "share", 3)
    link = link_of(Place("hard_tokens", attention), errors.catalogue)
    assert link.startswith("hard_tokens/3/7?")
    assert read_link(link, errors.catalogue)[1].items() >= {"context": 3, "position": 7, "order": "worse"}.items()
    for wrong, why in (
        ("hard_tokens/3", "a context and a position"),
        ("hard_tokens/a/b", "a context"),
        ("hard_tokens?unit=x", "norm, share"),
    ):
        with pytest.raises(CommandError, match=why):
            read_link(wrong, errors.catalogue)


def test_what_is_done_can_be_done_again(errors: Workbench, tmp_path: Path) -> None:
    lines = [
        "order worse",
        "unit fvu",
        "only absorbed",
        "place 3 7",
        "focus hard_tokens.scaling",
        "focus hard_tokens.tokens",
    ]
    for line in lines:
        dispatch(errors, line)
    view = errors.view().digest(errors.store)
    dispatch(errors, "screen overview")
    for line in ("screen hard_tokens", *lines):
        dispatch(errors, line)
    assert errors.view().digest(errors.store) == view


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ("screen hard", "screen hard_tokens"),
        ("focus hard.scaling", "focus hard_tokens.scaling"),
        ("sort surface table=hard.tokens", "sort surface up hard_tokens.tokens"),
        ("unsort hard.tokens", "unsort hard_tokens.tokens"),
    ],
)
def test_the_earlier_name_of_the_screen_is_still_read(errors: Workbench, before: str, now: str) -> None:
    done = dispatch(errors, before)
    assert text_of(done) == now
    assert errors.screen == "hard_tokens"


def test_links_with_the_earlier_name_lead_to_the_same_place(errors: Workbench) -> None:
    rest = "/3/7?sae=w256-k4&order=worse"
    assert read_link(f"hard{rest}", errors.catalogue) == read_link(f"hard_tokens{rest}", errors.catalogue)


def test_sessions_with_the_earlier_name_are_replayed_without_a_difference(errors: Workbench, tmp_path: Path) -> None:
    before = [
        ("screen", {"name": "hard"}, "screen hard_tokens"),
        ("open", {"link": "hard/3/7?order=worse"}, "open hard_tokens/3/7?order=worse"),
        ("filter", {"text": "position<16", "table": "hard.tokens"}, "filter position<16"),
        ("focus", {"table": "hard.scaling"}, "focus hard_tokens.scaling"),
    ]
    header = {"format": 2, "saetui": "0.1.0", "session": "s", "store": "", "parent": None, "started": "2026-11-21"}
    lines = [json.dumps(header)]
    for verb, args, now in before:
        dispatch(errors, now)
        digest = errors.view().digest(errors.store)
        lines.append(json.dumps({"t": len(lines), "command": verb, "args": args, "digest": digest}))
    path = tmp_path / "before.jsonl"
    path.write_text("\n".join(lines) + "\n")
    again = Workbench.open(errors.store.root, inline=True)
    try:
        assert replay(load(path), again) == []
    finally:
        again.close()


def test_digests_name_the_screen_as_earlier_sessions_did(errors: Workbench) -> None:
    content = errors.view().content(errors.store)
    text = json.dumps(content, default=str, sort_keys=True)
    earlier = text.replace('"screen": "hard_tokens"', '"screen": "hard"').replace('"hard_tokens.', '"hard.')
    assert text.count("hard_tokens") == 2
    assert errors.view().digest(errors.store) == sha256(earlier.encode()).hexdigest()[:16]


def test_a_view_is_the_same_when_there_is_more_to_look_at(bench: Workbench) -> None:
    content = View("jobs", bench.attention, ()).content(bench.store)
    assert "order" not in content["attention"]
    assert content["attention"]["sae"] == bench.attention.sae


def test_errors_are_studied_for_the_saes_in_view(
    empty_bench: Workbench, bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(JobClient, "ensure_workers", lambda _: None)
    dispatch(empty_bench, "screen hard_tokens")
    with pytest.raises(CommandError, match="put an SAE in view"):
        dispatch(empty_bench, "errors")
    dispatch(bench, "screen hard_tokens")
    dispatch(bench, "errors")
    job, compared = bench.client.jobs()
    assert (job.kind, job.spec["hook_name"]) == ("errors", "blocks.1.hook_resid_post")
    # Their absorption has been studied, so that the errors are compared with it afterwards.
    assert (compared.kind, compared.after) == ("absorbed_errors", (job.id,))
    assert job.spec["saes"] == compared.spec["saes"] == [f"w{width}-k4" for width in WIDTHS]


def test_a_store_without_errors_has_no_hard_tokens(bench: Workbench) -> None:
    dispatch(bench, "screen hard_tokens")
    sql, parameters = bench.query_of(TOKENS)
    assert bench.store.fetch(sql, **parameters).rows == []
    assert isinstance(bench.store, Store)


@pytest.mark.parametrize("unit", ["norm", "share", "fvu"])
def test_an_sae_by_its_name_on_the_screen_is_filtered_by_the_errors_shown(errors: Workbench, unit: str) -> None:
    dispatch(errors, f"unit {unit}")
    study = errors.catalogue.error_study(errors.attention.sae)
    assert study is not None
    name = errors.catalogue.sae(study.sae_ids[1]).name

    def shown() -> list[float]:
        sql, parameters = errors.query_of(TOKENS)
        return [row["errors"][1] for row in errors.store.fetch(sql, **parameters).dicts()]

    all_of_it = sorted(shown())
    middle = all_of_it[len(all_of_it) // 2]
    for written in (f"{name} > {middle!r}", f"{name} > {middle!r} and {name} is not null"):
        errors.change_table(TOKENS, filter=written)
        assert sorted(shown()) == [value for value in all_of_it if value > middle]
        assert shown()
