"""Figures say what is in the store: known numbers come back as points, bars and cells."""

import re
from pathlib import Path
from typing import Any

import pytest

from saetui.figures import FigureError, figure, figure_kinds
from saetui.figures.plots import BarChart, Chart, HeatMap
from store import Store
from tests.figures.drawn import chart
from tests.figures.made import make_store

Places = dict[str, dict[str, tuple[float, float]]]


def places(chart: Chart) -> Places:
    """``{line: {SAE: (x, y)}}``."""
    return {line.name: {point.label: (point.x, point.y) for point in line.points} for line in chart.lines}


@pytest.mark.slow
def test_the_rate_against_l0_has_one_line_for_each_width(study: Store) -> None:
    rate = chart(figure(study, "absorption_rate"), "absorption rate against L0")
    assert places(rate) == {
        "16": {"narrow": (2.0, 1 / 8), "dense": (4.0, 0.0)},
        "64": {"wide": (1.9, 3 / 8)},
    }
    assert rate.key == "width"
    assert rate.x.text == "L0 (latents per token)"


def test_the_rate_against_width_has_one_line_for_each_sparsity(study: Store) -> None:
    made = figure(study, "absorption_rate")
    for title in ("absorption rate against width", "absorption fraction against width"):
        assert places(chart(made, title)) == {
            "k 2": {"narrow": (16.0, 1 / 8), "wide": (64.0, 3 / 8)},
            "k 4": {"dense": (16.0, 0.0)},
        }


def test_the_rate_against_layer_joins_saes_of_one_width_and_sparsity(study: Store) -> None:
    rate = chart(figure(study, "absorption_rate"), "absorption rate against layer")
    assert places(rate) == {
        "16 · k 2": {"narrow": (1.0, 1 / 8), "later": (2.0, 0.0)},
        "16 · k 4": {"dense": (1.0, 0.0)},
        "64 · k 2": {"wide": (1.0, 3 / 8)},
    }


def test_intervals_over_letters_hold_the_mean_and_stay_between_the_letters(study: Store) -> None:
    made = figure(study, "absorption_rate")
    for plot in made.plots:
        assert isinstance(plot, Chart)
        for point in (point for line in plot.lines for point in line.points):
            assert point.low is not None
            assert point.high is not None
            assert point.low <= point.y <= point.high
    (wide,) = chart(made, "absorption rate against L0").lines[1].points
    assert (wide.low, wide.high) == (0.0, 0.75)
    assert "bootstrap" in made.note


def test_one_letter_has_wilsons_interval_over_its_words(study: Store) -> None:
    made = figure(study, "absorption_rate", letter="A")
    (wide,) = chart(made, "absorption rate against L0").lines[1].points
    # 3 of 4 words: the interval of Wilson (1927) to four digits.
    assert (wide.y, wide.low, wide.high) == (0.75, pytest.approx(0.3006, abs=1e-4), pytest.approx(0.9544, abs=1e-4))
    assert "Wilson" in made.note
    assert all(p.low is None for line in chart(made, "absorption fraction against L0").lines for p in line.points)


def test_a_hook_point_or_saes_can_be_chosen(study: Store) -> None:
    later = figure(study, "absorption_rate", hook="blocks.2.hook_resid_post")
    assert places(chart(later, "absorption rate against L0")) == {"16": {"later": (2.1, 0.0)}}
    assert "blocks.2" in later.note
    both = figure(study, "absorption_rate", sae=("narrow", "id-wide"))
    assert [plot.title for plot in both.plots] == [
        "absorption rate against L0",
        "absorption rate against width",
        "absorption fraction against L0",
        "absorption fraction against width",
    ]
    assert places(chart(both, "absorption rate against L0")) == {
        "16": {"narrow": (2.0, 1 / 8)},
        "64": {"wide": (1.9, 3 / 8)},
    }


