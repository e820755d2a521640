"""The TopK step with AuxK as one would write it first: dense latents, autograd, torch's own optimiser and clipping."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from saetui.sae.training.recipe import TopKRecipe


@dataclass
class DenseTopK:
    """A TopK SAE whose decoder multiplies every latent; parameters in the published layout."""

    W_enc: Tensor
    W_dec: Tensor
    b_enc: Tensor
    b_dec: Tensor
    recipe: TopKRecipe
    dead_after: int
    silent: Tensor = field(init=False)
    adam: torch.optim.Adam = field(init=False)
    steps: int = 0

    def __post_init__(self) -> None:
        for parameter in self.parameters():
            parameter.requires_grad_()
        self.silent = torch.zeros(self.b_enc.shape[0], dtype=torch.long)
        self.adam = torch.optim.Adam(
            self.parameters(), lr=self.recipe.peak_lr, betas=self.recipe.adam_betas, eps=self.recipe.epsilon, fused=True
        )

    def parameters(self) -> list[Tensor]:
        return [self.W_enc, self.W_dec, self.b_enc, self.b_dec]

    def loss(self, x: Tensor) -> Tensor:
        """The loss on a batch; latents that fire in it are marked first."""
        pre = (x - self.b_dec) @ self.W_enc + self.b_enc
        values, indices = pre.topk(self.recipe.k, dim=1, sorted=False)
        z = torch.zeros_like(pre).scatter(1, indices, values.relu())
        error = x - (z @ self.W_dec + self.b_dec)
        with torch.no_grad():
            self.silent += x.shape[0]
            self.silent[(z > 0).any(dim=0)] = 0
            dead = (self.silent >= self.dead_after).nonzero()[:, 0]
        loss = error.square().sum(dim=1).mean()
        if not dead.numel():
            return loss
        target = error.detach()
        dead_pre = pre[:, dead]
        values, indices = dead_pre.topk(min(self.recipe.auxk_of(x.shape[1]), dead.numel()), dim=1, sorted=False)
        model = torch.zeros_like(dead_pre).scatter(1, indices, values.relu()) @ self.W_dec[dead]
        auxiliary = (target - model).square().sum() / (target - target.mean(dim=0)).square().sum()
        return loss + self.recipe.auxk_coefficient * auxiliary.nan_to_num(0.0)

    def step(self, x: Tensor) -> float:
        """One update; the loss before it."""
        self.adam.zero_grad()
        loss = self.loss(x)
        loss.backward()
        with torch.no_grad():
            gradient = self.W_dec.grad
            assert gradient is not None
            gradient -= (gradient * self.W_dec).sum(dim=1, keepdim=True) * self.W_dec
            torch.nn.utils.clip_grad_norm_(self.parameters(), self.recipe.clip_norm)
            self.adam.param_groups[0]["lr"] = self.recipe.learning_rate(self.steps)
            self.adam.step()
            self.W_dec /= self.W_dec.norm(dim=1, keepdim=True)
        self.steps += 1
        return loss.item()
