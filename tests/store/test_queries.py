"""Each named query gives the answer that its comment promises, on a study with known answers."""

import re
from datetime import timedelta
from typing import Any

import pytest

from store import QueryError, Spool, Store
from store.queries import query_names
from tests.store import conftest as made

# A value for every parameter of every query.
VALUES: dict[str, Any] = {
    "sae": "narrow",
    "letter": "s",
    "latent": 7,
    "context": 1,
    "position": 2,
    "in_view": ["narrow"],
    "token": " short",
    "saes": ["narrow"],
}
NAMES = query_names()


def parameters(store: Store, name: str) -> dict[str, Any]:
    return {key: value for key, value in VALUES.items() if re.search(rf"\${key}\b", store.sql_of(name))}


@pytest.mark.parametrize("name", NAMES)
def test_every_query_says_what_it_answers_and_can_be_narrowed(study: Store, name: str) -> None:
    params = parameters(study, name)
    assert study.sql_of(name).startswith("-- ")
    assert "?" in study.sql_of(name).partition("\nSELECT")[0]
    rows = study.fetch(name, **params)
    assert study.query(name, **params).columns == list(rows.columns)
    text = study.sql_of(name)
    assert study.fetch(f"SELECT count(*) FROM (\n{text}\n)", **params).rows == [(len(rows),)]
    last = study.fetch(f"SELECT * FROM (\n{text}\n) ORDER BY #1 DESC LIMIT 1", **params)
    assert last.columns == rows.columns
    assert len(last) == min(1, len(rows))


@pytest.mark.parametrize("name", NAMES)
def test_every_query_answers_on_an_empty_store(store: Store, name: str) -> None:
    assert store.fetch(name, **parameters(store, name)).rows == []


def test_saes_are_listed_with_their_figures(study: Store) -> None:
    found = study.query("saes").select("name", "model", "width", "fvu", "mean_letter_f1").rows()
    assert found == [
        ("narrow-k4", "speller", 8, 1 / 8, pytest.approx(0.9)),
        ("wide-k4", "speller", 16, 1 / 16, None),
    ]


def test_each_letter_has_its_probe_and_best_latent(study: Store) -> None:
    columns = [
        "letter",
        "probe_f1",
        "best_f1",
        "best_latent",
        "n_main",
        "n_words",
        "n_found",
        "n_missed",
        "n_false_alarms",
    ]
    assert study.query("letters", sae="narrow").select(columns).rows() == [
        ("c", 0.75, 1.0, 2, 1, 3, 1, 2, 0),
        ("s", 0.98, 0.8, 7, 1, 3, 2, 1, 1),
    ]
    assert study.fetch("letters", sae="wide").rows == []


def test_letter_latents_are_listed_best_first(study: Store) -> None:
    found = study.query("letter_latents", sae="narrow", letter="s").select(
        "rank", "latent", "f1", "density", "is_main", "top_token"
    )
    assert found.rows() == [(1, 7, 0.8, 0.07, True, " top7"), (2, 3, 0.3, 0.03, False, " top3")]
    assert study.fetch("letter_latents", sae="narrow", letter="s", probe="other").rows == []


def test_letter_words_missed_first_then_found_then_false_alarms(study: Store) -> None:
    found = study.query("letter_words", sae="narrow", letter="s", latent=7).select(
        "surface", "activation", "verdict", "frequency"
    )
    assert found.rows() == [
        (" set", 0.0, "missed", 40),
        (" short", 3.5, "found", 0),
        (" self", 2.5, "found", 10),
        (" cat", 0.5, "false alarm", 30),
    ]


def test_letter_words_of_a_later_page(study: Store) -> None:
    page = study.fetch("letter_words", sae="narrow", letter="s", latent=7, limit=2, offset=1)
    assert page.column("surface") == [" short", " self"]


def test_a_latent_card_has_statistics_tokens_and_letters(study: Store) -> None:
    (card,) = study.fetch("latent_card", sae="narrow", latent=7).dicts()
    assert card["sae"] == "narrow-k4"
    assert card["histogram"] == [1, 7]
    assert card["top_tokens"] == [" top7", " x"]
    assert card["top_token"] == " top7"
    assert card["promoted"] == " P7"
    (claim,) = card["letters"]
    assert (claim["letter"], claim["f1"], claim["rank"], claim["is_main"]) == ("s", 0.8, 1, True)
    assert card["n_notes"] == 0


def test_latent_top_activations_strongest_first_with_what_is_around(study: Store) -> None:
    rows = study.fetch("latent_top_activations", sae="narrow", latent=7, limit=3).dicts()
    assert [(row["rank"], row["activation"], row["context"], row["position"]) for row in rows] == [
        (1, 3.0, 2, 5),
        (2, 2.0, 1, 6),
        (3, 1.5, 2, 6),
    ]
    assert rows[0]["first_position"] == 1
    assert rows[0]["tokens"] == [" the", " cat", " set", "\n", " short", " self"]
    assert rows[0]["activations"] == [0, 0, 0, 0, 3.0, 1.5]


def test_latent_top_activations_of_a_later_page_keep_their_rank(study: Store) -> None:
    (row,) = study.fetch("latent_top_activations", sae="narrow", latent=7, limit=1, offset=2).dicts()
    assert (row["rank"], row["activation"]) == (3, 1.5)


