"""An error study with known numbers on the SAEs of layer 1: "narrow" and "dense" (16 latents), "wide" (64).

Two contexts of six tokens, the six words in their order; context 1 is held out. Every activation has norm 10. The two
parts of an error are orthogonal, three to four: an error of 5 has a linear part of 3 and a nonlinear one of 4. Words
that an SAE absorbs have half the error of the others: "narrow" 2.5 and 5, "wide" 2 and 4; "dense" absorbs none, 3.
"""

from pathlib import Path
from typing import Any

from saetui.jobs.kinds.absorbed_errors.spec import AbsorbedErrorsSpec
from saetui.jobs.kinds.absorbed_errors.task import compare
from store import Spool, Store
from tests.figures.made import NOW, SAES, WORDS, hook, token_id

STUDIED = ("narrow", "dense", "wide")
ERRORS = {"narrow": 5.0, "dense": 3.0, "wide": 4.0}
FLOOR = {"floor": 0.1, "scale": 0.9, "exponent": 0.5, "floor_low": 0.05, "floor_high": 0.15}
FIGURES: dict[str, dict[str, float | tuple[float, float, float] | None]] = {
    "narrow": {
        "fvu_sae": (0.32, 0.3, 0.34),
        "fvu_nonlinear": (0.2, 0.19, 0.21),
        "norm_r2_error": (0.6, 0.5, 0.7),
        "norm_r2_activation": (0.9, 0.8, 0.95),
        "baseline_r2_activation_norm": (0.3, 0.2, 0.4),
        "baseline_r2_l0": 0.05,
        "baseline_r2_token_mean": (0.4, 0.35, 0.45),
        "recovered_linear": (40.0, 35.0, 45.0),
        "recovered_nonlinear": (70.0, 65.0, 75.0),
        "norm_share_linear": 0.6,
        "norm_share_nonlinear": 0.8,
        "squared_norm_share_linear": 0.36,
        "squared_norm_share_nonlinear": 0.64,
        "breakdown_absent": 0.22,
        "breakdown_linear": 0.05,
        "breakdown_nonlinear_encoder": 0.01,
        "breakdown_nonlinear_rest": 0.04,
    },
    "dense": {"fvu_sae": (0.25, 0.24, 0.26), "fvu_nonlinear": (0.15, 0.14, 0.16), "norm_r2_error": -0.1},
    "wide": {
        "fvu_sae": (0.21, 0.2, 0.22),
        "fvu_nonlinear": (0.18, 0.17, 0.19),
        "norm_r2_error": (0.5, 0.4, 0.6),
        "recovered_linear": None,
        "recovered_nonlinear": None,
        "breakdown_absent": 0.11,
        "breakdown_linear": (-0.02, -0.05, 0.01),
        "breakdown_nonlinear_encoder": 0.02,
        "breakdown_nonlinear_rest": 0.1,
    },
}
# R² and gains of predicting the error norm of the second from that of the first.
PAIRS: dict[tuple[str, str], tuple[float, float | None, float | None, float | None]] = {
    ("narrow", "dense"): (0.8, 4.0, 1.0, 0.1),
    ("narrow", "wide"): (0.5, 3.0, 2.0, -0.1),
    ("dense", "wide"): (0.9, None, None, None),
}


# FVU, and dead latents, of the SAEs trained on the components of an error.
COMPONENTS = {
    "activation": (0.2, 0.1),
    "error": (0.4, 0.2),
    "linear": (0.3, 0.15),
    "nonlinear": (0.6, 0.5),
}
# R² of predicting the error of "narrow" and its two parts.
EARLIER = {
    "id-wide": (0.3, 0.1, 0.5),
    "id-gone": (0.1, 0.0, 0.2),
    "all": (0.4, 0.2, 0.6),
    "own": (0.2, None, -0.1),
}
# Dense and introduced deviation, share of the latents left out; the linear and the nonlinear part, put in and found.
INTRODUCED = (
    (0.0, 0.0, 0.0, (0.0, 0.0), (0.0, 0.0)),
    (0.0, 2.0, 0.0, (0.0, 0.0), (0.4, 0.4)),
    (1.0, 0.0, 0.25, (0.2, 0.1), (0.0, 0.1)),
    (2.0, 2.0, 0.25, (0.4, 0.2), (0.4, 0.6)),
)


def add_further_parts(spool: Spool) -> None:
    """What the study has measured of "narrow" on request."""
    own = {"study_id": "e", "sae_id": "id-narrow"}
    ratio = {"nonlinear_to_linear": 2.0, "nonlinear_to_linear_low": 1.5, "nonlinear_to_linear_high": 2.5}
    spool.add(
        "component_sae",
        [
            {
                **own,
                "component": component,
                "fvu": fvu,
                "fvu_low": fvu - 0.1,
                "fvu_high": fvu + 0.1,
                "dead_fraction": dead,
                "mean_square": 1.0,
                "width": 64,
                "k": 4,
                "n_tokens": 6,
                **ratio,
            }
            for component, (fvu, dead) in COMPONENTS.items()
        ],
    )
    spool.add(
        "earlier_prediction",
        [
            {
                **own,
                "source": source,
                "part": part,
                "r2": r2,
                "r2_low": None if r2 is None else r2 - 0.05,
                "r2_high": None if r2 is None else r2 + 0.05,
                "ridge": 1e-6,
                "n_train": 6,
                "n_test": 6,
            }
            for source, found in EARLIER.items()
            for part, r2 in zip(("error", "linear", "nonlinear"), found, strict=True)
        ],
    )
    spool.add(
        "introduced_error",
        [
            {
                **own,
                "dense_deviation": dense,
                "introduced_deviation": introduced,
                "removed_share": removed,
                "linear": linear[1],
                "linear_low": linear[1] - 0.01,
                "linear_high": linear[1] + 0.01,
                "nonlinear": nonlinear[1],
                "true_linear": linear[0],
                "true_nonlinear": nonlinear[0],
            }
            for dense, introduced, removed, linear, nonlinear in INTRODUCED
        ],
    )


