"""A made-up error study of the small study's SAEs: some words are hard, width helps, and missed words are harder."""

import math
from datetime import datetime
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from saetui.jobs.kinds.absorbed_errors.spec import AbsorbedErrorsSpec
from saetui.jobs.kinds.absorbed_errors.task import compare
from store import Store
from store.spool import Spool
from tests.tui.store_fixture import CORPUS, HOOK_NAME, MODEL, SAES, WIDTHS, WORDS

STUDY = "errors-prose"
VARIANCE = 110.0
FIGURES = {
    "fvu_sae": lambda width: 0.06 + 0.9 * width**-0.31,
    "fvu_nonlinear": lambda width: 0.05 + 0.1 / width,
    "r2_total": lambda width: 0.75 - 0.05 * math.log2(width),
    "norm_r2_error": lambda width: 0.96 - 0.01 * math.log2(width),
    "shrinkage_factor": lambda width: 0.05,
    "shrinkage_r2": lambda width: 0.04,
    "shrinkage_share": lambda width: 0.08,
    "loss_clean": lambda width: 2.0,
    "loss_reconstructed": lambda width: 2.1 + 6 * width**-0.5,
    "loss_zeroed": lambda width: 7.9,
}
Row = dict[str, Any]


def add_error_study(root: Path) -> Path:
    """Commit the study to a store made by ``make_study``, and give its folder back."""
    with Store.open(root) as store:
        tokens = store.fetch("SELECT context, position, token_id FROM token ORDER BY context, position").rows
        missed = store.fetch("SELECT sae_id, token_id FROM absorption_case WHERE is_silent").rows
        with Spool(root, "errors") as spool:
            for table, rows in _rows(tokens, {(sae, token) for sae, token in missed}).items():
                spool.add(table, rows)
        store.commit_spool()
        with Spool(root, "compared") as spool:
            for table, rows in compare(store, AbsorbedErrorsSpec(hook_name=HOOK_NAME)).items():
                spool.add(table, rows)
        store.commit_spool()
    return root


def _rows(tokens: list[tuple[int, int, int]], missed: set[tuple[str, int]]) -> dict[str, list[Row]]:
    random = Random(7)
    pairs = [(narrow, wide) for i, narrow in enumerate(WIDTHS) for wide in WIDTHS[i + 1 :]]
    n_train = sum(context % 5 < 3 for context, _, _ in tokens)
    study = {
        "study_id": STUDY,
        "model_id": MODEL,
        "hook_name": HOOK_NAME,
        "corpus_id": CORPUS,
        "sae_ids": [SAES[width] for width in WIDTHS],
        "widths": list(WIDTHS),
        "n_tokens": len(tokens),
        "n_train": n_train,
        "n_test": len(tokens) - n_train,
        "n_excluded": 0,
        "first_position": 0,
        "d_in": 128,
        "rank": 127,
        "variance": VARIANCE,
        "intercept": True,
        "clean_loss": 2.0,
        "seed": 0,
        "notes": ["7 tokens per dimension; 20 or more make the linear map trustworthy"],
        "created": datetime(2026, 11, 20, 13, 0),
    }
    figures = [
        {"sae_id": SAES[width], "figure": name, "value": value, "low": 0.97 * value, "high": 1.03 * value}
        for name, of_width in FIGURES.items()
        for width in WIDTHS
        for value in (of_width(width),)
    ]
    norms = [
        {"smaller": SAES[narrow], "larger": SAES[wide], "r2": round(0.9 - 0.05 * math.log2(wide / narrow), 3)}
        for narrow, wide in pairs
    ]
    law = {"floor": 0.06, "scale": 0.9, "exponent": 0.31, "nonlinear_mean": 0.051, "nonlinear_flat": True}
    return {
        "error_study": [study],
        "error_token": [{"study_id": STUDY, **_token(*token, missed, random)} for token in tokens],
        "error_figure": [{"study_id": STUDY, **figure} for figure in figures],
        "width_norm": [{"study_id": STUDY, **pair, "gain": 2.5, "gain_linear": 0.9} for pair in norms],
        "width_law": [{"study_id": STUDY, **law}],
    }


def _token(context: int, position: int, token: int, missed: set[tuple[str, int]], random: Random) -> Row:
    hard = 4.0 + 3.0 * (token % 7 == 0) + 2.0 * (len(WORDS[token]) > 6)
    errors = []
    for width in WIDTHS:
        worse = 1.5 if (SAES[width], token) in missed else 1.0
        errors.append(round(hard * worse * width**-0.08 * random.uniform(0.85, 1.15), 4))
    shares = [random.uniform(0.2, 0.7) for _ in WIDTHS]
    norm = round(random.uniform(9, 12), 4)
    loss = round(random.uniform(0.5, 4), 4)
    damages = [round(0.05 * error * random.uniform(0, 1.4), 4) for error in errors]
    doublings = [math.log2(width / WIDTHS[0]) for width in WIDTHS]
    centred = [doubling - fmean(doublings) for doubling in doublings]
    slope = sum(c * math.log2(e) for c, e in zip(centred, errors, strict=True)) / sum(c * c for c in centred)
    return {
        "context": context,
        "position": position,
        "token_id": token,
        "n_equal": 1,
        "equal_to": context << 16 | position,
        "held_out": context % 5 >= 3,
        "activation_norm": norm,
        "clean_loss": loss,
        "hardness": fmean(errors),
        "share": fmean(errors) / norm,
        "change": errors[-1] - errors[0],
        "slope": slope,
        "nonlinear_share": fmean(shares),
        "damage": fmean(damages),
        "error_norm": errors,
        "linear_norm": [error * math.sqrt(1 - share) for error, share in zip(errors, shares, strict=True)],
        "nonlinear_norm": [error * math.sqrt(share) for error, share in zip(errors, shares, strict=True)],
        "l0": [4] * len(WIDTHS),
        "loss": [loss + damage for damage in damages],
    }
