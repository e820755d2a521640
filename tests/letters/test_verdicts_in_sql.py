"""The verdicts of the store's views use the words and the thresholds of the library."""

import re
from importlib.resources import files
from typing import get_args

import pytest

from saetui.letters.absorption import MIN_COSINE, Outcome
from saetui.letters.projection import ABSORBER_COSINE, FULL_COSINE, MAX_ABSORBERS, MIN_SHARE
from saetui.letters.study import MIN_ACCURACY
from saetui.sae.base import FIRING

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


def test_the_query_of_cases_has_the_same_least_cosine() -> None:
    assert {float(number) for number in re.findall(r"largest_cosine < ([\d.e-]+)::REAL", CASES)} == {FULL_COSINE}
    assert FULL_COSINE == MIN_COSINE
