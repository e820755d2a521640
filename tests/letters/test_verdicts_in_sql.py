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

VIEWS = (files("store.schema") / "0003_absorption_views.sql").read_text()
CASES = (files("store.queries") / "absorption_cases.sql").read_text()
# What SQL says of words that the library is never asked about: they are no candidates, or were not measured.
NO_CANDIDATE = {"found", "undefined", "not sampled"}


def test_verdicts_by_effects_are_the_outcomes_of_the_library() -> None:
    (case,) = re.findall(r"CASE\s((?:\s*WHEN [^\n]*THEN '[^\n]*)+\s*ELSE '[^']*')\s*END AS verdict", VIEWS)
    said = set(re.findall(r"(?:THEN|ELSE) '([^']*)'", case))
    assert said - NO_CANDIDATE == set(get_args(Outcome))
    assert said > NO_CANDIDATE


@pytest.mark.parametrize(
    ("pattern", "constant"),
    [
        (r"model_accuracy >= ([\d.e-]+) AS is_able", MIN_ACCURACY),
        (r"main_activation, 0\) < ([\d.e-]+) AS is_silent", FIRING),
        (r"fired\.cosine >= ([\d.e-]+) AND fired\.projection > 0", ABSORBER_COSINE),
        (r"max\(fired\.projection, (\d+)\) FILTER", MAX_ABSORBERS),
        (r"largest_cosine >= ([\d.e-]+)::REAL", FULL_COSINE),
        (r"other_projection < ([\d.e-]+) \* projection", MIN_SHARE),
        (r"largest_projection >= ([\d.e-]+) \* projection", MIN_SHARE),
    ],
)
def test_thresholds_of_the_views_are_those_of_the_library(pattern: str, constant: float) -> None:
    found = re.findall(pattern, VIEWS)
    assert found
    assert {float(number) for number in found} == {constant}


def test_thresholds_of_the_queries_are_those_of_the_library(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store", create=True) as store:
        (found,) = store.fetch("SELECT least_accuracy(), moved_f1(), least_full_cosine()").rows
    assert found == pytest.approx((MIN_ACCURACY, MOVED_F1, FULL_COSINE))
    assert FULL_COSINE == MIN_COSINE


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
