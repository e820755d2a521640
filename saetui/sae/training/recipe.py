"""How an SAE is trained: every setting, with the defaults that hold at any size."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from saetui.sae.architectures import find_architecture
from saetui.sae.base import SAE
from saetui.sae.exceptions import SAEError

# Learning rate 2e-4 at a width of 2^14, falling with the square root of the width (2406.04093 App. A.3).
_REFERENCE_LR, _REFERENCE_WIDTH = 2e-4, 1 << 14
_DEAD_TOKENS, _DEAD_SHARE = 10_000_000, 0.05


@dataclass(frozen=True, kw_only=True)
class TrainingRecipe:
    """One SAE to train; None asks for the default that its docstring names."""

    width: int
    k: int | None = None
    """Latents kept per token, where the architecture has such a number."""
    steps: int
    """Batches it is trained on."""
    architecture: str = "topk"
    settings: Mapping[str, float] = field(default_factory=dict)
    """Of the architecture's training loss; what is left out has its default."""
    seed: int = 0
    hook_name: str | None = None
    model_name: str | None = None
    name: str | None = None
    """What messages call it; default ``w<width>-k<k>``, without k ``<architecture>-w<width>``."""
    lr: float | None = None
    """Peak learning rate; default: that of the architecture, or else 2e-4 / sqrt(width / 2^14)."""
    warm_up_steps: int | None = None
    """Default: 1000, at most a tenth of the steps."""
    decay_share: float = 0.2
    """Last share of the steps, over which the learning rate falls to 0."""
    betas: tuple[float, float] | None = None
    """Adam's; default: those of the architecture."""
    epsilon: float = 6.25e-10
    clip_norm: float = 1.0
    auxk: int | None = None
    """Dead latents that model the error, per token; default: half of d_in, at most 512; 0 switches AuxK off."""
    auxk_coefficient: float = 1 / 32
    dead_tokens: int | None = None
    """Tokens without firing after which a latent is dead; default: 5% of all, at most 10M."""
    b_dec_init: Literal["median", "mean", "zero"] = "median"
    """Of the first 32k tokens; the median is the geometric one."""
    normalize: Literal["none", "mean_square"] = "mean_square"
    """``mean_square`` trains at a mean squared norm of 1 and is folded into the biases at the end."""

    def __post_init__(self) -> None:
        for name, least in (
            ("width", 1),
            ("k", 1),
            ("steps", 1),
            ("auxk", 0),
            ("warm_up_steps", 0),
            ("dead_tokens", 1),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise SAEError(f"recipe {self.title}: {name} is {value}; it must be at least {least}")
        if self.k is not None and not self.sae_class.keeps_k:
            raise SAEError(
                f"recipe {self.title}: k is {self.k}, but {self.architecture} keeps no number of latents; leave k out"
            )
        unknown = sorted(set(self.settings) - set(self.sae_class.training_settings))
        if unknown:
            known = ", ".join(self.sae_class.training_settings) or "none"
            raise SAEError(f"recipe {self.title}: {self.architecture} has no setting {unknown[0]!r}; it has: {known}")
        # An architecture that needs what the recipe lacks says so before anything is read.
        self.sae_class.training_arguments(self)
        if self.k is not None and self.k > self.width:
            raise SAEError(f"recipe {self.title}: k is {self.k}, but the width only {self.width}; lower k")
        if self.lr is not None and not 0 < self.lr < float("inf"):
            raise SAEError(f"recipe {self.title}: lr is {self.lr}; it must be above 0")
        if not 0 <= self.decay_share <= 1:
            raise SAEError(f"recipe {self.title}: decay_share is {self.decay_share}; it must lie between 0 and 1")

    @property
    def title(self) -> str:
        own = f"{self.architecture}-w{self.width}" if self.k is None else f"w{self.width}-k{self.k}"
        return self.name or own

    @property
    def sae_class(self) -> type[SAE]:
        return find_architecture(self.architecture)

    @property
    def selected(self) -> int:
        """Latents kept per token; SAEError where the recipe has no k, as its architecture needs."""
        if self.k is None:
            raise SAEError(f"recipe {self.title}: k is missing; {self.architecture} needs the latents kept per token")
        return self.k

    def setting(self, name: str) -> float:
        return self.settings.get(name, self.sae_class.training_settings[name])

    @property
    def peak_lr(self) -> float:
        by_width = _REFERENCE_LR / (self.width / _REFERENCE_WIDTH) ** 0.5
        return self.lr or self.sae_class.learning_rate or by_width

    @property
    def adam_betas(self) -> tuple[float, float]:
        return self.betas or self.sae_class.betas

    @property
    def warm_up(self) -> int:
        return self.warm_up_steps if self.warm_up_steps is not None else min(1000, self.steps // 10)

    def auxk_of(self, d_in: int) -> int:
        return self.auxk if self.auxk is not None else min(512, max(1, d_in // 2))

    def dead_after(self, batch_tokens: int) -> int:
        """The dead-latent window in tokens."""
        if self.dead_tokens is not None:
            return self.dead_tokens
        return max(1, min(_DEAD_TOKENS, int(_DEAD_SHARE * self.steps * batch_tokens)))

    def learning_rate(self, step: int) -> float:
        """The learning rate of update ``step`` (0-based): linear warm-up, constant, linear decay."""
        rise = (step + 1) / self.warm_up if self.warm_up else 1.0
        decay_steps = self.decay_share * self.steps
        fall = (self.steps - step) / decay_steps if decay_steps >= 1 else 1.0
        return self.peak_lr * min(1.0, rise, fall)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"betas": self.adam_betas}


@dataclass(frozen=True, kw_only=True)
class TopKRecipe(TrainingRecipe):
    """One TopK SAE to train."""

    k: int
