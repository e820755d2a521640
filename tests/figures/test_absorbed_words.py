"""Are absorbed words harder? The comparison, its figure and its one answer, on numbers that are known."""

from pathlib import Path

import pytest

from saetui.figures import figure
from saetui.figures.plots import BarChart
from store import Store
from tests.figures.drawn import bars
from tests.figures.made import make_store
from tests.figures.made_errors import add_errors, compare_words


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


@pytest.mark.slow
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
