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
    batch_size: int = 16
    """Contexts in one forward pass."""
    seed: int = 0
