"""Of an SAE that was studied with several sets of probes the last study is shown, whatever the ids of the sets."""

from datetime import timedelta
from typing import Any

import pytest

from store import Store
from tests.store import conftest as made
from tests.store.absorption_rows import MAIN, SAE, add, effects, fired, judged, run, sparse_probe, words

EARLIER, LAST = "z", "a"
NOTHING_CLAIMED = "b"


def rows_of(probe: str, hours: int, f1: float) -> dict[str, list[dict[str, Any]]]:
    """A study of letter s: in the earlier one a main latent fires on " s0", in the last one another took it over."""
    made_at = made.NOW + timedelta(hours=hours)
    absorbed = effects("s", 0, {11: (-2.0, 0.5)}) if probe == LAST else [fired("s", 0, MAIN, place=1)]
    latents = [made.letter_latent("s", 1, MAIN, f1=f1, main=True)]
    tables = {
        "probe": [{**made.probe("s", f1), "created": made_at}],
        "word": words("s", 2),
        "word_activation": [{"sae_id": SAE, "token_id": 1, "latent": MAIN, "activation": f1}],
        "letter_latent": latents,
        "absorption_run": [run(created=made_at, rate=f1)],
        "sparse_probe": sparse_probe("s", [0.8, 0.82]),
        "absorption_word": [judged("s", 0)],
        "absorption_latent": absorbed,
    }
    return {table: [{**row, "probe_id": probe} for row in rows] for table, rows in tables.items()}


@pytest.fixture
def twice(store: Store) -> Store:
    """The same SAE twice, the set of probes with the larger id first; and probes that were used on no SAE since."""
    add(store, model=[made.model()], corpus=[made.corpus()], sae=[made.sae(SAE, 16)])
    add(store, **rows_of(EARLIER, 1, 0.25))
    add(store, **rows_of(LAST, 2, 0.75))
    add(store, probe=[{**made.probe("s", 1.0), "probe_id": NOTHING_CLAIMED, "created": made.NOW + timedelta(hours=3)}])
    return store


@pytest.mark.slow
def test_every_screen_shows_the_last_study(twice: Store) -> None:
    of_letter: dict[str, Any] = {"sae": SAE, "letter": "s"}
    (letter,) = twice.fetch("letters", sae=SAE).dicts()
    assert (letter["probe_id"], letter["best_f1"], letter["rate"]) == (LAST, 0.75, 1.0)
    assert [row["f1"] for row in twice.fetch("letter_latents", **of_letter).dicts()] == [0.75]
    shown = twice.fetch("letter_words", **of_letter, latent=MAIN).dicts()
    assert [(row["surface"], row["activation"]) for row in shown] == [(" s0", 0), (" s1", 0.75)]
    (letter,) = twice.fetch("absorption_letters", sae=SAE).dicts()
    assert (letter["probe_id"], letter["rate"]) == (LAST, 1.0)
    assert [row["verdict"] for row in twice.fetch("absorption_cases", **of_letter).dicts()] == ["absorbed"]
    assert [row["latent"] for row in twice.fetch("absorption_evidence", **of_letter, token=" s0").dicts()] == [11, MAIN]
    assert [row["run_rate"] for row in twice.fetch("absorption_change", **of_letter).dicts()] == [1.0]
    assert [row["probe_id"] for row in twice.fetch("absorption_grid", in_view=[SAE]).dicts()] == [LAST]
    assert [row["s"] for row in twice.fetch("absorption_map", in_view=[SAE]).dicts()] == [1.0]
    assert twice.fetch("pursuit_words", **of_letter).dicts() == [{"surface": " s0", "is_missed": True}]


@pytest.mark.slow
def test_an_earlier_study_can_be_asked_for(twice: Store) -> None:
    asked: dict[str, Any] = {"sae": SAE, "letter": "s", "probe": EARLIER}
    assert [row["verdict"] for row in twice.fetch("absorption_cases", **asked).dicts()] == ["fires"]
    assert [row["f1"] for row in twice.fetch("letter_latents", **asked).dicts()] == [0.25]


@pytest.mark.slow
def test_an_sae_and_a_word_are_listed_once(twice: Store) -> None:
    assert [(row["probe_id"], row["rate"]) for row in twice.fetch("absorption_runs").dicts()] == [(LAST, 0.75)]
    assert twice.fetch("SELECT surface, verdict FROM absorption_case").rows == [(" s0", "absorbed")]
    assert [row["surface"] for row in twice.fetch("absorption_strongest", limit=9).dicts()] == [" s0"]
    evidence = twice.fetch("figure_evidence", saes=None, letter=None, token=None).dicts()
    assert [(row["verdict"], row["latent"]) for row in evidence] == [("absorbed", 11), ("absorbed", MAIN)]


@pytest.mark.slow
def test_figures_take_the_last_study(twice: Store) -> None:
    everything: dict[str, Any] = {"saes": None, "letter": None}
    assert [row["rate"] for row in twice.fetch("figure_absorption", **everything).dicts()] == [1.0]
    assert [row["n_main"] for row in twice.fetch("figure_splits", **everything).dicts()] == [[1]]
    assert [row["probe_f1"] for row in twice.fetch("figure_letter_scores", **everything).dicts()] == [[0.75]]


def test_a_set_of_probes_from_before_times_were_kept_comes_last(twice: Store) -> None:
    twice.write("UPDATE probe SET created = NULL WHERE probe_id = $probe", {"probe": LAST})
    assert twice.fetch("SELECT * FROM last_letters").rows == [(SAE, EARLIER)]


def test_the_job_that_asked_about_the_words_is_the_one_whose_rows_are_shown(twice: Store) -> None:
    asked = "SELECT probe_id FROM last_absorption"
    assert twice.fetch(asked).rows == [(LAST,)]
    assert twice.fetch("words_asked", sae=SAE).dicts() == [{"job_id": "absorption", "spec": None}]
    assert twice.fetch("words_asked", sae="none").rows == []
