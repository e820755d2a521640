"""The verdicts of the store's views use the words and the thresholds of the library."""

import re
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from saetui.letters.absorption import MIN_COSINE, Outcome
from saetui.letters.projection import ABSORBER_COSINE, FULL_COSINE, MAX_ABSORBERS, MIN_SHARE
from saetui.letters.study import MIN_ACCURACY, MOVED_F1
from saetui.sae.base import FIRING
from store import Store
from store.queries import named_query, query_names

VIEWS = (files("store.schema") / "0010_absorption_thresholds.sql").read_text()
CASES = (files("store.queries") / "absorption_cases.sql").read_text()
# What SQL says of words that the library is never asked about: they are no candidates, or were not measured.
NO_CANDIDATE = {"found", "undefined", "not sampled"}


def test_verdicts_by_effects_are_the_outcomes_of_the_library() -> None:
    (case,) = re.findall(r"CASE\s((?:\s*WHEN [^\n]*THEN '[^\n]*)+\s*ELSE '[^']*')\s*END AS verdict", VIEWS)
    said = set(re.findall(r"(?:THEN|ELSE) '([^']*)'", case))
    assert said - NO_CANDIDATE == set(get_args(Outcome))
    assert said > NO_CANDIDATE


# The macro that has a threshold, and the library's constant of the same meaning.
THRESHOLDS = {
    "least_accuracy": MIN_ACCURACY,
    "moved_f1": MOVED_F1,
    "least_full_cosine": FULL_COSINE,
    "least_activation": FIRING,
    "least_absorber_cosine": ABSORBER_COSINE,
    "most_absorbers": MAX_ABSORBERS,
    "least_share": MIN_SHARE,
}


def test_thresholds_of_the_store_are_those_of_the_library(tmp_path: Path) -> None:
    asked = ", ".join(f"{name}()::DOUBLE" for name in THRESHOLDS)
    with Store.open(tmp_path / "store", create=True) as store:
        (found,) = store.fetch(f"SELECT {asked}").rows
    assert found == pytest.approx(tuple(THRESHOLDS.values()))
    assert FULL_COSINE == MIN_COSINE


def test_the_verdicts_have_no_threshold_of_their_own() -> None:
    text = VIEWS[VIEWS.index("CREATE OR REPLACE MACRO") :]
    code = "\n".join(line.partition("--")[0] for line in text.splitlines())
    assert {float(number) for number in re.findall(r"(?<![\w$.])\d+(?:\.\d+)?(?:e-?\d+)?\b", code)} <= {0, 1, 2}
    assert [name for name in THRESHOLDS if f"{name}()" not in code] == ["moved_f1"]


@pytest.mark.parametrize("name", query_names())
def test_no_query_has_a_threshold_of_its_own(name: str) -> None:
    compared = r"\b(model_accuracy|probe_f1_last|\w*_cosine|main_activation|\w*projection)\s*[<>]=?\s*[\d.]+"
    assert [
        found[0] for found in re.finditer(compared, named_query(name)) if not found[0].endswith((" 0", "> 0"))
    ] == []


@pytest.mark.parametrize("name", query_names())
def test_verdicts_that_queries_ask_for_are_words_of_the_library(name: str) -> None:
    asked = re.findall(r"\bverdict\s*(?:=|<>|(?:NOT )?IN)\s*(\('[^)]*'\)|'[^']*')", named_query(name))
    words = {word for text in asked for word in re.findall(r"'([^']*)'", text)}
    assert words <= {*get_args(Outcome), *NO_CANDIDATE}


def test_cases_are_listed_by_every_verdict_that_is_no_firing_latent() -> None:
    (listed,) = re.findall(r"list_position\(\s*\[([^\]]*)\],\s*verdicts\.shown_verdict", CASES)
    by_effects = {*get_args(Outcome), *NO_CANDIDATE}
    by_projection = set(re.findall(r"(?:THEN|ELSE) '([^']*)'", CASES))
    assert set(re.findall(r"'([^']*)'", listed)) == (by_effects | by_projection) - {"fires"}
