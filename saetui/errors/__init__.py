"""The error study: what an SAE leaves out, and what that costs the model (2410.14670)."""

from saetui.errors.decomposition import Decomposition, decompose_errors
from saetui.errors.downstream import DownstreamLoss, downstream_loss
from saetui.errors.error_fit import ErrorsWarning, LinearErrorFit, Shrinkage
from saetui.errors.intervals import Estimate
from saetui.errors.linear_error import fit_linear_error
from saetui.errors.losses import TokenLosses, token_losses
from saetui.errors.reconstructions import Reconstructions
from saetui.errors.split import ContextSplit, split_contexts
from saetui.errors.token_errors import SAETokenErrors, TokenErrors
from saetui.errors.token_set import ErrorBatch, Excluded, TokenSet, require_same_tokens

__all__ = [
    "ContextSplit",
    "Decomposition",
    "DownstreamLoss",
    "ErrorBatch",
    "ErrorsWarning",
    "Estimate",
    "Excluded",
    "LinearErrorFit",
    "Reconstructions",
    "SAETokenErrors",
    "Shrinkage",
    "TokenErrors",
    "TokenLosses",
    "TokenSet",
    "decompose_errors",
    "downstream_loss",
    "fit_linear_error",
    "require_same_tokens",
    "split_contexts",
    "token_losses",
]
