"""What the absorbed-errors job is to do."""

from typing import ClassVar, Literal

from pydantic import Field

from saetui.jobs.specs import HOOK, LONGEST_NAME, LONGEST_PATH, MOST_LISTED, MOST_SEED, SAES, SEED, Spec


class AbsorbedErrorsSpec(Spec):
    """Are the words that an SAE absorbs harder for it than others? Both studies of the SAEs must be in the store."""

    compares: ClassVar[tuple[str, ...]] = ("absorption", "errors")

    kind: Literal["absorbed_errors"] = Field(
        default="absorbed_errors", description="Errors of absorbed words beside those of others."
    )
    hook_name: str = Field(min_length=1, max_length=LONGEST_NAME, description=HOOK)
    model: str | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_PATH,
        description="Language model, by id, name or source; default: that of the error study made last.",
    )
    saes: tuple[str, ...] = Field(
        default=("*",),
        min_length=1,
        max_length=MOST_LISTED,
        description=f"{SAES} '*': all of the error study made last at the hook point.",
    )
    tau: float | None = Field(
        default=None, ge=0, le=1, description="F1 that a latent must add to be a main latent; default: as studied."
    )
    lead: float | None = Field(
        default=None,
        ge=0,
        le=1e9,
        description="Logits by which the first effect leads the second; default: as studied.",
    )
    min_cosine: float | None = Field(
        default=None,
        ge=-1,
        le=1,
        description="Least cosine of an absorber's decoder row with the probe direction; default: as studied.",
    )
    seed: int = Field(default=0, ge=0, le=MOST_SEED, description=SEED)

    @property
    def title(self) -> str:
        return f"Errors of absorbed words at {self.hook_name}"

    @property
    def lasts(self) -> bool:
        """It compares rows of the store, which later studies replace."""
        return False
