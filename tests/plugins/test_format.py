"""A file format is added by another package: its files load, and nothing in saetui is touched."""

from pathlib import Path

import pytest
import torch

from saetui.sae import SAEError, load_sae

from .conftest import Install


def toy_file(folder: Path) -> Path:
    path = folder / "a.toysae"
    names = {"W_enc": torch.eye(3), "W_dec": torch.eye(3), "b_enc": torch.zeros(3), "b_dec": torch.zeros(3)}
    torch.save(names, path)
    return path


def test_its_files_load(install: Install, tmp_path: Path) -> None:
    path = toy_file(tmp_path)
    with pytest.raises(SAEError, match="is a file; give a folder"):
        load_sae(path)
    install("saetui.formats", "toysae", "toy_format")
    sae = load_sae(path)
    assert (sae.d_in, sae.architecture) == (3, "standard")
    assert sae.encode(torch.tensor([[2.0, -1.0, 0.0]])).tolist() == [[2.0, 0.0, 0.0]]


def test_a_format_that_cannot_be_imported_is_named(install: Install, tmp_path: Path) -> None:
    install("saetui.formats", "absent", "toy_absent")
    with pytest.raises(SAEError, match=r"saetui\.formats: toy_absent cannot be imported"):
        load_sae(toy_file(tmp_path))
