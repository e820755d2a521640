"""What the absorption job is to do."""

from typing import ClassVar, Literal

from pydantic import Field

from saetui.jobs.specs import MOST_LISTED, MOST_STEP, SAES, WordsSpec


class AbsorptionSpec(WordsSpec):
    """The whole first-letter study: letters, and where another latent has absorbed one (2409.14507).

    It takes SAEs of any number of hook points; the model reads the prompts once for all of them. What an earlier job
    has finished with the same settings is not done again.
    """

    whole_study: ClassVar[str | None] = "letters"

    kind: Literal["absorption"] = Field(default="absorption", description="Letters, main latents and absorption.")
    saes: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        max_length=MOST_LISTED,
        description=f"{SAES} '*': all of the store that were trained on this model.",
    )
    hook_names: tuple[str, ...] = Field(
        default=(),
        max_length=MOST_LISTED,
        description="Hook points to study; default: those that the SAEs were trained on.",
    )
    words: Literal["test", "all"] = Field(
        default="test", description="Words that are judged: test words only, as in the paper, or all."
    )
    attribution: Literal["ig", "exact"] = Field(
        default="ig", description="Effects by integrated gradients, or by running the model without each latent."
    )
    ig_path: Literal["joint", "latents_only"] = Field(
        default="joint", description="Whether the SAE's error goes to zero along with the latents, as in the paper."
    )
    ig_rule: Literal["left", "midpoint"] = Field(default="left", description="Where a step's gradient is taken.")
    ig_steps: int = Field(default=6, gt=0, le=MOST_LISTED, description="Steps of integrated gradients.")
    exact_top: int = Field(
        default=2,
        ge=0,
        le=MOST_LISTED,
        description="Leading latents of a word that are also removed for real, to store both figures.",
    )
    again: bool = Field(default=False, description="Study SAEs again that were studied with these settings before.")
    max_words: int = Field(
        default=200, gt=0, le=MOST_STEP, description="The most candidates per letter whose effects are measured."
    )
    lead: float = Field(default=1.0, ge=0, le=1e9, description="Logits by which the first effect leads the second.")
    min_cosine: float = Field(
        default=0.025, ge=-1, le=1, description="Least cosine of an absorber's decoder row with the probe direction."
    )

    @property
    def title(self) -> str:
        return "Absorption of all SAEs" if self.saes == ("*",) else f"Absorption of {', '.join(self.saes)}"
