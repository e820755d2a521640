"""Figures of the error study, and of both studies together: known numbers come back."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from saetui.cli.summary import print_summary
from saetui.commands.dispatch import dispatch
from saetui.commands.figures import ShowFigure
from saetui.figures import FigureError, figure
from saetui.figures.plots import BarChart, HeatMap
from saetui.workbench.workbench import Workbench
from store import Spool, Store
from tests.figures.drawn import bars, chart
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_nonlinear_part_of_a_bar_is_not_longer_than_the_bar(tmp_path: Path) -> None:
    """A linear map that was fitted on other tokens can make the error larger."""
    with Store.open(make_store(tmp_path / "study", lambda spool: add_errors(spool, with_law=False))) as store:
        store.write("UPDATE error_figure SET value = 0.3 WHERE sae_id = 'id-wide' AND figure = 'fvu_nonlinear'")
        made = figure(store, "error_breakdown")
        assert bars(made, "parts of the FVU")["wide"] == (0, pytest.approx(21))


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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
