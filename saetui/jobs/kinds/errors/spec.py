"""What the errors job is to do."""

from typing import ClassVar, Literal

from pydantic import Field

from saetui.jobs.specs import (
    BATCH,
    CORPUS,
    HOOK,
    LONGEST_NAME,
    LONGEST_PATH,
    MODEL,
    MOST_CONTEXT,
    MOST_CONTEXTS,
    MOST_LISTED,
    MOST_SEED,
    MOST_STEP,
    MOST_TOKENS,
    MOST_WIDTH,
    SAES,
    SEED,
    Spec,
)


class ErrorsSpec(Spec):
    """What the SAEs of a hook point leave out of one token set, linear and not, token by token (2410.14670)."""

    paths: ClassVar[tuple[str, ...]] = ("model", "corpus")
    later: ClassVar[tuple[str, ...]] = (
        "norm_baselines",
        "component_steps",
        "component_k",
        "earlier_saes",
        "introduced_error",
    )

    kind: Literal["errors"] = Field(default="errors", description="Errors of SAEs, token by token.")
    model: str = Field(default="embedded", min_length=1, max_length=LONGEST_PATH, description=MODEL)
    corpus: str = Field(default="stdlib", min_length=1, max_length=LONGEST_PATH, description=CORPUS)
    hook_name: str = Field(min_length=1, max_length=LONGEST_NAME, description=HOOK)
    saes: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        max_length=MOST_LISTED,
        description=f"{SAES} '*': all of the store that were trained there.",
    )
    context_length: int = Field(
        default=128, gt=1, le=MOST_CONTEXT, description="Tokens in a context, special tokens included."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, le=MOST_TOKENS, description="Tokens to read; default: the whole corpus."
    )
    first_position: int = Field(
        default=0, ge=0, lt=MOST_CONTEXT, description="Positions before it are left out of all figures."
    )
    test_share: float = Field(default=0.4, gt=0, lt=1, description="Share of the contexts that the fits do not see.")
    intercept: bool = Field(default=True, description="Whether the linear map has one; the published code has none.")
    losses: bool = Field(default=True, description="Whether the model is run with each SAE, to see what errors cost.")
    loss_contexts: int = Field(
        default=128,
        gt=0,
        le=MOST_TOKENS,
        description="Held-out contexts on which the parts of the error are put back one at a time.",
    )
    pursuit_tokens: int | None = Field(
        default=None,
        ge=0,
        le=MOST_TOKENS,
        description="Held-out tokens whose codes are pursued, for the breakdown; 0: none. Default: enough to split the "
        "errors, about 35 per dimension of the activations.",
    )
    norm_baselines: bool = Field(
        default=False,
        description="Whether error norms are also predicted from the activation's norm, the L0 and the token alone.",
    )
    component_steps: int = Field(
        default=0,
        ge=0,
        le=MOST_STEP,
        description="Training steps, of 1,024 tokens each, of an SAE on each component of the errors: the activation, "
        "the error, its linear and its nonlinear part; 0: none.",
    )
    component_k: int = Field(
        default=32, gt=0, le=MOST_WIDTH, description="Latents that an SAE of a component keeps per token."
    )
    earlier_saes: tuple[str, ...] = Field(
        default=(),
        max_length=MOST_LISTED,
        description="SAEs of earlier hook points, by id or by name, from whose outputs the errors are predicted. '*': "
        "the widest of each earlier hook point. Default: none.",
    )
    introduced_error: bool = Field(
        default=False,
        description="Whether the split of the errors is tried on activations made of each SAE's latents, to which "
        "noise of known size was added.",
    )
    batch_size: int = Field(default=16, gt=0, le=MOST_CONTEXTS, description=BATCH)
    seed: int = Field(default=0, ge=0, le=MOST_SEED, description=SEED)

    @property
    def lasts(self) -> bool:
        return super().lasts and "*" not in self.earlier_saes

    @property
    def title(self) -> str:
        return f"Errors at {self.hook_name}" if self.saes == ("*",) else f"Errors of {', '.join(self.saes)}"
