"""What the letters job is to do."""

from typing import ClassVar, Literal

from pydantic import Field

from saetui.jobs.specs import HOOK, LONGEST_NAME, MOST_LISTED, SAES, WordsSpec


class LettersSpec(WordsSpec):
    """Fit the 26 letter probes at a hook point, rank each SAE's latents for every letter, and find its main latents."""

    along: ClassVar[tuple[str, ...]] = ("latents",)

    kind: Literal["letters"] = Field(default="letters", description="Letter probes, letter latents and main latents.")
    hook_name: str = Field(min_length=1, max_length=LONGEST_NAME, description=HOOK)
    saes: tuple[str, ...] = Field(min_length=1, max_length=MOST_LISTED, description=SAES)

    @property
    def title(self) -> str:
        return f"Letters of {', '.join(self.saes)}"
