"""The settings of an error study."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorSettings:
    """Which tokens count, how the fits are made, and what is measured besides them."""

    first_position: int = 0
    """Positions before it are left out of all figures."""
    test_share: float = 0.4
    """Share of the contexts that the fits do not see."""
    intercept: bool = True
    """Whether the linear map has one; the published code has none."""
    losses: bool = True
    """Whether the model is run with each SAE, to see what errors cost."""
    loss_contexts: int = 128
    """Held-out contexts on which the components of the error are put back one at a time."""
    pursuit_tokens: int | None = None
    """Held-out tokens whose codes are pursued; 0: none; None: enough for a reliable linear fit."""
    norm_baselines: bool = False
    """Whether error norms are also predicted from the activation's norm, the L0 and the token alone."""
    component_steps: int = 0
    """Training steps of the SAEs on each component of the error; 0: none are trained."""
    component_k: int = 32
    """Latents that these keep per token."""
    introduced_error: bool = False
    """Whether the decomposition is tried on activations made of each SAE's latents and known noise."""
    batch_size: int = 16
    """Contexts in one forward pass."""
    seed: int = 0
