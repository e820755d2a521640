"""Sparse autoencoders: loading, saving, training, evaluation and geometry."""

from saetui.sae.base import SAE
from saetui.sae.exceptions import SAEError
from saetui.sae.formats import load_sae
from saetui.sae.formats.saelens import save_sae
from saetui.sae.training.grid import TrainedSAE, TrainingError, TrainingStep, train_saes
from saetui.sae.training.learner import LogRow
from saetui.sae.training.recipe import TopKRecipe, TrainingRecipe

__all__ = [
    "SAE",
    "LogRow",
    "SAEError",
    "TopKRecipe",
    "TrainedSAE",
    "TrainingError",
    "TrainingRecipe",
    "TrainingStep",
    "load_sae",
    "save_sae",
    "train_saes",
]
