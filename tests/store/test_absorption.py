"""Verdicts on absorption are those worked out by hand, at the run's thresholds and at others."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from store import Store
from tests.store import conftest as made
from tests.store.absorption_rows import MAIN, PROBE, SAE, add, effects, fired, judged, run, sparse_probe, words

ONE_MAIN = [0.8, 0.82]


def study(store: Store, **tables: list[dict[str, Any]]) -> Store:
    """A store with an SAE, a probe for s, and a study of it with one main latent."""
    rows: dict[str, list[dict[str, Any]]] = {
        "model": [made.model()],
        "corpus": [made.corpus()],
        "sae": [made.sae(SAE, 16)],
        "probe": [made.probe("s", 0.98)],
        "word": words("s", 20),
        "absorption_run": [run()],
        "sparse_probe": sparse_probe("s", ONE_MAIN),
    }
    add(store, **(rows | tables))
    return store


def verdicts(store: Store, **asked: Any) -> dict[str, str]:
    rows = store.fetch("absorption_cases", sae=SAE, letter="s", **asked).dicts()
    return {row["surface"].strip(): row["verdict"] for row in rows}


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ({11: (-1.5, 0.1), 12: (-0.4, 0.1)}, "absorbed"),
        # The second latent helps: it takes nothing from the lead of the first.
        ({11: (-1.0, 0.1), 12: (0.5, 0.1)}, "absorbed"),
        ({11: (-1.0, 0.1)}, "absorbed"),
        ({11: (-0.999, 0.1)}, "no lead"),
        ({11: (-1.5, 0.1), 12: (-0.501, 0.9)}, "no lead"),
        ({11: (-1.5, 0.025)}, "absorbed"),
        ({11: (-1.5, 0.0249)}, "not aligned"),
        ({11: (-1.5, -0.8), 12: (-0.1, 0.9)}, "not aligned"),
        ({11: (0.2, 0.5), 12: (0.3, 0.5)}, "helps"),
        ({}, "helps"),
    ],
)
def test_the_verdict_by_effects(store: Store, found: Mapping[int, tuple[float, float]], verdict: str) -> None:
    study(store, absorption_word=[judged("s", 0)], absorption_latent=effects("s", 0, found))
    assert verdicts(store) == {"s0": verdict}


@pytest.mark.parametrize(
    ("columns", "activation", "verdict"),
    [
        ({}, 0.5, "fires"),
        ({}, 1e-9, "absorbed"),
        ({"sparse_logits": [0.1, -1.0]}, 0.0, "found"),
        ({"sparse_logits": [0.0, 1.0]}, 0.0, "absorbed"),
        ({"attributed": False}, 0.0, "not sampled"),
    ],
)
def test_only_words_that_the_main_latents_miss_are_candidates(
    store: Store, columns: dict[str, Any], activation: float, verdict: str
) -> None:
    main = [fired("s", 0, MAIN, activation=activation, place=1, effect=0.0)] if activation else []
    study(
        store,
        absorption_word=[judged("s", 0, **columns)],
        absorption_latent=[*main, *effects("s", 0, {11: (-2.0, 0.5)})],
    )
    assert verdicts(store) == {"s0": verdict}


@pytest.mark.parametrize(
    ("f1", "tau", "steps"),
    [
        ([0.60, 0.68, 0.70, 0.90], None, ["main", "main", "stop", "after"]),
        ([0.60, 0.68, 0.70, 0.90], 0.01, ["main"] * 4),
        ([0.9, 0.92, 0.93, 0.93], None, ["main", "stop", "after", "after"]),
    ],
)
def test_the_walk_to_the_main_latents_stops_at_the_first_that_adds_too_little(
    store: Store, f1: list[float], tau: float | None, steps: list[str]
) -> None:
    study(store, sparse_probe=sparse_probe("s", f1))
    rows = store.fetch("main_latents", sae=SAE, letter="s", tau=tau).dicts()
    assert [row["step"] for row in rows] == steps
    assert [row["latent"] for row in rows] == [7, 3, 2, 5]
    assert {row["n_main"] for row in rows} == {steps.count("main")}
    assert {row["tau"] for row in rows} == {0.03 if tau is None else tau}
    assert [row["gain"] for row in rows][1:] == pytest.approx([b - a for a, b in pairwise(f1)])
    assert rows[0]["gain"] is None


def test_thresholds_change_verdicts_at_once(store: Store) -> None:
    latents = [*effects("s", 0, {11: (-0.9, 0.02)}), *effects("s", 1, {11: (-1.4, 0.3)})]
    study(store, absorption_word=[judged("s", 0), judged("s", 1)], absorption_latent=latents)
    assert verdicts(store) == {"s0": "no lead", "s1": "absorbed"}
    assert verdicts(store, lead=0.8) == {"s0": "not aligned", "s1": "absorbed"}
    assert verdicts(store, lead=0.8, min_cosine=0.0) == {"s0": "absorbed", "s1": "absorbed"}
    assert verdicts(store, lead=1.5) == {"s0": "no lead", "s1": "no lead"}
    assert verdicts(store, min_cosine=0.3) == {"s0": "no lead", "s1": "absorbed"}


@pytest.mark.parametrize(
    ("f1", "tau", "n_main"),
    [
        ([0.60, 0.68, 0.70, 0.90], None, 2),
        ([0.9, 0.92], None, 1),
        ([0.5, 0.56, 0.62], None, 3),
        ([0.9], None, 1),
        ([0.60, 0.68, 0.70, 0.90], 0.01, 4),
        ([0.60, 0.68, 0.70, 0.90], 0.1, 1),
    ],
)
def test_main_latents_end_with_the_first_small_step(
    store: Store, f1: list[float], tau: float | None, n_main: int
) -> None:
    study(store, sparse_probe=sparse_probe("s", f1), absorption_word=[judged("s", 0)])
    (row,) = store.fetch("absorption_letters", sae=SAE, tau=tau).dicts()
    assert row["n_main"] == n_main
    assert row["main_latents"] == [7, 3, 2, 5][:n_main]


def test_another_tau_brings_other_main_latents(store: Store) -> None:
    """Latent 3 fires on the word; it is main only where an F1 gain of 0.02 is enough."""
    word = judged("s", 0, sparse_logits=[-1.0, -0.5])
    latents = [fired("s", 0, 3, place=2, effect=-2.0, cosine=0.4)]
    study(store, absorption_word=[word], absorption_latent=latents)
    assert verdicts(store) == {"s0": "absorbed"}
    assert verdicts(store, tau=0.01) == {"s0": "fires"}


def test_the_rate_is_of_all_words_that_the_probe_gets_right(store: Store) -> None:
    latents = [fired("s", i, MAIN, place=1) for i in range(2, 10)]
    latents += effects("s", 0, {11: (-2.0, 0.5)}) + effects("s", 1, {11: (-0.5, 0.5)})
    study(store, absorption_word=[judged("s", i) for i in range(10)], absorption_latent=latents)
    (row,) = store.fetch("absorption_letters", sae=SAE).dicts()
    counts = {"n_probe": 10, "n_candidates": 2, "n_sampled": 2, "n_absorbed": 1}
    assert {name: row[name] for name in counts} == counts
    assert row["rate"] == pytest.approx(0.1)


def test_a_sample_stands_for_all_candidates(store: Store) -> None:
    """Ten candidates of twenty words, the first five of the draw judged, three of them absorbed: 6 of 20."""
    latents = [fired("s", i, MAIN, place=1) for i in range(10, 20)]
    for i in range(10):
        latents += effects("s", i, {11: (-2.0 if i < 3 or i > 5 else -0.1, 0.5)})
    study(
        store,
        absorption_run=[run(max_words=5)],
        absorption_word=[judged("s", i) for i in range(20)],
        absorption_latent=latents,
    )
    (row,) = store.fetch("absorption_letters", sae=SAE).dicts()
    assert (row["n_candidates"], row["n_sampled"], row["n_absorbed"]) == (10, 5, 3)
    assert row["rate"] == pytest.approx(6 / 20)
    found = verdicts(store)
    assert [found[f"s{i}"] for i in range(10)] == ["absorbed"] * 3 + ["no lead"] * 2 + ["not sampled"] * 5


def test_a_word_on_which_no_sparse_probe_said_no_is_no_candidate(store: Store) -> None:
    """Two words that another latent took over; on one of them the probe of so many latents was not asked."""
    study(
        store,
        absorption_word=[judged("s", 0), judged("s", 1, sparse_logits=[])],
        absorption_latent=[row for i in range(2) for row in effects("s", i, {11: (-2.0, 0.5)})],
    )
    assert verdicts(store) == {"s0": "absorbed", "s1": "not sampled"}
    (row,) = store.fetch("absorption_letters", sae=SAE).dicts()
    assert (row["n_probe"], row["n_candidates"], row["n_absorbed"], row["rate"]) == (2, 1, 1, 0.5)
    cases = {
        row["surface"]: row["is_candidate"] for row in store.fetch("absorption_cases", sae=SAE, letter="s").dicts()
    }
    assert cases == {" s0": True, " s1": False}


def test_a_letter_without_candidates_counts_as_nothing_absorbed(store: Store) -> None:
    add(store, probe=[made.probe("c", 0.9), {**made.probe("d", 0.5), "usable": False}])
    letters = [("s", 0, True), ("c", 1, False), ("d", 2, True)]
    latents = [row for letter, i, _ in letters for row in effects(letter, i, {11: (-2.0, 0.5)})]
    latents += [fired(letter, i, MAIN, place=1) for letter, i, absorbed in letters if not absorbed]
    study(
        store,
        word=words("s", 1) + words("c", 1, first=1) + words("d", 1, first=2),
        sparse_probe=[row for letter, _, _ in letters for row in sparse_probe(letter, ONE_MAIN)],
        absorption_word=[judged(letter, i) for letter, i, _ in letters],
        absorption_latent=latents,
    )
    rates = {row["letter"]: row["rate"] for row in store.fetch("absorption_letters", sae=SAE).dicts()}
    assert rates == {"s": 1.0, "c": 0.0, "d": 1.0}
    # d is not usable, so it does not count for the SAE.
    (row,) = store.fetch("absorption_map", in_view=[SAE]).dicts()
    assert (row["sae"], row["mean"], row["s"], row["c"], row["d"], row["q"]) == ("narrow-k4", 0.5, 1.0, 0.0, 1.0, None)
    grid = store.query("absorption_grid", in_view=[SAE]).select("sae", "letter", "rate", "usable").rows()
    assert grid == [("narrow-k4", "c", 0.0, True), ("narrow-k4", "d", 1.0, False), ("narrow-k4", "s", 1.0, True)]


def test_a_model_that_cannot_name_letters_has_no_rate(store: Store) -> None:
    study(
        store,
        absorption_run=[run(model_accuracy=0.49)],
        absorption_word=[judged("s", 0)],
        absorption_latent=effects("s", 0, {11: (-2.0, 0.5)}),
    )
    assert verdicts(store) == {"s0": "undefined"}
    (row,) = store.fetch("absorption_letters", sae=SAE).dicts()
    assert (row["rate"], row["is_able"]) == (None, False)


@pytest.mark.parametrize(
    ("main", "others", "fraction", "verdict"),
    [
        (0.3, [0.5], 0.625, "partly"),
        (0.3, [0.39], 0.0, "fires"),
        (0.0, [0.5], 1.0, "absorbed"),
        (1.2, [0.9], 0.0, "fires"),
        (0.8, [0.6], 0.2, "partly"),
        # The three largest only, and none of those that point away.
        (0.5, [0.15, 0.14, 0.13, 0.12], 0.42 / 0.92, "partly"),
        (0.0, [0.3, 0.2], 1.0, "partly"),
        (0.0, [0.2], 0.0, "small share"),
    ],
)
def test_the_fraction_by_projection(
    store: Store, main: float, others: list[float], fraction: float, verdict: str
) -> None:
    latents = [fired("s", 0, 10 + i, projection=p, cosine=0.5) for i, p in enumerate(others)]
    latents.append(fired("s", 0, 15, projection=9.0, cosine=0.099))
    if main:
        latents.append(fired("s", 0, MAIN, projection=main, cosine=0.9, place=1))
    else:
        latents.pop()
    study(store, absorption_word=[judged("s", 0)], absorption_latent=latents)
    (row,) = store.fetch("absorption_cases", sae=SAE, letter="s", metric="projection").dicts()
    assert row["fraction"] == pytest.approx(fraction, abs=1e-6)
    assert row["verdict"] == verdict
    (letter,) = store.fetch("absorption_letters", sae=SAE).dicts()
    assert letter["mean_fraction"] == pytest.approx(fraction, abs=1e-6)
    assert letter["full_rate"] == (verdict == "absorbed")


def test_a_word_that_points_away_from_the_probe_is_not_absorbed(store: Store) -> None:
    latents = [fired("s", 0, 11, projection=0.5)]
    study(store, absorption_word=[judged("s", 0, projection=-0.1)], absorption_latent=latents)
    (row,) = store.fetch("absorption_cases", sae=SAE, letter="s", metric="projection").dicts()
    assert (row["fraction"], row["is_full"]) == (0.0, False)


def exact_case(store: Store) -> Store:
    latents = [
        fired("s", 0, 11, effect=-3.2, cosine=0.12, projection=0.9, activation=2.0),
        fired("s", 0, 12, effect=-0.4, cosine=0.3, projection=0.05),
        fired("s", 0, 13, effect=0.25, cosine=-0.1, projection=-0.02),
    ]
    removed = {"sae_id": SAE, "probe_id": PROBE, "token_id": 0, "latent": 11}
    return study(
        store,
        latent=[made.latent(SAE, i) for i in range(16)],
        absorption_word=[judged("s", 0)],
        absorption_latent=latents,
        ablation=[{**removed, "effect": -6.5, "margin": 2.5, "answer": "l"}],
    )


def test_a_case_names_the_absorber_and_what_the_model_says_without_it(store: Store) -> None:
    (row,) = exact_case(store).fetch("absorption_cases", sae=SAE, letter="s").dicts()
    shown = (
        "absorber",
        "absorber_token",
        "exact_effect",
        "answer_without",
        "margin",
        "margin_without",
        "lead_over_second",
    )
    assert [row[name] for name in shown] == [11, " top11", -6.5, "l", 9.0, 2.5, pytest.approx(2.8)]
    assert (row["main_activation"], row["other_share"]) == (0.0, pytest.approx(0.95))


def test_evidence_lists_the_absorber_the_silent_main_latents_and_all_that_fire(store: Store) -> None:
    rows = exact_case(store).fetch("absorption_evidence", sae=SAE, letter="s", token=" s0").dicts()
    seen = [(r["latent"], r["role"], r["activation"], r["effect"], r["exact_effect"]) for r in rows]
    assert seen == [
        (11, "absorber", 2.0, pytest.approx(-3.2), -6.5),
        (7, "main", 0.0, 0.0, 0.0),
        (12, None, 1.0, pytest.approx(-0.4), None),
        (13, None, 1.0, 0.25, None),
    ]
    assert rows[0]["share"] == pytest.approx(0.9)
    assert [r["answer_without"] for r in rows] == ["l", None, None, None]
    assert store.fetch("absorption_evidence", sae=SAE, letter="c", token=" s0").rows == []


def test_what_other_thresholds_change(store: Store) -> None:
    latents = [*effects("s", 0, {11: (-0.9, 0.5)}), *effects("s", 1, {11: (-1.4, 0.3)})]
    study(store, absorption_word=[judged("s", i) for i in range(2)], absorption_latent=latents)
    shown = ("run_lead", "lead", "run_letter_rate", "letter_rate", "run_rate", "rate")
    (row,) = store.fetch("absorption_change", sae=SAE, letter="s", lead=0.8).dicts()
    assert [row[name] for name in shown] == [1.0, 0.8, 0.5, 1.0, 0.5, 1.0]
    (row,) = store.fetch("absorption_change", sae=SAE, letter="s").dicts()
    assert [row[name] for name in shown] == [1.0, 1.0, 0.5, 0.5, 0.5, 0.5]


def test_occurrences_show_what_fires_around_the_word(store: Store) -> None:
    """Context c reads " s0" at c + 1; the absorber fires on the one in context 1, the main latent on none."""
    exact_case(store)
    where = {"sae_id": SAE, "corpus_id": "c"}
    add(
        store,
        vocabulary=[
            {"model_id": "m", "token_id": i, "surface": f" s{i}", "letter": "s", "frequency": 3} for i in range(3)
        ],
        token=[
            {"corpus_id": "c", "context": c, "position": p, "token_id": (p - 1 - c) % 6}
            for c in range(3)
            for p in range(1, 7)
        ],
        latent_activation=[
            {**where, "context": 1, "position": 2, "latent": 11, "activation": 2.0},
            {**where, "context": 0, "position": 3, "latent": 7, "activation": 1.5},
            {**where, "context": 0, "position": 3, "latent": 9, "activation": 4.0},
        ],
    )
    rows = store.fetch("absorption_occurrences", sae=SAE, letter="s", token=" s0").dicts()
    assert [(r["context"], r["position"], r["absorber_activation"]) for r in rows] == [
        (1, 2, 2.0),
        (0, 1, 0.0),
        (2, 3, 0.0),
    ]
    assert rows[1]["tokens"] == [" s0", " s1", " s2", "#3", "#4", "#5"]
    assert rows[1]["main_activations"] == [0, 0, 1.5, 0, 0, 0]
    assert rows[0]["absorber_activations"] == [0, 2.0, 0, 0, 0, 0]
    assert [r["focus"] for r in rows] == [1, 0, 2]
    assert {r["n_occurrences"] for r in rows} == {3}
    assert len(store.fetch("absorption_occurrences", sae=SAE, letter="s", token=" s0", limit=1).rows) == 1


def test_latents_active_at_an_occurrence_carry_some_of_the_probe(store: Store) -> None:
    """On " s0" latent 11 carried 0.9 with 2.0; latent 9 is listed for the letter only, latent 8 not at all."""
    exact_case(store)
    here = {"sae_id": SAE, "corpus_id": "c", "context": 1, "position": 2}
    strengths = {11: 1.0, 9: 2.0, 8: 3.0, 7: 0.5}
    add(
        store,
        token=[{"corpus_id": "c", "context": 1, "position": 2, "token_id": 0}],
        latent_activation=[
            {**here, "latent": latent, "activation": strength} for latent, strength in strengths.items()
        ],
        letter_latent=[{**made.letter_latent("s", 1, 9, f1=0.8, main=False), "cos_decoder": 0.25}],
    )
    rows = store.fetch("absorption_active", sae=SAE, letter="s", context=1, position=2).dicts()
    assert [(r["latent"], r["role"], r["projection"]) for r in rows] == [
        (9, None, 0.5),
        (11, None, pytest.approx(0.45)),
        (8, None, None),
        (7, "main", None),
    ]


def test_the_view_of_cases_is_at_the_thresholds_of_each_run(store: Store) -> None:
    study(
        store,
        absorption_run=[run(lead=0.8)],
        absorption_word=[judged("s", 0)],
        absorption_latent=effects("s", 0, {11: (-0.9, 0.5)}),
    )
    rows = store.fetch("SELECT sae, surface, letter, leading_latent, verdict FROM absorption_case").rows
    assert rows == [("narrow-k4", " s0", "s", 11, "absorbed")]
