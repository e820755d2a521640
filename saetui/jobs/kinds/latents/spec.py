"""What the latents job is to do."""

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
    MOST_TOKENS,
    SAES,
    SEED,
    Spec,
)


class LatentsSpec(Spec):
    """Latent statistics, latent activations and per-token errors of SAEs on a corpus."""

    paths: ClassVar[tuple[str, ...]] = ("model", "corpus")

    kind: Literal["latents"] = Field(default="latents", description="Latent statistics and activations.")
    model: str = Field(default="embedded", min_length=1, max_length=LONGEST_PATH, description=MODEL)
    corpus: str = Field(default="stdlib", min_length=1, max_length=LONGEST_PATH, description=CORPUS)
    hook_name: str = Field(min_length=1, max_length=LONGEST_NAME, description=HOOK)
    saes: tuple[str, ...] = Field(min_length=1, max_length=MOST_LISTED, description=SAES)
    context_length: int = Field(
        default=128, gt=1, le=MOST_CONTEXT, description="Tokens in a context, special tokens included."
    )
    max_tokens: int | None = Field(
        default=None, gt=0, le=MOST_TOKENS, description="Tokens to read; default: the whole corpus."
    )
    batch_size: int = Field(default=16, gt=0, le=MOST_CONTEXTS, description=BATCH)
    store_activations: bool = Field(
        default=True, description="Keep every firing, so that tokens and latents can be looked up."
    )
    promoted_tokens: int = Field(
        default=10, gt=0, le=MOST_LISTED, description="Tokens listed that a latent's decoder raises, and lowers, most."
    )
    top_tokens: int = Field(
        default=10,
        gt=0,
        le=MOST_LISTED,
        description="Token surfaces listed with the largest share of a latent's activation.",
    )
    histogram_bins: int = Field(
        default=20, gt=0, le=MOST_LISTED, description="Bins of the histogram of a latent's activations."
    )
    neighbours: int = Field(
        default=5, ge=0, le=MOST_LISTED, description="Nearest latents listed, in the same SAE and in each other one."
    )
    seed: int = Field(default=0, ge=0, le=MOST_SEED, description=SEED)

    @property
    def title(self) -> str:
        return f"Latents of {', '.join(self.saes)}"
