"""The rows of an error study: itself, its figures with their intervals, and what was measured on request."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from saetui.dark_matter import Estimate, LinearErrorFit
from saetui.dark_matter.breakdown import Breakdown
from saetui.dark_matter.component_saes import ComponentSAEs
from saetui.dark_matter.components import ComponentLosses
from saetui.dark_matter.earlier_saes import EarlierPrediction
from saetui.dark_matter.introduced_error import IntroducedError
from saetui.dark_matter.scaling import WidthScaling
from saetui.dark_matter.study import ErrorFindings
from saetui.dark_matter.width_norms import WidthNorms
from saetui.jobs.kinds.errors.spec import ErrorsSpec
from saetui.jobs.kinds.errors.token_rows import token_rows
from saetui.lm import LanguageModel, TokenizedCorpus
from saetui.sae import SAE
from store.spool import Spool

Figures = dict[str, Estimate]
_BREAKDOWN = {
    "absent features": "breakdown_absent",
    "linear": "breakdown_linear",
    "encoder": "breakdown_nonlinear_encoder",
    "nonlinear": "breakdown_nonlinear_rest",
}


def spool_findings(
    spool: Spool,
    study_id: str,
    spec: ErrorsSpec,
    model: LanguageModel,
    corpus: TokenizedCorpus,
    saes: Mapping[str, SAE],
    found: ErrorFindings,
) -> None:
    """All rows of a study, but for those of its model and its corpus."""
    tokens, scaling = found.decomposition.tokens, found.scaling
    any_fit = next(iter(found.fits.values()))
    spool.add(
        "error_study",
        [
            {
                "study_id": study_id,
                "model_id": model.model_id,
                "hook_name": spec.hook_name,
                "corpus_id": corpus.corpus_id,
                "sae_ids": list(saes),
                "widths": [sae.d_sae for sae in saes.values()],
                "family": list(found.family),
                "n_tokens": len(tokens),
                "n_train": any_fit.n_train,
                "n_test": any_fit.n_test,
                "n_excluded": found.decomposition.excluded.rows,
                "first_position": spec.first_position,
                "d_in": model.site(spec.hook_name).width,
                "rank": any_fit.rank,
                "variance": found.decomposition.variance,
                "intercept": spec.intercept,
                "clean_loss": None if found.losses is None else finite(float(found.losses.clean.double().mean())),
                "seed": spec.seed,
                "notes": found.notes,
                "created": datetime.now(UTC).replace(tzinfo=None),
            }
        ],
    )
    spool.add("error_figure", figure_rows(study_id, {sae_id: sae_figures(found, sae_id) for sae_id in saes}))
    spool.add(
        "error_token",
        token_rows(study_id, list(saes), found.family, tokens, found.losses, variance=found.decomposition.variance),
    )
    spool.add("width_law", [width_law_row(study_id, scaling)])
    if found.width_norms is not None:
        spool.add("width_norm", width_norm_rows(study_id, found.width_norms))
    for table, rows in (
        ("component_sae", [component_sae_rows(*item) for item in found.component_saes.items()]),
        ("earlier_prediction", [earlier_rows(*item) for item in found.earlier.items()]),
        ("introduced_error", [introduced_rows(*item) for item in found.introduced.items()]),
    ):
        if rows:
            spool.add(table, [{"study_id": study_id, **row} for of_sae in rows for row in of_sae])
    spool.add("sae", [{"sae_id": sae_id, "linear_error_r2": fit.r2_total} for sae_id, fit in found.fits.items()])


def sae_figures(found: ErrorFindings, sae_id: str) -> Figures:
    """All figures of one SAE, by the names they have in the store."""
    figures = fit_figures(found.fits[sae_id])
    if sae_id in found.components:
        figures |= component_figures(found.components[sae_id])
    if sae_id in found.pursued:
        figures |= found.pursued[sae_id].figures
    if sae_id in found.breakdowns:
        figures |= breakdown_figures(found.breakdowns[sae_id])
    baselines = found.norm_baselines.get(sae_id, {})
    return figures | {f"baseline_r2_{predictor}": r2 for predictor, r2 in baselines.items()}


def fit_figures(fit: LinearErrorFit) -> Figures:
    """What the linear map says of one SAE."""
    figures: Figures = {str(name): estimate for name, estimate in fit.estimates.items() if name != "norm_squared_r2"}
    figures |= {f"norm_r2_{target}": estimate for target, estimate in fit.norm_r2.items()}
    figures["shrinkage_factor"] = Estimate(fit.shrinkage.factor)
    figures["shrinkage_r2"] = fit.shrinkage.r2
    figures["shrinkage_share"] = fit.shrinkage.share
    return figures


def component_figures(measured: ComponentLosses) -> Figures:
    """What each part of one SAE's error costs the model."""
    figures: Figures = {f"loss_{setting}": loss for setting, loss in measured.losses.items()}
    for part in ("linear", "nonlinear"):
        figures[f"recovered_{part}"] = measured.recovered(part)
        figures[f"squared_norm_share_{part}"] = measured.squared_norm_share[part]
        figures[f"norm_share_{part}"] = measured.norm_share[part]
    return figures


