"""SAE folders: what is written is read again, older files are understood, and bad ones are refused by name."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from saetui.sae import SAE, SAEError, load_sae, save_sae
from saetui.sae.architectures.topk import TopKSAE
from saetui.sae.formats.saelens import read_workbench
from tests.sae.conftest import D_IN, D_SAE, make_sae, random_weights

WriteFolder = Callable[..., Path]
LEGACY = {"d_in": D_IN, "d_sae": D_SAE, "dtype": "torch.float32"}


class TestSaving:
    def test_every_architecture_comes_back_the_same(self, any_sae: SAE, activations: Tensor, tmp_path: Path) -> None:
        any_sae.metadata = {"hook_name": "blocks.0.hook_mlp_out", "model_name": "tiny"}
        any_sae.workbench = {"name": "w40", "recipe": {"lr": 1e-3}}
        again = load_sae(save_sae(any_sae, tmp_path / "deep" / "sae"))
        assert type(again) is type(any_sae)
        assert again.k == any_sae.k
        assert again.hook_name == "blocks.0.hook_mlp_out"
        assert again.workbench == any_sae.workbench
        assert torch.equal(again.encode(activations), any_sae.encode(activations))
        assert torch.equal(again.reconstruct(activations), any_sae.reconstruct(activations))

    @pytest.mark.parametrize("normalization", ["layer_norm", "constant_norm_rescale"])
    def test_settings_are_saved_and_loaded(self, normalization: str, tmp_path: Path) -> None:
        sae = make_sae("standard", normalization=normalization, apply_b_dec_to_input=False, reshape_hook_z=True)
        again = load_sae(save_sae(sae, tmp_path / "sae"))
        assert (again.normalization, again.apply_b_dec_to_input, again.reshape_hook_z) == (normalization, False, True)

    def test_layout_is_that_of_saelens_6(self, tmp_path: Path) -> None:
        folder = save_sae(make_sae("topk_rescaled"), tmp_path / "sae")
        fields = json.loads((folder / "cfg.json").read_text())
        assert fields == {
            "architecture": "topk",
            "d_in": D_IN,
            "d_sae": D_SAE,
            "dtype": "float32",
            "device": "cpu",
            "apply_b_dec_to_input": True,
            "normalize_activations": "none",
            "reshape_activations": "none",
            "metadata": {"sae_lens_version": "6.0.0"},
            "k": 5,
            "rescale_acts_by_decoder_norm": True,
        }
        with safe_open(folder / "sae_weights.safetensors", "pt") as file:
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        assert shapes == {"W_enc": (D_IN, D_SAE), "W_dec": (D_SAE, D_IN), "b_enc": (D_SAE,), "b_dec": (D_IN,)}

    def test_an_earlier_save_is_replaced_whole(self, tmp_path: Path) -> None:
        save_sae(make_sae("gated"), tmp_path / "sae")
        save_sae(make_sae("topk"), tmp_path / "sae")
        assert load_sae(tmp_path / "sae").architecture == "topk"
        assert [entry.name for entry in tmp_path.iterdir()] == ["sae"]

    def test_a_folder_of_other_things_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.tex").write_text("years of work")
        with pytest.raises(SAEError, match=r"thesis\.tex.*new folder"):
            save_sae(make_sae("topk"), tmp_path)
        assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]

    def test_a_failed_save_leaves_the_earlier_one_and_no_rest(self, tmp_path: Path) -> None:
        save_sae(make_sae("gated"), tmp_path / "sae")
        unfit = make_sae("topk")
        unfit.workbench = {"recipe": object()}
        with pytest.raises(SAEError, match="plain values"):
            save_sae(unfit, tmp_path / "sae")
        assert load_sae(tmp_path / "sae").architecture == "gated"
        assert [entry.name for entry in tmp_path.iterdir()] == ["sae"]

    def test_a_full_disk_is_said(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(SAEError, match=r"cannot be written: the disk is full; make room"):
            save_sae(make_sae("topk"), tmp_path / "sae")
        assert list(tmp_path.iterdir()) == []

    def test_an_sae_from_elsewhere_has_no_workbench(self, write_folder: WriteFolder) -> None:
        assert read_workbench(write_folder()) == {}


class TestOlderFiles:
    def test_flat_fields_are_renamed_and_defaulted(self, write_folder: WriteFolder) -> None:
        sae = load_sae(write_folder({**LEGACY, "hook_point": "blocks.2.hook_resid_pre", "hook_point_head_index": None}))
        assert sae.architecture == "standard"
        assert sae.apply_b_dec_to_input
        assert sae.normalization == "none"
        assert sae.metadata == {"hook_name": "blocks.2.hook_resid_pre", "hook_head_index": None, "prepend_bos": True}

    def test_topk_hides_in_the_activation_function(self, write_folder: WriteFolder) -> None:
        cfg = {**LEGACY, "activation_fn_str": "topk", "activation_fn_kwargs": {"k": 7}, "architecture": "standard"}
        sae = load_sae(write_folder(cfg))
        assert (sae.architecture, sae.k) == ("topk", 7)

    def test_a_bool_asks_for_the_average_scale(self, write_folder: WriteFolder) -> None:
        with pytest.warns(UserWarning, match="fold_activation_scale"):
            sae = load_sae(write_folder({**LEGACY, "normalize_activations": True}))
        assert sae.normalization == "expected_average_only_in"
        assert load_sae(write_folder({**LEGACY, "normalize_activations": False})).normalization == "none"

    def test_hook_z_is_known_by_its_name(self, write_folder: WriteFolder) -> None:
        sae = load_sae(write_folder({**LEGACY, "hook_name": "blocks.0.attn.hook_z"}))
        assert sae.reshape_hook_z

    def test_a_missing_version_means_an_older_file(self, write_folder: WriteFolder) -> None:
        cfg = {**LEGACY, "metadata": {"hook_name": "blocks.0.attn.hook_z"}}
        sae = load_sae(write_folder(cfg))
        assert sae.reshape_hook_z
        assert sae.hook_name == "blocks.0.attn.hook_z"

    def test_a_scaling_factor_of_ones_is_dropped(self, write_folder: WriteFolder) -> None:
        tensors = {**random_weights("b_enc"), "scaling_factor": torch.ones(D_SAE)}
        assert "scaling_factor" not in load_sae(write_folder(LEGACY, tensors)).weights()

    def test_unknown_fields_are_ignored(self, write_folder: WriteFolder) -> None:
        assert load_sae(write_folder({**LEGACY, "lp_norm": 1.0, "from_the_future": {"a": 1}})).d_sae == D_SAE


def test_transposed_matrices_are_known_by_their_shape(write_folder: WriteFolder, activations: Tensor) -> None:
    weights = random_weights("b_enc")
    sound = load_sae(write_folder(None, weights)).encode(activations)
    turned = load_sae(write_folder(None, {**weights, "W_enc": weights["W_enc"].T}))
    assert torch.equal(turned.encode(activations), sound)


def test_half_precision_weights_become_float32(write_folder: WriteFolder) -> None:
    halves = {name: tensor.bfloat16() for name, tensor in random_weights("b_enc").items()}
    assert {t.dtype for t in load_sae(write_folder(None, halves)).weights().values()} == {torch.float32}


class TestRefusals:
    def refused(self, folder: Path, *words: str) -> None:
        with pytest.raises(SAEError) as caught:
            load_sae(folder)
        for word in words:
            assert word in str(caught.value)

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        self.refused(tmp_path / "nowhere", "nowhere", "does not exist", "cfg.json")

    def test_a_file_in_place_of_a_folder_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "sae.pt").write_text("x")
        self.refused(tmp_path / "sae.pt", "sae.pt", "is a file")

    def test_a_missing_config_is_named(self, tmp_path: Path) -> None:
        self.refused(tmp_path, "cfg.json", "missing")

    @pytest.mark.parametrize("text", ["{", "[1]", '{"architecture": "standard", ', "\udcff"])
    def test_a_config_that_is_not_an_object_is_named(self, write_folder: WriteFolder, text: str) -> None:
        folder = write_folder()
        (folder / "cfg.json").write_bytes(text.encode(errors="surrogateescape"))
        self.refused(folder, "cfg.json", "JSON")

    def test_missing_weights_are_named(self, write_folder: WriteFolder) -> None:
        folder = write_folder()
        (folder / "sae_weights.safetensors").unlink()
        self.refused(folder, "sae_weights.safetensors", "missing", "copy")

    @pytest.mark.parametrize("length", [0, 4, 60, 2000])
    def test_weights_cut_short_are_named(self, write_folder: WriteFolder, length: int) -> None:
        folder = write_folder()
        path = folder / "sae_weights.safetensors"
        path.write_bytes(path.read_bytes()[:length])
        self.refused(folder, "sae_weights.safetensors", "cut short", "copy it again")

    @pytest.mark.parametrize("name", ["W_enc", "W_dec", "b_enc", "b_dec"])
    def test_a_missing_tensor_is_named(self, write_folder: WriteFolder, name: str) -> None:
        weights = random_weights("b_enc")
        del weights[name]
        self.refused(write_folder(None, weights), "sae_weights.safetensors", name, "missing", "standard")

    @pytest.mark.parametrize("name", ["W_enc", "W_dec", "b_enc", "b_dec"])
    def test_a_tensor_of_another_shape_is_named(self, write_folder: WriteFolder, name: str) -> None:
        weights = random_weights("b_enc")
        weights[name] = weights[name][:-1]
        self.refused(write_folder(None, weights), name, "shape", str(tuple(weights[name].shape)), "cfg.json")

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_weights_that_are_not_finite_are_named(self, write_folder: WriteFolder, value: float) -> None:
        weights = random_weights("b_enc")
        weights["W_dec"][3, 4] = value
        self.refused(write_folder(None, weights), "W_dec", "NaN", "checkpoint")

    def test_a_scaling_factor_other_than_one_is_refused(self, write_folder: WriteFolder) -> None:
        weights = {**random_weights("b_enc"), "scaling_factor": torch.full((D_SAE,), 1.5)}
        self.refused(write_folder(LEGACY, weights), "scaling_factor", "W_dec")

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            ({"architecture": "transcoder"}, ["architecture", "transcoder", "jumprelu"]),
            ({"architecture": None}, ["architecture", "None"]),
            ({"architecture": "batchtopk"}, ["batchtopk", "inference"]),
            ({"d_sae": "many"}, ["d_sae", "'many'", "positive"]),
            ({"d_in": 0}, ["d_in", "positive"]),
            ({"d_in": None}, ["d_in", "None"]),
            ({"architecture": "topk"}, ["k must be", "None"]),
            ({"architecture": "topk", "k": D_SAE + 1}, ["k is 41", "d_sae = 40"]),
            ({"normalize_activations": "zscore"}, ["normalize_activations", "zscore", "layer_norm"]),
            ({"reshape_activations": "flat"}, ["reshape_activations", "flat", "hook_z"]),
            ({"apply_b_dec_to_input": "yes"}, ["apply_b_dec_to_input", "true or false"]),
            ({"metadata": 3}, ["metadata", "object"]),
        ],
    )
    def test_fields_that_make_no_sense_are_named(
        self, write_folder: WriteFolder, changed: dict[str, Any], words: list[str]
    ) -> None:
        cfg = {"architecture": "standard", "d_in": D_IN, "d_sae": D_SAE, "sae_lens_version": "6.3.0", **changed}
        self.refused(write_folder(cfg), "cfg.json", *words)

    def test_an_unknown_older_activation_function_is_named(self, write_folder: WriteFolder) -> None:
        self.refused(write_folder({**LEGACY, "activation_fn": "tanh-relu"}), "activation_fn", "tanh-relu", "topk")


def test_a_trained_kind_survives_a_later_saelens_version(tmp_path: Path) -> None:
    sae = make_sae("topk", metadata={"sae_lens_version": "6.54.12"})
    assert isinstance(sae, TopKSAE)
    again = load_sae(save_sae(sae, tmp_path / "sae"))
    assert again.metadata["sae_lens_version"] == "6.54.12"
