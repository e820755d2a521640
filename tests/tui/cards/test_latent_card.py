"""The card of a latent, from the store to its lines."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from textual.color import Color
from textual.style import Style
from textual.widgets import Static

from saetui.tui.cards.latent_card import LatentCard
from saetui.tui.cards.latent_facts import Claim, Context, LatentFacts, Neighbour, Tenth, read_latent
from saetui.tui.cards.latent_text import card_lines, command_to, neighbours_in_order
from saetui.tui.drawing.token_strip import StripToken
from store import Store
from tests.tui.store_fixture import SAES
from tests.tui.table.memory_store import WidgetApp, title, until

DARK = Color.parse("#14181b")
STRONG = Color.parse("#d6a85c")
SAE = SAES[256]
FACTS = LatentFacts(
    sae_id="sae-1",
    sae="w2048-k4",
    latent=412,
    n_fires=6401,
    density=0.0312,
    max_activation=9.4,
    mean_activation=None,
    decoder_norm=1.0,
    encoder_decoder_cosine=-0.25,
    histogram=(5, 80, 40, 3, 1),
    promotes=((" S", 1.21), (" s", 1.1)),
    suppresses=((" the", -0.8),),
    top_tokens=((" short", 0.22), (" self", 0.13), ("[b]\n", 0.01)),
    claims=(Claim("s", 0.91, True, 0.52, 0.61), Claim("c", 0.12, False, 0.1, -0.1)),
    neighbours=(
        Neighbour("sae-1", "w2048-k4", 88, 0.41, " self"),
        Neighbour("sae-2", "w512-k4", 33, -0.2, None),
    ),
    contexts=tuple(
        Context(9.4 - i, i, 3, tuple(StripToken(w, v) for w, v in ((" a", 0.0), (" short", 9.4), (" one", 0.0))), 1)
        for i in range(9)
    ),
    tenths=tuple(
        Tenth(
            tenth,
            1000 + tenth,
            Context(tenth - 0.5, tenth, 3, (StripToken(" in", 0.0), StripToken(f" t{tenth}", 1.0)), 1),
        )
        for tenth in (10, 9, 7, 1)
    ),
    notes=("compare with 88",),
)


@pytest.fixture
def store(study: Path) -> Iterator[Store]:
    with Store.open(study) as opened:
        yield opened


@pytest.mark.parametrize("width", [20, 30, 38, 60, 80, 110, 160])
def test_every_line_fits(width: int) -> None:
    for line in card_lines(FACTS, width, DARK, STRONG, "s"):
        assert line.cell_length <= max(width, 36)


@pytest.mark.parametrize("width", [38, 80, 120])
def test_all_of_it_is_said_at_every_width(width: int) -> None:
    text = "\n".join(line.plain for line in card_lines(FACTS, width, DARK, STRONG, "s"))
    said = ("compare with 88", "0.0312", "6,401", "mean –", "−0.25", "·short", " 22%", "[b]↵", "·S +1.21", "·the −0.80")
    more = ("cos probe s enc 0.52 dec 0.61", "s 0.91 main", "88 0.41 ·self", "w512-k4", "33 −0.20", "9.40", "1.40")
    for part in said + more:
        assert part in text
    assert text.count("short one") == len(FACTS.contexts)
    for tenth in FACTS.tenths:
        assert f"{tenth.context.activation:5.2f} {tenth.n_tokens:,} " in text
        assert f"in t{tenth.tenth}" in text


def test_contexts_that_are_not_stored_say_what_to_run() -> None:
    text = "\n".join(
        line.plain
        for line in card_lines(replace(FACTS, contexts=(), tenths=(), has_activations=False), 60, DARK, STRONG)
    )
    assert ":study latents" in text
    assert "contexts" not in text
    assert ":study latents" not in "\n".join(line.plain for line in card_lines(FACTS, 40, DARK, STRONG))


def test_links_lead_to_the_neighbours() -> None:
    lines = card_lines(FACTS, 60, DARK, STRONG, "s")
    found = {
        number: line.get_style_at_offset(line.plain.index(number)).meta.get("@click")
        for line in lines
        for number in ("88 0.41", "33 −0.20")
        if number in line.plain
    }
    assert found == {
        "88 0.41": "app.command('latent 88')",
        "33 −0.20": "app.command('open letters/s/33?sae=w512-k4')",
    }


def test_a_dead_latent_has_a_card() -> None:
    dead = LatentFacts("sae-1", "w1", 3, 0, 0.0, 0.0, None, 1.0, None, (0, 0), (), (), ())
    text = "\n".join(line.plain for line in card_lines(dead, 40, DARK, STRONG))
    assert "fires 0" in text
    assert "top tokens" not in text


def test_where_there_is_no_logit_lens_the_card_says_so() -> None:
    lines = [line.plain for line in card_lines(replace(FACTS, promotes=(), suppresses=()), 40, DARK, STRONG)]
    assert lines[lines.index("promotes") + 1] == " no logit lens here"
    assert "suppresses" not in lines


def test_facts_come_from_the_store(store: Store) -> None:
    facts = read_latent(store.reader(), SAE, 18)
    assert facts is not None
    assert (facts.sae, facts.latent, facts.claims[0].letter) == ("w256-k4", 18, "s")
    assert facts.claims[0].is_main
    assert {n.sae_id for n in facts.neighbours} >= {SAE}
    strongest = facts.contexts[0]
    assert strongest.activation == pytest.approx(facts.max_activation, rel=1e-4)
    assert strongest.tokens[strongest.focus].value == pytest.approx(strongest.activation, rel=1e-4)
    assert [c.activation for c in facts.contexts] == sorted((c.activation for c in facts.contexts), reverse=True)
    assert facts.has_activations
    assert facts.tenths[0].tenth == 10
    assert sum(tenth.n_tokens for tenth in facts.tenths) == facts.n_fires
    for tenth in facts.tenths:
        activation = tenth.context.activation
        assert (tenth.tenth - 1) / 10 < activation / strongest.activation <= tenth.tenth / 10
        assert tenth.context.tokens[tenth.context.focus].value == pytest.approx(activation)
    assert read_latent(store.reader(), SAE, 100_000) is None


async def test_the_card_shows_the_latent_asked_for_last(store: Store) -> None:
    card = LatentCard(store.reader())
    async with WidgetApp(card).run_test(size=(60, 30)) as pilot:
        assert "choose a latent" in str(card.query_one(Static).visual)
        for latent in (1, 2, 3, 18):
            card.show(SAE, latent, "s")
        await until(pilot, lambda: card.facts is not None and card.facts.latent == 18)
        assert title(card) == "latent 18 · w256-k4"
        card.show(SAE, 100_000)
        await until(pilot, lambda: "no statistics" in str(card.query_one(Static).visual))
        card.show(None, None)
        assert title(card) == "latent"


async def test_a_note_appears_when_the_store_has_changed(store: Store) -> None:
    card = LatentCard(store.reader())
    async with WidgetApp(card).run_test(size=(60, 30)) as pilot:
        card.show(SAE, 18)
        await until(pilot, lambda: card.facts is not None)
        store.write(
            "INSERT INTO note (note_id, subject, sae_id, latent, text, created, changed) "
            "VALUES ('n', 'latent', $sae, 18, 'all of s', now()::TIMESTAMP, now()::TIMESTAMP)",
            {"sae": SAE},
        )
        card.show(SAE, 18, again=True)
        await until(pilot, lambda: card.facts is not None and card.facts.notes == ("all of s",))


def test_the_chosen_nearest_latent_stands_out_and_all_are_shown_to_choose_from() -> None:
    many = tuple(Neighbour("sae-1", "w2048-k4", 100 + i, 0.4, " word") for i in range(20))
    facts = replace(FACTS, neighbours=(*many, *FACTS.neighbours))

    def near(place: int | None) -> str:
        return "\n".join(line.plain for line in card_lines(facts, 40, DARK, STRONG, "s", place))

    assert " 119 " not in near(None)
    assert " 119 " in near(-1)
    assert [n.latent for n in neighbours_in_order(facts)] == [*range(100, 120), 88, 33]
    chosen = [
        line.plain[span.start : span.end]
        for line in card_lines(facts, 40, DARK, STRONG, "s", 20)
        for span in line.spans
        if isinstance(span.style, Style) and span.style.reverse
    ]
    assert chosen == ["88"]


def test_a_nearest_latent_of_another_sae_is_opened_there() -> None:
    here, there = neighbours_in_order(FACTS)
    assert command_to(here, FACTS, None) == "latent 88"
    assert command_to(there, FACTS, "s") == "open letters/s/33?sae=w512-k4"
    assert command_to(there, FACTS, None) is None
