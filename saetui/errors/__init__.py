"""The error study: what an SAE leaves out, and what that costs the model (2410.14670)."""

from saetui.errors.downstream import DownstreamLoss, downstream_loss

__all__ = ["DownstreamLoss", "downstream_loss"]
