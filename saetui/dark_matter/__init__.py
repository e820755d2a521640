"""The error study: what an SAE leaves out, and what that costs the model (2410.14670)."""

from saetui.dark_matter.breakdown import Breakdown, break_down
from saetui.dark_matter.component_saes import ComponentSAE, ComponentSAEs, train_component_saes
from saetui.dark_matter.components import ComponentLosses, component_losses
from saetui.dark_matter.decomposition import Decomposition, decompose_errors
from saetui.dark_matter.downstream import DownstreamLoss, downstream_loss
from saetui.dark_matter.earlier_saes import (
    EarlierBatch,
    EarlierPrediction,
    EarlierReconstructions,
    predict_from_earlier,
)
from saetui.dark_matter.error_fit import ErrorsWarning, LinearErrorFit, Shrinkage
from saetui.dark_matter.intervals import Estimate, combine
from saetui.dark_matter.introduced_error import (
    IntroducedError,
    SparseActivations,
    introduced_error_grid,
    introduced_error_of,
    latent_activations,
    random_sparse_activations,
    tracking,
)
from saetui.dark_matter.linear_error import fit_linear_error
from saetui.dark_matter.losses import TokenLosses, token_losses
from saetui.dark_matter.norm_baselines import norm_baselines
from saetui.dark_matter.reconstructions import Reconstructions
from saetui.dark_matter.scaling import Plateau, PowerLaw, WidthScaling, fit_plateau, fit_power_law, width_scaling
from saetui.dark_matter.settings import ErrorSettings
from saetui.dark_matter.split import ContextSplit, draw_contexts, split_contexts
from saetui.dark_matter.study import ErrorFindings, ErrorStudy, study_errors
from saetui.dark_matter.token_errors import SAETokenErrors, TokenErrors
from saetui.dark_matter.token_set import ErrorBatch, Excluded, TokenSet, require_same_tokens
from saetui.dark_matter.width_norms import NormPrediction, WidthNorms, width_norms

__all__ = [
    "Breakdown",
    "ComponentLosses",
    "ComponentSAE",
    "ComponentSAEs",
    "ContextSplit",
    "Decomposition",
    "DownstreamLoss",
    "EarlierBatch",
    "EarlierPrediction",
    "EarlierReconstructions",
    "ErrorBatch",
    "ErrorFindings",
    "ErrorSettings",
    "ErrorStudy",
    "ErrorsWarning",
    "Estimate",
    "Excluded",
    "IntroducedError",
    "LinearErrorFit",
    "NormPrediction",
    "Plateau",
    "PowerLaw",
    "Reconstructions",
    "SAETokenErrors",
    "Shrinkage",
    "SparseActivations",
    "TokenErrors",
    "TokenLosses",
    "TokenSet",
    "WidthNorms",
    "WidthScaling",
    "break_down",
    "combine",
    "component_losses",
    "decompose_errors",
    "downstream_loss",
    "draw_contexts",
    "fit_linear_error",
    "fit_plateau",
    "fit_power_law",
    "introduced_error_grid",
    "introduced_error_of",
    "latent_activations",
    "norm_baselines",
    "predict_from_earlier",
    "random_sparse_activations",
    "require_same_tokens",
    "split_contexts",
    "study_errors",
    "token_losses",
    "tracking",
    "train_component_saes",
    "width_norms",
    "width_scaling",
]
