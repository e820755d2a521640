"""Sparse autoencoders: loading, saving, training, evaluation and geometry."""

from saetui.sae.base import SAE
from saetui.sae.errors import SAEError
from saetui.sae.folder import load_sae, save_sae
from saetui.sae.learner import LogRow
from saetui.sae.recipe import TopKRecipe
from saetui.sae.training import TrainedSAE, TrainingError, TrainingStep, train_saes

__all__ = [
    "SAE",
    "LogRow",
    "SAEError",
    "TopKRecipe",
    "TrainedSAE",
    "TrainingError",
    "TrainingStep",
    "load_sae",
    "save_sae",
    "train_saes",
]