def breakdown_figures(broken: Breakdown) -> Figures:
    """The parts of one SAE's FVU."""
    return {_BREAKDOWN[name]: estimate for name, estimate in broken.parts.items()}


def figure_rows(study_id: str, figures: Mapping[str, Figures]) -> pl.DataFrame:
    """Rows of ``error_figure``."""
    rows = [
        {
            "study_id": study_id,
            "sae_id": sae_id,
            "figure": name,
            "value": finite(estimate.value),
            "low": finite(estimate.low),
            "high": finite(estimate.high),
        }
        for sae_id, of_sae in figures.items()
        for name, estimate in of_sae.items()
    ]
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(("value", "low", "high"), pl.Float64))


def width_norm_rows(study_id: str, norms: WidthNorms) -> list[dict[str, Any]]:
    """Rows of ``width_norm``."""
    return [
        {
            "study_id": study_id,
            "smaller": pair.smaller,
            "larger": pair.larger,
            **_with_interval("r2", pair.r2),
            **_with_interval("gain", pair.gain),
            **_with_interval("gain_linear", pair.gain_linear),
            **_with_interval("gain_shuffled", pair.gain_shuffled),
        }
        for pair in norms.pairs.values()
    ]


def component_sae_rows(sae_id: str, trained: ComponentSAEs) -> list[dict[str, Any]]:
    """Rows of ``component_sae``, without the study."""
    return [
        {
            "sae_id": sae_id,
            "component": component,
            **_with_interval("fvu", one.fvu),
            "dead_fraction": one.dead_fraction,
            "mean_square": one.mean_square,
            "width": one.sae.d_sae,
            "k": one.sae.k,
            "n_tokens": one.n_tokens,
            **_with_interval("nonlinear_to_linear", trained.nonlinear_to_linear),
        }
        for component, one in trained.saes.items()
    ]


def earlier_rows(sae_id: str, predicted: EarlierPrediction) -> list[dict[str, Any]]:
    """Rows of ``earlier_prediction``, without the study."""
    return [
        {
            "sae_id": sae_id,
            "source": source,
            "part": part,
            **_with_interval("r2", r2),
            "ridge": predicted.ridge[source],
            "n_train": predicted.n_train,
            "n_test": predicted.n_test,
        }
        for source, parts in predicted.r2.items()
        for part, r2 in parts.items()
    ]


def introduced_rows(sae_id: str, cells: Sequence[IntroducedError]) -> list[dict[str, Any]]:
    """Rows of ``introduced_error``, without the study."""
    return [
        {
            "sae_id": sae_id,
            "dense_deviation": cell.dense_deviation,
            "introduced_deviation": cell.introduced_deviation,
            "removed_share": cell.removed_share,
            **_with_interval("linear", cell.linear),
            **_with_interval("nonlinear", cell.nonlinear),
            "true_linear": cell.true_linear,
            "true_nonlinear": cell.true_nonlinear,
        }
        for cell in cells
    ]


def _with_interval(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {
        name: finite(estimate.value),
        f"{name}_low": finite(estimate.low),
        f"{name}_high": finite(estimate.high),
    }


def width_law_row(study_id: str, scaling: WidthScaling) -> dict[str, Any]:
    """The row of ``width_law``."""
    law, plateau = scaling.law, scaling.plateau
    return {
        "study_id": study_id,
        "floor": None if law is None else law.floor,
        "scale": None if law is None else law.scale,
        "exponent": None if law is None else law.exponent,
        "floor_low": None if law is None else law.floor_low,
        "floor_high": None if law is None else law.floor_high,
        "floor_context_low": None if law is None else finite(scaling.floor.low),
        "floor_context_high": None if law is None else finite(scaling.floor.high),
        "nonlinear_mean": finite(scaling.nonlinear.value),
        "nonlinear_low": finite(scaling.nonlinear.low),
        "nonlinear_high": finite(scaling.nonlinear.high),
        **_with_interval("nonlinear_slope", scaling.nonlinear_slope),
        "nonlinear_flat": None if plateau is None else plateau.flat,
    }


def finite(value: float | None) -> float | None:
    """The value, or None where it is not a number: the store holds no NaN."""
    return value if value is not None and math.isfinite(value) else None