def test_a_window_of_tokens_reaches_eight_to_either_side(store: Store) -> None:

    with Spool(store.root, "job") as spool:
        spool.add("sae", [{**made.sae("narrow", 8)}])
        spool.add("corpus", [{**made.corpus(), "context_length": 64}])
        spool.add("token", [{"corpus_id": "c", "context": 0, "position": p, "token_id": p} for p in range(64)])
        spool.add("latent_activation", [{**made.at("narrow", 0, 30), "latent": 7, "activation": 1.0}])
    store.commit_spool()
    (row,) = store.fetch("latent_top_activations", sae="narrow", latent=7).dicts()
    assert row["first_position"] == 22
    assert row["tokens"] == [f"#{p}" for p in range(22, 39)]
    assert row["activations"].index(1.0) == 8


def test_latent_neighbours_own_sae_first(study: Store) -> None:
    found = study.query("latent_neighbours", sae="narrow", latent=7).select("sae", "latent", "cosine", "top_token")
    assert found.rows() == [
        ("narrow-k4", 2, 0.5, " top2"),
        ("wide-k4", 11, pytest.approx(0.9), " top11"),
        ("wide-k4", 3, pytest.approx(0.4), " top3"),
    ]


def test_tokens_of_a_context_have_activation_error_and_letter(study: Store) -> None:
    found = study.query("context_tokens", sae="narrow", context=1, latent=7)
    assert found.select("position", "surface", "activation", "error_norm", "letter").rows() == [
        (1, " self", 1.0, 1.0, "s"),
        (2, " the", 0.0, 2.0, "t"),
        (3, " cat", 0.0, 3.0, "c"),
        (4, " set", 0.0, 4.0, "s"),
        (5, "\n", 0.0, 5.0, None),
        (6, " short", 2.0, 0.0, "s"),
    ]
    silent = study.query("context_tokens", sae="narrow", context=1, latent=None)
    assert silent["activation"].to_list() == [0.0] * 6


def test_token_latents_are_those_that_fire_on_the_token(study: Store) -> None:
    found = study.query("token_latents", sae="narrow", context=1, position=6)
    assert found.select("latent", "activation", "top_token", "promotes", "letters").rows() == [
        (7, 2.0, " top7", " P7", ["s"])
    ]
    assert study.fetch("token_latents", sae="narrow", context=1, position=5).rows == []


def test_latents_are_listed_with_the_letter_they_claim(study: Store) -> None:
    found = study.query("latents", sae="narrow")
    assert found["latent"].to_list() == list(range(8))
    assert found.row(7, named=True)["letter"] == "s"
    assert found.row(6, named=True)["letter"] is None


def test_job_history_latest_first(store: Store) -> None:
    ran = {"kind": "train", "title": "t", "device": "cpu", "spec": "{}", "content_hash": "h"}
    with Spool(store.root, "any") as spool:
        end = made.NOW + timedelta(seconds=90)
        spool.add(
            "job", [{**ran, "job_id": "j1", "state": "done", "created": made.NOW, "started": made.NOW, "ended": end}]
        )
        later = made.NOW + timedelta(days=1)
        spool.add("job", [{**ran, "job_id": "j2", "state": "failed", "created": later, "message": "no room"}])
    store.commit_spool()
    found = store.query("job_history").select("job_id", "seconds", "message")
    assert found.rows() == [("j2", None, "no room"), ("j1", 90, None)]


def test_notes_say_what_they_are_about(store: Store) -> None:
    note = {"created": made.NOW, "changed": made.NOW}
    with Spool(store.root, "any") as spool:
        spool.add("sae", [made.sae("narrow", 8)])
        spool.add(
            "note", [{**note, "note_id": "1", "subject": "latent", "sae_id": "narrow", "latent": 412, "text": "?"}]
        )
        spool.add("note", [{**note, "note_id": "2", "subject": "letter", "letter": "s", "text": "see below"}])
    store.commit_spool()
    assert store.query("notes").select("about", "text").sort("about").rows() == [
        ("narrow-k4/412", "?"),
        ("s", "see below"),
    ]


def test_views_give_what_was_spooled(study: Store) -> None:
    where = "sae_id = 'narrow' AND context = 1"
    found = study.fetch(f"SELECT position, latent, activation FROM latent_activation WHERE {where} ORDER BY ALL")
    assert found.rows == [(1, 7, 1.0), (3, 2, 0.5), (6, 7, 2.0)]
    index = study.fetch(f"SELECT position, latents FROM token_latent WHERE {where} ORDER BY ALL")
    assert index.rows == [(1, [7]), (3, [2]), (6, [7])]
    tokens = study.fetch("SELECT position, token_id FROM token WHERE context = 2 ORDER BY ALL")
    assert tokens.rows == [(1, 2), (2, 3), (3, 4), (4, 5), (5, 0), (6, 1)]


def test_an_unknown_query_names_the_nearest(study: Store) -> None:
    with pytest.raises(QueryError, match="there is no query 'letter_latent'; the nearest are letter_latents"):
        study.fetch("letter_latent")
