"""What the toy_sum job is to do."""

from typing import Literal

from pydantic import Field

from saetui.jobs.specs import Spec


class ToySumSpec(Spec):
    """Add whole numbers."""

    kind: Literal["toy_sum"] = Field(default="toy_sum", description="Adds whole numbers.")
    up_to: int = Field(default=4, ge=0, le=1000, description="The last number that is added.")
    sign: Literal["plus", "minus"] = Field(default="plus", description="Sign of the sum.")