def add_errors(spool: Spool, *, with_law: bool = True) -> None:
    """The study; ``with_law=False`` is as with too few widths for a power law."""
    study = {"study_id": "e"}
    words = [word for of_letter in WORDS.values() for word in of_letter]
    spool.add(
        "vocabulary",
        [
            {"model_id": "m", "token_id": token_id(word), "surface": word, "letter": word.strip()[0], "frequency": 2}
            for word in words
        ],
    )
    spool.add(
        "error_study",
        [
            {
                **study,
                "model_id": "m",
                "hook_name": hook(1),
                "corpus_id": "c",
                "sae_ids": [f"id-{name}" for name in STUDIED],
                "widths": [SAES[name]["width"] for name in STUDIED],
                "n_tokens": 12,
                "n_train": 6,
                "n_test": 6,
                "n_excluded": 0,
                "first_position": 0,
                "d_in": 8,
                "rank": 8,
                "variance": 100.0,
                "intercept": True,
                "clean_loss": 2.0,
                "seed": 0,
                "notes": [],
                "created": NOW,
            }
        ],
    )
    spool.add("error_figure", [_figure(f"id-{sae}", *item) for sae in STUDIED for item in _figures(sae, with_law)])
    law = FLOOR if with_law else dict.fromkeys(FLOOR)
    spool.add("width_law", [{**study, **law, "nonlinear_mean": 0.19, "nonlinear_flat": True}])
    spool.add(
        "width_norm",
        [_pair(*names, r2, gain, linear, shuffled) for names, (r2, gain, linear, shuffled) in PAIRS.items()],
    )
    spool.add(
        "error_token",
        [_token(context, place, word) for context in (0, 1) for place, word in enumerate(words)],
    )


def add_plain_study(store: Store, name: str = "plain") -> None:
    """A later error study of the same SAEs that has asked for nothing beside what every study measures."""
    copies = {
        "error_study": "SELECT * REPLACE ($name AS study_id, created + INTERVAL 1 HOUR AS created) FROM error_study",
        "error_token": "SELECT * REPLACE ($name AS study_id) FROM error_token",
        "error_figure": "SELECT * REPLACE ($name AS study_id) FROM error_figure",
    }
    for table, rows in copies.items():
        less = " AND NOT regexp_matches(figure, '^(baseline_r2|recovered)_')" if table == "error_figure" else ""
        store.write(f"INSERT INTO {table} BY NAME {rows} WHERE study_id = 'e'{less}", {"name": name})


def compare_words(root: Path, **asked: Any) -> Path:
    """Hold absorbed words of the SAEs against others, as the job does; gives back the folder of the store."""
    spec = AbsorbedErrorsSpec.model_validate({"hook_name": hook(1), **asked})
    with Store.open(root) as store:
        with Spool(store.root, "compared") as spool:
            for table, rows in compare(store, spec).items():
                spool.add(table, rows)
        report = store.commit_spool()
    assert not report.rejected, report.rejected
    return root


def _figures(sae: str, with_law: bool) -> list[tuple[str, Any]]:
    return [(name, found) for name, found in FIGURES[sae].items() if with_law or not name.startswith("breakdown")]


def _figure(sae_id: str, name: str, found: float | tuple[float, float, float] | None) -> dict[str, Any]:
    value, low, high = found if isinstance(found, tuple) else (found, None, None)
    return {"study_id": "e", "sae_id": sae_id, "figure": name, "value": value, "low": low, "high": high}


def _pair(
    smaller: str,
    larger: str,
    r2: float,
    gain: float | None,
    linear: float | None,
    shuffled: float | None,
) -> dict[str, Any]:
    return {
        "study_id": "e",
        "smaller": f"id-{smaller}",
        "larger": f"id-{larger}",
        "r2": r2,
        "r2_low": r2 - 0.02,
        "r2_high": r2 + 0.02,
        "gain": gain,
        "gain_low": None if gain is None else gain - 1.0,
        "gain_high": None if gain is None else gain + 1.0,
        "gain_linear": linear,
        "gain_shuffled": shuffled,
    }


def _token(context: int, place: int, word: str) -> dict[str, Any]:
    # The first words of letter a are those that are absorbed.
    norms = [ERRORS[name] / (2 if place < SAES[name]["absorbed"] else 1) for name in STUDIED]
    return {
        "study_id": "e",
        "context": context,
        "position": place + 1,
        "token_id": token_id(word),
        "held_out": context == 1,
        "activation_norm": 10.0,
        "clean_loss": 2.0,
        "hardness": sum(norms) / len(norms),
        "share": sum(norms) / len(norms) / 10,
        "change": norms[-1] - norms[0],
        "slope": -0.1,
        "nonlinear_share": 0.64,
        "damage": 0.1,
        "error_norm": norms,
        "linear_norm": [0.6 * norm for norm in norms],
        "nonlinear_norm": [0.8 * norm for norm in norms],
        "l0": [2, 4, 2],
        "loss": [2.1, 2.1, 2.1],
    }
