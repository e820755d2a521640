"""The inputs of ``bad_input.py``: by hand where a kind is known, drawn at random beside."""

import random
import shutil
from pathlib import Path
from runpy import run_path

import kit
from input_lines import lines, links, sessions
from input_sources import corpora, model_folders, sae_folders
from input_specs import specs
from input_stores import job_folders, store_folders
from inputs import Input


def all_inputs(seed: int, folder: Path, *, torch: bool) -> list[Input]:
    """All inputs of a seed; ``folder`` gets what they are copies of."""
    base = folder / "base"
    ended = kit.run(lambda: _make_base(base, torch=torch), folder / "base.txt", 180)
    if ended.how != "good":
        raise SystemExit(f"what the inputs are made of cannot be made\n{ended.text}")
    draw = random.Random(seed)
    found = [*specs(base, draw), *sessions(base, draw), *links(base), *lines(base), *job_folders(base, draw)]
    found += store_folders(base, draw)
    found += corpora(base)
    if torch:
        found += [*sae_folders(base, draw), *model_folders(base, draw)]
    return found


def _make_base(base: Path, *, torch: bool) -> None:
    run_path(str(kit.CHECKOUT / "tests" / "tui" / "store_fixture.py"))["make_study"](base / "s")
    shutil.copytree(kit.CHECKOUT / "sessions", base / "sessions")
    if torch:
        from sae_scenes import made_sae

        from saetui.sae import save_sae

        save_sae(made_sae(1), base / "sae")
        shutil.copytree(kit.CHECKOUT / "saetui" / "embedded", base / "embedded")