def test_other_thresholds_give_other_rates(study: Store) -> None:
    # In "wide" the absorber leads by 2, 3 and 4 logits on three of the four words.
    led = figure(study, "absorption_rate", sae="wide", lead=3.5)
    assert places(chart(led, "absorption rate against L0")) == {"64": {"wide": (1.9, 1 / 8)}}
    assert "lead 3.5" in led.note
    aligned = figure(study, "absorption_rate", sae="wide", min_cosine=0.5)
    assert places(chart(aligned, "absorption rate against L0")) == {"64": {"wide": (1.9, 0.0)}}
    split = figure(study, "splits", sae="wide", tau=0.2)
    assert places(chart(split, "main latents against L0")) == {"64": {"wide": (1.9, 1.0)}}


def test_splits_have_the_mean_number_of_main_latents(study: Store) -> None:
    made = chart(figure(study, "splits"), "main latents against L0")
    assert places(made) == {"16": {"narrow": (2.0, 1.0), "dense": (4.0, 1.0)}, "64": {"wide": (1.9, 1.5)}}
    assert (made.lines[1].points[0].low, made.lines[1].points[0].high) == (1.0, 2.0)


def test_letter_scores_are_those_of_the_latents_beside_the_probe(study: Store) -> None:
    made = figure(study, "letter_scores")
    assert "the same mean F1, 0.91, over these SAEs" in made.note
    recall = chart(made, "recall against layer")
    assert places(recall) == {
        "16 · k 2": {"narrow": (1.0, 7 / 8), "later": (2.0, 1.0)},
        "16 · k 4": {"dense": (1.0, 1.0)},
        "64 · k 2": {"wide": (1.0, 5 / 8)},
        "linear probe": {"blocks.1.hook_resid_post": (1.0, 1.0), "blocks.2.hook_resid_post": (2.0, 1.0)},
    }
    assert [line.name for line in recall.lines if line.reference] == ["linear probe"]
    f1 = places(chart(made, "F1 against layer"))
    assert f1["64 · k 2"]["wide"][1] == pytest.approx((1.0 + 0.4) / 2)
    assert f1["linear probe"]["blocks.1.hook_resid_post"][1] == pytest.approx(0.95)
    assert places(chart(made, "precision against layer"))["64 · k 2"]["wide"][1] == 1.0
    one = places(chart(figure(study, "letter_scores", letter="a"), "recall against layer"))
    assert one["64 · k 2"]["wide"] == (1.0, 0.25)


@pytest.mark.slow
def test_the_latent_of_a_letter_is_the_one_most_like_the_probe(tmp_path: Path) -> None:
    """The second latents of every letter have half the recall; those with the highest F1 are only mentioned."""
    with Store.open(make_store(tmp_path / "study")) as store:
        store.write("UPDATE letter_latent SET by_encoder = (rank = 2)")
        made = figure(store, "letter_scores", sae="wide")
        assert places(chart(made, "recall against layer"))["64"] == {"wide": (1.0, 5 / 16)}
        assert "all words" in made.note
        assert "would have 0.70 instead of 0.44" in made.note


def test_the_map_has_a_cell_for_each_sae_and_letter(study: Store) -> None:
    rate, fraction = figure(study, "absorption_map").plots
    assert isinstance(rate, HeatMap)
    assert isinstance(fraction, HeatMap)
    assert rate.rows == (
        "narrow · 1.resid_post",
        "dense · 1.resid_post",
        "wide · 1.resid_post",
        "later · 2.resid_post",
    )
    (of_one_site, _) = figure(study, "absorption_map", hook="blocks.2.hook_resid_post").plots
    assert isinstance(of_one_site, HeatMap)
    assert of_one_site.rows == ("later",)
    assert rate.columns == ("a", "b")
    assert rate.values == ((0.25, 0.0), (0.0, 0.0), (0.75, 0.0), (0.0, 0.0))
    assert fraction.values == rate.values
    assert rate.high == 0.75


