"""Where the reference inputs and outputs are, and what they hold; asked while tests are collected."""

import os
from pathlib import Path

# A folder beside the checkout; tests that need it are skipped where it is absent.
SHARED = Path(os.environ.get("SAETUI_SHARED", Path(__file__).parents[2] / "shared"))


def reference_folders(library: str) -> list[str]:
    """Names of the folders that hold one reference SAE each, as ``library`` saved it; empty without the reference."""
    return sorted(path.parent.name for path in (SHARED / "reference" / library).glob("*/expected.safetensors"))
