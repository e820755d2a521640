"""What the ablation job is to do."""

from typing import Literal

from pydantic import Field

from saetui.jobs.specs import HOOK, LONGEST_NAME, LONGEST_PATH, WordsSpec


class AblationSpec(WordsSpec):
    """Run the model again on one word's prompt, each time without one of the latents that fire at the word."""

    kind: Literal["ablation"] = Field(default="ablation", description="Remove the latents of one word for real.")
    hook_name: str = Field(min_length=1, max_length=LONGEST_NAME, description=HOOK)
    sae: str = Field(min_length=1, max_length=LONGEST_PATH, description="SAE, by id or by name.")
    word: str = Field(min_length=1, max_length=LONGEST_NAME, description="The word's surface, with its leading space.")

    @property
    def title(self) -> str:
        return f"Ablation of {self.word!r} in {self.sae}"