@pytest.mark.slow
def test_letters_that_are_not_usable_are_pale_on_the_map_and_left_out_of_means(tmp_path: Path) -> None:
    with Store.open(make_store(tmp_path / "study")) as store:
        store.write("UPDATE probe SET usable = false WHERE letter = 'a' AND probe_id = 'p1'")
        made = figure(store, "absorption_map")
        rate = made.plots[0]
        assert isinstance(rate, HeatMap)
        assert rate.columns == ("a", "b")
        assert rate.values == ((0.25, 0.0), (0.0, 0.0), (0.75, 0.0), (0.0, 0.0))
        # "later" has probes of its own.
        assert rate.pale == {(0, 0), (1, 0), (2, 0)}
        assert "left out of means, with their words: a 14" in made.note
        for name in ("absorption_rate", "splits", "letter_scores"):
            assert "Left out, with their words: a 14." in figure(store, name).note
        means = figure(store, "absorption_rate", sae="wide")
        assert {point.y for line in chart(means, "absorption rate against L0").lines for point in line.points} == {0.0}
        # Who asks for such a letter has its numbers.
        asked = figure(store, "absorption_rate", sae="wide", letter="a")
        assert {point.y for line in chart(asked, "absorption rate against L0").lines for point in line.points} == {0.75}


def test_evidence_is_of_the_clearest_case_or_of_the_word_that_is_asked_for(study: Store) -> None:
    made = figure(study, "evidence")
    (bars,) = made.plots
    assert isinstance(bars, BarChart)
    assert bars.title == "“ arm” in wide"
    assert bars.names == ("integrated gradients", "exact")
    assert [(bar.label, bar.values, bar.note) for bar in bars.bars] == [
        ("7", (-5.0, -4.5), "cos 0.40"),
        ("9", (-1.0, None), "cos 0.01"),
        ("8", (0.5, None), "cos 0.00"),
        ("0", (0.0, 0.0), "main, silent"),
        ("5", (0.0, 0.0), "main, silent"),
    ]
    assert "absorbed" in made.note
    (ant,) = figure(study, "evidence", sae="narrow", word="ant").plots
    assert isinstance(ant, BarChart)
    assert next((bar.label, bar.values) for bar in ant.bars) == ("7", (-3.0, -2.5))
    # No effects were measured on a word whose main latent fires.
    assert figure(study, "evidence", sae="narrow", word=" ape").is_empty


def test_error_scaling_as_evaluated_where_errors_were_not_studied(study: Store) -> None:
    made = figure(study, "error_scaling", hook="blocks.2.hook_resid_post")
    assert places(chart(made, "FVU against width")) == {"k 2": {"later": (16.0, 0.35)}}


@pytest.mark.parametrize("name", figure_kinds())
def test_a_caption_names_model_and_hook_point(name: str, study: Store) -> None:
    assert figure(study, name).note.startswith("speller, blocks.1.hook_resid_post")


@pytest.mark.parametrize("name", figure_kinds())
def test_an_empty_store_says_what_to_do(name: str, empty: Store) -> None:
    made = figure(empty, name)
    assert made.is_empty
    assert made.advice.startswith(("absorption", "no "))
    assert "`saetui" in made.advice


@pytest.mark.parametrize("name", figure_kinds())
def test_the_query_behind_a_figure_can_be_asked_again(name: str, study: Store) -> None:
    made = figure(study, name)
    assert made.sql.startswith("-- ")
    assert len(study.fetch(made.sql, **made.parameters)) > 0


@pytest.mark.parametrize(
    ("name", "chosen", "said"),
    [
        ("absorption_rat", {}, "the nearest is absorption_rate; there are absorption_rate, absorption_map"),
        ("splits", {"word": "ant"}, "splits takes no word; it takes sae, hook, letter, tau"),
        ("splits", {"sae": "huge"}, "no SAE 'huge' here; there are narrow, dense, wide, later"),
        ("splits", {"sae": "id-"}, "'id-' can be narrow, dense, wide, later"),
        ("splits", {"hook": "blocks.9"}, "there are blocks.1.hook_resid_post, blocks.2.hook_resid_post"),
        ("splits", {"letter": "ß"}, "not a letter from a to z"),
    ],
)
def test_what_cannot_be_drawn_is_named(name: str, chosen: dict[str, Any], said: str, study: Store) -> None:
    with pytest.raises(FigureError, match=re.escape(said)):
        figure(study, name, **chosen)
