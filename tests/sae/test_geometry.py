"""Norm folding leaves reconstructions alone; neighbours are those of the full cosine matrix."""

import pytest
import torch
from torch import Tensor

from saetui.sae import SAE, SAEError
from saetui.sae.geometry import (
    decoder_norms,
    encoder_decoder_cosines,
    fold_activation_scale,
    fold_decoder_norms,
    folded_latents,
    nearest_latents,
    nearest_rows,
    writes_nothing,
)
from tests.sae.conftest import D_IN, D_SAE, make_sae


@pytest.mark.parametrize("kind", ["standard", "gated", "jumprelu", "topk_rescaled"])
def test_folding_keeps_the_reconstruction(kind: str, activations: Tensor) -> None:
    sae = make_sae(kind)
    folded = fold_decoder_norms(sae)
    torch.testing.assert_close(decoder_norms(folded), torch.ones(D_SAE))
    torch.testing.assert_close(folded.reconstruct(activations), sae.reconstruct(activations), rtol=1e-5, atol=1e-5)
    latents = folded_latents(sae, sae.encode(activations))
    torch.testing.assert_close(folded.encode(activations), latents, rtol=1e-5, atol=1e-5)
    assert folded.weights().keys() == sae.weights().keys()


def test_folding_a_topk_sae_that_selects_without_norms_is_refused() -> None:
    with pytest.raises(SAEError, match=r"selection; multiply its latents instead \(folded_latents\)"):
        fold_decoder_norms(make_sae("topk"))


def test_folding_a_topk_sae_with_equal_norms(activations: Tensor) -> None:
    sae = make_sae("topk")
    sae.W_dec = 3 * sae.decoder_directions()
    folded = fold_decoder_norms(sae)
    torch.testing.assert_close(folded.reconstruct(activations), sae.reconstruct(activations), rtol=1e-5, atol=1e-5)


def test_folded_latents_of_topk_are_in_units_of_the_reconstruction(activations: Tensor) -> None:
    sae = make_sae("topk")
    folded = folded_latents(sae, sae.encode(activations))
    torch.testing.assert_close(
        folded @ sae.decoder_directions() + sae.b_dec, sae.reconstruct(activations), rtol=1e-5, atol=1e-5
    )


def test_a_latent_that_writes_nothing_stays_as_it_is() -> None:
    sae = make_sae("standard")
    sae.W_dec[3] = 0
    folded = fold_decoder_norms(sae)
    assert writes_nothing(sae).nonzero().tolist() == [[3]]
    assert torch.equal(folded.W_enc[:, 3], sae.W_enc[:, 3])
    assert not sae.decoder_directions()[3].any()
    assert float(encoder_decoder_cosines(sae)[3]) == 0


def test_a_scale_of_the_activations_is_folded_in(any_sae: SAE, activations: Tensor) -> None:
    any_sae.normalization = "expected_average_only_in"
    folded = fold_activation_scale(any_sae, 0.25)
    assert folded.normalization == "none"
    torch.testing.assert_close(
        folded.reconstruct(activations), any_sae.reconstruct(activations * 0.25) / 0.25, rtol=1e-4, atol=1e-4
    )


def test_directions_are_unit_rows(any_sae: SAE) -> None:
    for directions in (any_sae.encoder_directions(), any_sae.decoder_directions()):
        assert directions.shape == (D_SAE, D_IN)
        torch.testing.assert_close(directions.norm(dim=1), torch.ones(D_SAE))
    expected = torch.cosine_similarity(any_sae.W_enc.T, any_sae.W_dec, dim=1)
    torch.testing.assert_close(encoder_decoder_cosines(any_sae), expected)


class TestNeighbours:
    def test_nearest_latents_are_those_of_the_full_matrix(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = make_sae("topk"), make_sae("gated")
        other.W_dec = torch.randn(17, D_IN)
        expected = torch.cosine_similarity(one.W_dec[:, None], other.W_dec[None], dim=2).topk(3, dim=1)
        monkeypatch.setattr("saetui.sae.geometry._BLOCK_ELEMENTS", 100)
        found = nearest_latents(one, other, 3)
        assert torch.equal(found.indices, expected.indices)
        torch.testing.assert_close(found.cosines, expected.values)

    def test_a_latent_is_not_its_own_neighbour(self) -> None:
        sae = make_sae("topk")
        found = nearest_latents(sae, sae, D_SAE)
        assert found.indices.shape == (D_SAE, D_SAE - 1)
        assert not (found.indices == torch.arange(D_SAE)[:, None]).any()

    def test_copies_are_neighbours(self) -> None:
        rows = torch.randn(6, 4)
        found = nearest_rows(torch.cat([rows, rows]), None, 1)
        assert found.indices[:, 0].tolist() == [6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5]
        torch.testing.assert_close(found.cosines, torch.ones(12, 1))

    def test_another_width_is_refused(self) -> None:
        wide = make_sae("standard")
        wide.W_dec = torch.randn(D_SAE, 99)
        with pytest.raises(SAEError, match="12 and 99"):
            nearest_latents(make_sae("topk"), wide, 1)
