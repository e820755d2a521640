"""Figures of the error study, and of both studies together: known numbers come back."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from saetui.cli.summary import print_summary
from saetui.commands.dispatch import dispatch
from saetui.commands.figures import ShowFigure
from saetui.figures import Figure, FigureError, figure
from saetui.figures.plots import BarChart, Chart, HeatMap
from saetui.workbench.workbench import Workbench
from store import Spool, Store
from tests.figures.made import NOW, hook, make_store
from tests.figures.made_errors import add_errors, add_further_parts, add_plain_study, compare_words

SITE = f"speller, {hook(1)}"
ONE_LATER = "a later one has not measured this"


def add_everything(spool: Spool) -> None:
    add_errors(spool)
    add_further_parts(spool)


@pytest.fixture
def few_widths(tmp_path: Path) -> Iterator[Store]:
    """The same study without a power law over widths."""
    with Store.open(make_store(tmp_path / "store", partial(add_errors, with_law=False))) as store:
        yield store


def chart(made: Figure, title: str) -> Chart:
    (found,) = (plot for plot in made.plots if plot.title == title)
    assert isinstance(found, Chart)
    return found


def bars(made: Figure, title: str) -> dict[str, tuple[float | None, ...]]:
    (found,) = (plot for plot in made.plots if plot.title == title)
    assert isinstance(found, BarChart)
    return {bar.label: bar.values for bar in found.bars}


def test_error_scaling_has_both_fvus_with_intervals_and_the_fit(study: Store) -> None:
    made = figure(study, "error_scaling")
    fvu = chart(made, "FVU against width")
    points = {point.label: (point.x, point.y, point.low, point.high) for line in fvu.lines for point in line.points}
    assert points["narrow"] == (16.0, 0.32, 0.3, 0.34)
    assert points["wide"] == (64.0, 0.21, 0.2, 0.22)
    assert [line.name for line in fvu.lines] == ["k 2", "k 4", "fit", "floor"]
    curve = fvu.lines[2]
    assert not curve.marked
    assert set(fvu.places) == {16.0, 64.0}
    assert (curve.points[0].x, curve.points[0].y) == (pytest.approx(16), pytest.approx(0.1 + 0.9 / 4))
    assert (curve.points[-1].x, curve.points[-1].y) == (pytest.approx(64), pytest.approx(0.1 + 0.9 / 8))
    assert {point.y for point in fvu.lines[3].points} == {0.1}
    nonlinear = chart(made, "nonlinear FVU against width")
    assert [(line.name, [p.y for p in line.points]) for line in nonlinear.lines] == [
        ("k 2", [0.2, 0.18]),
        ("k 4", [0.15]),
    ]
    assert "0.1 + 0.9 · width^−0.5" in made.note
    assert "0.05 to 0.15" in made.note


def test_error_scaling_says_where_no_floor_is_to_be_had(few_widths: Store) -> None:
    made = figure(few_widths, "error_scaling")
    assert [line.name for line in chart(made, "FVU against width").lines] == ["k 2", "k 4"]
    assert "not identifiable" in made.note
    assert "there are 2" in made.note


def test_the_breakdown_adds_up_and_draws_no_negative_part(study: Store) -> None:
    made = figure(study, "error_breakdown")
    (plot,) = made.plots
    assert isinstance(plot, BarChart)
    assert plot.stacked
    assert plot.names == ("absent features", "linear", "encoder", "rest")
    assert bars(made, "parts of the FVU") == {
        "narrow": (pytest.approx(22), pytest.approx(5), pytest.approx(1), pytest.approx(4)),
        # The linear part is −2 % by noise: it is none, and the absent features are 2 % fewer.
        "wide": (pytest.approx(9), pytest.approx(0), pytest.approx(2), pytest.approx(10)),
    }
    assert_bars_are_the_fvu(study, plot)
    assert "drawn as none and taken out of its neighbour: wide" in made.note
    assert "1 more" in made.note


def assert_bars_are_the_fvu(study: Store, plot: BarChart) -> None:
    found = study.fetch("SELECT sae.name, value FROM error_figure JOIN sae USING (sae_id) WHERE figure = 'fvu_sae'")
    fvu = dict(found.rows)
    for bar in plot.bars:
        assert min(value for value in bar.values if value is not None) >= 0
        assert sum(value or 0.0 for value in bar.values) == pytest.approx(100 * fvu[bar.label])


@pytest.mark.parametrize(
    ("part", "ends", "drawn"),
    [
        ("absent", (-0.05, 0.001), "by law"),
        ("linear", (-0.05, 0.0), "by law"),
        ("linear", (-0.05, -0.001), "in two"),
        ("nonlinear_encoder", (-0.05, -0.001), "in two"),
        ("nonlinear_rest", (None, None), "in two"),
    ],
)
def test_bars_are_never_longer_than_the_fvu(
    tmp_path: Path, part: str, ends: tuple[float | None, float | None], drawn: str
) -> None:
    """Whichever part is below zero: by noise it is none, by more the law does not hold, and the figure says so."""
    with Store.open(make_store(tmp_path / "study", add_errors)) as store:
        sql = "UPDATE error_figure SET {} WHERE sae_id = 'id-wide' AND figure = "
        fvu = 0.21
        others = [name for name in ("absent", "linear", "nonlinear_encoder", "nonlinear_rest") if name != part]
        for name in others:
            store.write(sql.format(f"value = {(fvu + 0.02) / 3}") + f"'breakdown_{name}'")
        low, high = ("NULL" if end is None else end for end in ends)
        store.write(sql.format(f"value = -0.02, low = {low}, high = {high}") + f"'breakdown_{part}'")
        made = figure(store, "error_breakdown")
        (plot,) = made.plots
        assert isinstance(plot, BarChart)
        assert_bars_are_the_fvu(store, plot)
        assert (plot.names == ("linear", "nonlinear")) == (drawn == "in two")
        assert ("cannot be drawn" in made.note) == (drawn == "in two")


def test_the_nonlinear_part_of_a_bar_is_not_longer_than_the_bar(tmp_path: Path) -> None:
    """A linear map that was fitted on other tokens can make the error larger."""
    with Store.open(make_store(tmp_path / "study", lambda spool: add_errors(spool, with_law=False))) as store:
        store.write("UPDATE error_figure SET value = 0.3 WHERE sae_id = 'id-wide' AND figure = 'fvu_nonlinear'")
        made = figure(store, "error_breakdown")
        assert bars(made, "parts of the FVU")["wide"] == (0, pytest.approx(21))


def test_without_a_floor_the_breakdown_has_two_parts(few_widths: Store) -> None:
    made = figure(few_widths, "error_breakdown")
    assert bars(made, "parts of the FVU") == {
        "narrow": (pytest.approx(12), pytest.approx(20)),
        "dense": (pytest.approx(10), pytest.approx(15)),
        "wide": (pytest.approx(3), pytest.approx(18)),
    }
    assert "No floor" in made.note


def test_norm_r2_and_how_the_squared_norms_are_spread(study: Store) -> None:
    made = figure(study, "norm_r2")
    scores = bars(made, "R² of predicting the squared norm")
    assert scores["narrow"] == (90.0, None, 60.0, None, None)
    assert scores["dense"] == (None, None, -10.0, None, None)
    plot = made.plots[0]
    assert isinstance(plot, BarChart)
    assert plot.bars[0].intervals == ((80.0, 95.0), None, (50.0, 70.0), None, None)
    spread = {line.name: [point.y for point in line.points] for line in chart(made, "squared norm of the error").lines}
    # Half of the tokens have an error of 2, half of 4: squares of 0.4 and 1.6 times their mean.
    assert (spread["wide"][0], spread["wide"][-1]) == (pytest.approx(0.4), pytest.approx(1.6))
    assert spread["dense"] == pytest.approx([1.0] * 9)
    assert spread["activation"] == pytest.approx([1.0] * 9)
    assert [p.x for p in chart(made, "squared norm of the error").lines[0].points] == [1, 5, 10, 25, 50, 75, 90, 95, 99]


def test_norm_baselines_stand_beside_what_the_activation_tells(study: Store) -> None:
    made = figure(study, "norm_baselines")
    # Only the SAE for which they were measured.
    assert bars(made, "R² of predicting the squared error norm") == {"narrow": (60.0, 30.0, 5.0, 40.0)}
    (plot,) = made.plots
    assert isinstance(plot, BarChart)
    assert plot.names == ("activation", "activation norm", "L0", "token")
    assert plot.bars[0].intervals == ((50.0, 70.0), (20.0, 40.0), None, (35.0, 45.0))


def test_components_are_held_against_each_other(study: Store) -> None:
    made = figure(study, "component_saes")
    assert bars(made, "variance that an SAE of the component leaves") == {"narrow": pytest.approx((20, 40, 30, 60))}
    assert bars(made, "latents that never fire") == {"narrow": pytest.approx((10, 20, 15, 50))}
    plot = made.plots[0]
    assert isinstance(plot, BarChart)
    assert plot.names == ("activation", "error", "linear", "nonlinear")
    assert plot.bars[0].intervals[3] == pytest.approx((50, 70))
    assert "TopK, 64 latents, k 4, 6 held-out tokens" in made.note
    assert "over that of the linear part: narrow 2.00 (1.50 to 2.50)." in made.note


def test_earlier_saes_stand_above_the_own_reconstruction(study: Store) -> None:
    made = figure(study, "earlier_saes")
    assert bars(made, "R² of predicting the error of narrow") == {
        # One that the store no longer has goes by its id.
        "id-gone": pytest.approx((10, 0, 20)),
        "wide (blocks.1.hook_resid_post)": pytest.approx((30, 10, 50)),
        "all earlier SAEs": pytest.approx((40, 20, 60)),
        "its own reconstruction": (20.0, None, -10.0),
    }
    (plot,) = made.plots
    assert isinstance(plot, BarChart)
    assert [bar.label for bar in plot.bars][-2:] == ["all earlier SAEs", "its own reconstruction"]
    assert plot.bars[-1].intervals == (pytest.approx((15, 25)), None, pytest.approx((-15, -5)))


def test_what_was_put_in_is_held_against_what_is_found(study: Store) -> None:
    made = figure(study, "introduced_error")
    linear, nonlinear = (chart(made, f"{part} part, found against put in") for part in ("linear", "nonlinear"))
    assert [(line.name, line.joined) for line in linear.lines] == [("narrow", False), ("as put in", True)]
    assert [p.x for p in linear.lines[0].points] == pytest.approx([0, 0, 20, 40])
    assert [p.y for p in linear.lines[0].points] == pytest.approx([0, 0, 10, 20])
    assert [p.x for p in nonlinear.lines[0].points] == pytest.approx([0, 0, 40, 40])
    assert [p.y for p in nonlinear.lines[0].points] == pytest.approx([0, 10, 40, 60])
    assert [(p.x, p.y) for p in nonlinear.lines[1].points] == [(0, 0), (40, 40)]
    last = linear.lines[0].points[-1]
    assert (last.low, last.high) == pytest.approx((19, 21))
    assert last.label == "dense 2, introduced 2, 25 % left out"
    assert "narrow: linear 0.50 and 1.00, nonlinear 1.12 and 0.94" in made.note


@pytest.mark.slow
def test_figures_over_widths_say_where_recipes_are_mixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_store(tmp_path / "store", add_errors)
    with Store.open(root) as store:
        names = ("width_norms", "error_breakdown")
        assert not [name for name in names if "mixed recipes" in figure(store, name).note]
        assert "fit" in [line.name for line in chart(figure(store, "error_scaling"), "FVU against width").lines]
    print_summary(root)
    assert "0.9 · width^−0.50; floor" in capsys.readouterr().out
    with Store.open(root) as store:
        store.write("UPDATE sae SET recipe = replace(recipe, ': 2048', ': 512') WHERE name = 'wide'")
        for name in names:
            assert "mixed recipes" in figure(store, name).note
            assert "(batch 2,048 and batch 512)" in figure(store, name).note
        # Also where the figure is of SAEs of one recipe: the law is of all that the study compares.
        scaling = figure(store, "error_scaling", sae=("narrow", "dense"))
        assert "fit" not in [line.name for line in chart(scaling, "FVU against width").lines]
        assert "different recipes" in scaling.note
    print_summary(root)
    said = " ".join(capsys.readouterr().out.split())
    assert "over widths); of mixed recipes" in said
    assert (
        "mixed recipes: the SAEs compared across widths differ in more than the width (batch 2,048 and batch 512)"
        in said
    )


def test_a_later_study_that_asked_for_less_hides_nothing(tmp_path: Path) -> None:
    names = ("component_saes", "earlier_saes", "introduced_error", "norm_baselines", "cost_against_norm", "width_norms")
    with Store.open(make_store(tmp_path / "store", add_everything)) as store:
        before = {name: figure(store, name) for name in names}
        add_plain_study(store)
        for name in names:
            after, told = figure(store, name), f"{SITE}, error study of {NOW:%Y-%m-%d %H:%M} ({ONE_LATER})"
            assert before[name].plots == after.plots
            assert after.plots
            assert after.note == before[name].note.replace(SITE, told, 1)
        add_plain_study(store, "again")
        assert "(2 later ones have not measured this)" in figure(store, "norm_baselines").note
        # The rest is of the last study.
        assert "later" not in figure(store, "norm_r2").note


def test_what_no_study_has_measured_says_which_option_does(few_widths: Store) -> None:
    for name, option in (
        ("component_saes", "--component-steps"),
        ("earlier_saes", "--earlier-saes"),
        ("introduced_error", "--introduced-error"),
    ):
        made = figure(few_widths, name)
        assert made.is_empty
        assert f"saetui study errors {option}" in made.advice


def test_width_norms_have_a_matrix_and_the_gain_beside_its_controls(study: Store) -> None:
    made = figure(study, "width_norms")
    matrix, gains = made.plots
    assert isinstance(matrix, HeatMap)
    assert (matrix.rows, matrix.columns) == (("narrow", "dense"), ("dense", "wide"))
    assert matrix.values == ((0.8, 0.5), (None, 0.9))
    assert isinstance(gains, BarChart)
    assert gains.names == ("nonlinear norm", "linear norm", "shuffled")
    assert [(bar.label, bar.values, bar.intervals[0]) for bar in gains.bars] == [
        ("narrow → dense", (4.0, 1.0, 0.1), (3.0, 5.0)),
        ("narrow → wide", (3.0, 2.0, -0.1), (2.0, 4.0)),
        ("dense → wide", (None, None, None), None),
    ]
    assert "at most 4.0 points" in made.note
    assert "6 held-out of 12 tokens, half of their contexts to fit and half to test" in made.note


def test_the_error_along_a_context(study: Store) -> None:
    made = figure(study, "error_context")
    along = chart(made, "norm of the error, context 1")
    found = {line.name: [(point.x, point.y, point.label) for point in line.points] for line in along.lines}
    assert found["wide"] == [
        (1.0, 2.0, " ant"),
        (2.0, 2.0, " axe"),
        (3.0, 2.0, " arm"),
        (4.0, 4.0, " ape"),
        (5.0, 4.0, " bat"),
        (6.0, 4.0, " bee"),
    ]
    assert [y for _, y, _ in found["narrow"]] == [2.5, 5, 5, 5, 5, 5]
    nonlinear = chart(made, "norm of the nonlinear part of the error, context 1").lines
    assert [point.y for point in nonlinear[2].points] == pytest.approx([1.6] * 3 + [3.2] * 3)
    assert "position 4, “ ape” after “… ant axe arm” (held out)" in made.note
    chosen = figure(study, "error_context", context=0, sae="dense")
    assert [line.name for line in chart(chosen, "norm of the error, context 0").lines] == ["dense"]
    assert "fitted on this context" in chosen.note
    assert "Hardest “bee”: position 6" in figure(study, "error_context", word="bee").note
    assert figure(study, "error_context", word="zoo").is_empty


def test_what_parts_cost_against_their_norms(study: Store) -> None:
    made = figure(study, "cost_against_norm")
    of_norm, of_square = (
        chart(made, f"loss recovered against share of the {title}") for title in ("norm", "squared norm")
    )
    for plot, linear, nonlinear in ((of_norm, 60, 80), (of_square, 36, 64)):
        found = {line.name: [(p.x, p.y, p.low, p.high) for p in line.points] for line in plot.lines}
        assert found == {
            "linear part": [(pytest.approx(linear), 40, 35, 45)],
            "nonlinear part": [(pytest.approx(nonlinear), 70, 65, 75)],
            "in proportion": [(0, 0, None, None), (100, 100, None, None)],
        }
        assert [line.joined for line in plot.lines] == [False, False, True]
    assert made.note.endswith("less than 0.001 nats: 1 SAE.")


def test_absorbed_words_have_half_the_error(study: Store) -> None:
    made = figure(study, "absorbed_errors")
    # In "narrow" a single word is absorbed, and one word has no mean with an interval.
    assert bars(made, "error of words by verdict") == {
        "narrow": (None, None, pytest.approx(50)),
        "dense": (None, None, pytest.approx(30)),
        "wide": (pytest.approx(20), None, pytest.approx(40)),
    }
    fires = bars(made, "absorbed against words with a firing main latent")
    assert fires["wide"] == pytest.approx((-50, -50, -50))
    assert fires["narrow"] == (None, None, None)
    parts = bars(made, "parts of the difference to words with a firing main latent")
    # (1.2² − 2.4²) / 10² and (1.6² − 3.2²) / 10², in percent.
    assert parts["wide"] == pytest.approx((-4.32, -7.68))
    assert "wide: 3 absorbed, 0 silent, not absorbed, 3 main latent fires" in made.note
    same = bars(made, "absorbed in one SAE against the same words in another")
    assert same["words with a firing main latent"] == pytest.approx((-50, -50, -50))
    assert "3 absorbed in one SAE have a firing main latent in another" in made.note


def test_absorbed_words_at_other_thresholds(tmp_path: Path) -> None:
    root = compare_words(make_store(tmp_path / "study", add_errors), lead=2.5)
    compare_words(root, saes=["wide"], min_cosine=0.9)
    with Store.open(root) as store:
        made = figure(store, "absorbed_errors", sae="wide", lead=2.5)
        assert "wide: 2 absorbed, 1 silent, not absorbed, 3 main latent fires" in made.note
        assert figure(store, "absorbed_errors", sae="wide", min_cosine=0.9).is_empty
        # At these nothing has been compared.
        assert figure(store, "absorbed_errors", sae="wide").is_empty
        assert figure(store, "absorbed_errors", hook="blocks.2.hook_resid_post").is_empty


def test_the_rows_behind_are_means_over_the_tokens_of_a_word(study: Store) -> None:
    everything = dict.fromkeys(("saes", "hook", "tau", "lead", "min_cosine"))
    rows = study.fetch("absorbed_errors", **everything).dicts()
    assert len(rows) == 18
    (ant,) = (row for row in rows if (row["name"], row["surface"]) == ("wide", " ant"))
    assert (ant["verdict"], ant["n_occurrences"], ant["n_held_out"], ant["frequency"]) == ("absorbed", 2, 1, 2)
    assert (ant["error_norm"], ant["linear_norm"], ant["nonlinear_norm"]) == pytest.approx((2, 1.2, 1.6))
    assert (ant["linear_contribution"], ant["nonlinear_contribution"]) == pytest.approx((1.44, 2.56))
    assert ant["linear_contribution"] + ant["nonlinear_contribution"] == pytest.approx(ant["squared_error"])


@pytest.mark.slow
def test_words_have_the_errors_of_their_held_out_tokens(tmp_path: Path) -> None:
    """Whatever the SAE left out of tokens on which the linear map was fitted."""
    root = compare_words(make_store(tmp_path / "study", add_errors))
    with Store.open(root) as store:
        before = figure(store, "absorbed_errors", sae="wide")
        store.write("UPDATE error_token SET error_norm = [9, 9, 9], nonlinear_norm = [0, 0, 0] WHERE NOT held_out")
        compare_words(root)
        assert figure(store, "absorbed_errors", sae="wide").plots == before.plots
        store.write("UPDATE error_token SET held_out = false WHERE position = 1")
        compare_words(root)
        made = figure(store, "absorbed_errors", sae="wide")
        assert "wide: 2 absorbed, 0 silent, not absorbed, 3 main latent fires" in made.note
        assert "1 words left out, none of their tokens is held out" in made.note


@pytest.mark.slow
def test_a_comparison_counts_until_one_of_its_studies_is_made_again(tmp_path: Path) -> None:
    for n, table in enumerate(("error_study", "absorption_run")):
        root = compare_words(make_store(tmp_path / str(n), add_errors))
        with Store.open(root) as store:
            assert not figure(store, "absorbed_errors").is_empty
            store.write(f"UPDATE {table} SET created = now()::TIMESTAMP + INTERVAL 1 DAY")
            assert figure(store, "absorbed_errors").is_empty


def test_the_same_words_are_compared_between_all_saes_of_a_comparison(study: Store) -> None:
    title = "absorbed in one SAE against the same words in another"
    assert title in [plot.title for plot in figure(study, "absorbed_errors").plots]
    of_two = figure(study, "absorbed_errors", sae=["wide", "narrow"])
    assert title not in [plot.title for plot in of_two.plots]
    assert set(bars(of_two, "error of words by verdict")) == {"wide", "narrow"}


def test_there_is_one_answer_about_absorbed_words(study: Store) -> None:
    """On the line of screen 4, in its table, in SQL and in the figure."""
    thresholds = dict.fromkeys(("study", "tau", "lead", "min_cosine"))
    asked = {**thresholds, "sae": "id-wide"}
    (line,) = (row for row in study.fetch("absorbed_answer", **asked).dicts() if row["sae_id"] == "id-wide")
    (table,) = (
        row
        for row in study.fetch("hard_absorbed", **asked, letter=None).dicts()
        if (row["sae_id"], row["words"]) == ("id-wide", "absorbed")
    )
    sql = "SELECT percent, low, high FROM absorbed_harder WHERE sae = 'wide' AND against = 'fires'"
    title = "absorbed against words with a firing main latent"
    (chart_of_it,) = (plot for plot in figure(study, "absorbed_errors").plots if plot.title == title)
    assert isinstance(chart_of_it, BarChart)
    (bar,) = (bar for bar in chart_of_it.bars if bar.label == "wide")
    matched = chart_of_it.names.index("same frequency and norm")
    answer = (line["error"], line["low"], line["high"])
    assert answer[0] == pytest.approx(-50)
    assert answer == (table["harder"], table["harder_low"], table["harder_high"])
    assert [answer] == study.fetch(sql).rows
    ends = bar.ends(matched)
    assert ends is not None
    assert answer == (bar.values[matched], *ends)


@pytest.mark.slow
def test_the_answer_is_over_words_however_often_they_stand_there(tmp_path: Path) -> None:
    """ " ant" is absorbed with a larger error than the others that are; forty more such tokens leave it one word."""
    root = make_store(tmp_path / "study", add_errors)
    ant = "held_out AND token_id = (SELECT token_id FROM vocabulary WHERE surface = ' ant')"
    with Store.open(root) as store:
        store.write(f"UPDATE error_token SET error_norm = [3, 3, 3] WHERE {ant}")
        compare_words(root)
        answers = "SELECT sae, against, percent, low, high FROM absorbed_harder"
        before = store.fetch(answers).rows
        # Absorbed are errors of 3, 2 and 2, others of 4: in the geometric mean 43 % easier.
        assert [row[2] for row in before if row[:2] == ("wide", "fires")] == [
            pytest.approx(100 * (12 ** (1 / 3) / 4 - 1))
        ]
        asked = {**dict.fromkeys(("study", "tau", "lead", "min_cosine", "letter")), "sae": "id-wide"}
        shown = [dict(row, n_occurrences=0) for row in store.fetch("hard_absorbed", **asked).dicts()]
        store.write(
            f"INSERT INTO error_token SELECT found.* REPLACE (context + n AS context) "
            f"FROM (FROM error_token WHERE {ant}) AS found, range(10, 50) AS more(n)"
        )
        compare_words(root)
        assert store.fetch(answers).rows == before
        assert [dict(row, n_occurrences=0) for row in store.fetch("hard_absorbed", **asked).dicts()] == shown


def test_the_answer_is_in_the_store(study: Store) -> None:
    """Three words each are too few for strata, so that the means as they are stand for all controls."""
    rows = study.fetch("FROM absorbed_harder").dicts()
    wide = {row["against"]: row for row in rows if row["sae"] == "wide"}
    assert wide["fires"]["percent"] == pytest.approx(-50)
    assert (wide["fires"]["n_absorbed"], wide["silent"]["percent"]) == (3, None)
    thresholds = dict.fromkeys(("study", "tau", "lead", "min_cosine"))
    (answer,) = (
        row for row in study.fetch("absorbed_answer", **thresholds, sae="id-wide").dicts() if row["sae_id"] == "id-wide"
    )
    assert (answer["error"], answer["linear"], answer["nonlinear"]) == pytest.approx((-50, -50, -50))
    assert answer["silent"] is None


@pytest.fixture
def two_models(tmp_path: Path) -> Iterator[Store]:
    """The same study again, later, of an SAE that reads a hook point of the same name in another model."""
    with Store.open(make_store(tmp_path / "two", add_errors)) as store:
        one, other = "'m2' AS model_id", "'e2' AS study_id"
        for sql in (
            f"INSERT INTO model SELECT * REPLACE ({one}, 'reader' AS name) FROM model",
            f"INSERT INTO sae SELECT * REPLACE ({one}, 'id-2' AS sae_id, 'other' AS name) FROM sae WHERE name = 'wide'",
            f"INSERT INTO error_study SELECT * REPLACE ({one}, {other}, ['id-2'] AS sae_ids, [64] AS widths, "
            "created + INTERVAL 1 HOUR AS created) FROM error_study",
            f"INSERT INTO error_token SELECT * REPLACE ({other}) FROM error_token",
            f"INSERT INTO error_figure SELECT * REPLACE ({other}, 'id-2' AS sae_id) FROM error_figure "
            "WHERE sae_id = 'id-wide'",
            # The other model's SAE is asked about the same words.
            *(
                f"INSERT INTO {table} SELECT * REPLACE ('id-2' AS sae_id) FROM {table} WHERE sae_id = 'id-wide'"
                for table in ("absorption_run", "sparse_probe", "absorption_word", "absorption_latent")
            ),
        ):
            store.write(sql)
        for model in ("m", "reader"):
            compare_words(store.root, model=model)
        yield store


def test_the_study_is_of_the_model_that_is_asked_for(two_models: Store) -> None:
    names = ("error_breakdown", "error_context", "cost_against_norm", "norm_r2", "width_norms", "absorbed_errors")
    for name in names:
        assert figure(two_models, name, hook=hook(1), model="speller").note.startswith("speller, blocks.1."), name
    of_reader = figure(two_models, "error_context", hook=hook(1), model="m2")
    assert figure(two_models, "error_context", hook=hook(1), model="rea").note == of_reader.note
    assert of_reader.note.startswith("reader, blocks.1.")
    # Without a model it is the last study at the hook point; SAEs are of one model.
    assert figure(two_models, "error_context", hook=hook(1)).note == of_reader.note
    assert figure(two_models, "error_context", sae="wide").note.startswith("speller, ")
    with pytest.raises(FigureError, match="model: no SAE of 'writer'; there are reader, speller"):
        figure(two_models, "error_context", model="writer")
    with pytest.raises(FigureError, match="splits takes no model"):
        figure(two_models, "splits", model="speller")


def test_the_model_that_is_looked_at_is_that_of_the_figure(two_models: Store) -> None:
    bench = Workbench.open(two_models.root, inline=True)
    bench.attend(sae="id-wide", model="m")
    assert dispatch(bench, "figure norm_r2") == ShowFigure("norm_r2", model="m")
    assert dispatch(bench, "figure norm_r2 model=reader") == ShowFigure("norm_r2", model="reader")
    assert dispatch(bench, "figure norm_r2 sae=other") == ShowFigure("norm_r2", sae=("other",))
    assert dispatch(bench, "figure splits") == ShowFigure("splits")
    bench.close()


def test_a_context_is_of_figures_along_contexts_only(study: Store) -> None:
    with pytest.raises(FigureError, match="norm_r2 takes no context"):
        figure(study, "norm_r2", context=3)
