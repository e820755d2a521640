"""Whole forward passes with one activation replaced: right for every model and hook point, and slow."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.lm.language_model import LanguageModel


@dataclass
class FullPasses:
    """A tail (see ``saetui.lm.resume.tail``) that runs every context from its beginning for every row."""

    model: LanguageModel
    hook_name: str
    tokens: Int[Tensor, "context position"]
    position: int
    token_ids: Int[Tensor, " token"]

    def __post_init__(self) -> None:
        self.activations = self.model.activations(self.tokens, self.hook_name)[:, self.position]

    @property
    def positions_run(self) -> int:
        return self.tokens.shape[1]

    def logits(
        self, contexts: Int[Tensor, " row"], activations: Float[Tensor, "row width"]
    ) -> Float[Tensor, "row token"]:
        def replace(site: Float[Tensor, "row position width"]) -> Float[Tensor, "row position width"]:
            return torch.cat([site[:, : self.position], activations[:, None], site[:, self.position + 1 :]], dim=1)

        rows = self.tokens[contexts]
        return self.model.logits_with(rows, self.hook_name, replace, last=1)[:, -1, self.token_ids]
