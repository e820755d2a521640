"""The side of jobs that an interface imports brings no science and nothing slow."""

import subprocess
import sys

CODE = """
import sys
import saetui.jobs, saetui.jobs.run, saetui.jobs.devices, saetui.jobs.worker
heavy = ("torch", "transformers", "transformer_lens", "polars", "pyarrow", "duckdb")
print([name for name in (*heavy, "pydantic", "pynvml") if name in sys.modules])
spec = saetui.jobs.parse_spec({"kind": "letters", "hook_name": "h", "saes": ["a"]})
import pathlib, saetui.jobs.sources_state
saetui.jobs.sources_state.fingerprint(spec, pathlib.Path("."))
print([name for name in heavy if name in sys.modules])
"""


def test_no_science_is_imported() -> None:
    result = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["[]", "[]"]
