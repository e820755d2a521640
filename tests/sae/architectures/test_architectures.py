"""What each architecture computes, its sparse form, and input handling that they share."""

import pytest
import torch
from torch import Tensor

from saetui.sae import SAE, SAEError
from saetui.sae.architectures.gated import GatedSAE
from saetui.sae.architectures.topk import TopKSAE, top_k
from saetui.sae.sparse import gather_sum, sparse_rows
from tests.sae.conftest import D_IN, D_SAE, K, make_sae, random_weights


def dense_from(indices: Tensor, values: Tensor, width: int) -> Tensor:
    return torch.zeros(*indices.shape[:-1], width).scatter_add_(-1, indices, values)


def test_sparse_and_dense_forms_agree(any_sae: SAE, activations: Tensor) -> None:
    z = any_sae.encode(activations)
    indices, values = any_sae.encode_sparse(activations)
    assert indices.shape == values.shape
    assert values.shape[1] == int((z > 0).sum(dim=1).max())
    torch.testing.assert_close(dense_from(indices, values, D_SAE), z)
    torch.testing.assert_close(any_sae.decode_sparse(indices, values), any_sae.decode(z))
    torch.testing.assert_close(any_sae.reconstruct(activations), any_sae.decode(z))


def test_sparse_encoding_in_blocks_gives_the_same(
    any_sae: SAE, activations: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = any_sae.encode_sparse(activations)
    monkeypatch.setattr("saetui.sae.base._CPU_ELEMENTS", 4 * D_SAE)
    for in_blocks, at_once in zip(any_sae.encode_sparse(activations), whole, strict=True):
        torch.testing.assert_close(in_blocks, at_once)


def test_leading_dimensions_are_kept(any_sae: SAE, activations: Tensor) -> None:
    x = activations[:32].reshape(4, 8, D_IN)
    flat_z = any_sae.encode(activations[:32])
    torch.testing.assert_close(any_sae.encode(x), flat_z.reshape(4, 8, D_SAE))
    indices, values = any_sae.encode_sparse(x)
    torch.testing.assert_close(dense_from(indices, values, D_SAE), flat_z.reshape(4, 8, D_SAE))
    assert any_sae.decode_sparse(indices, values).shape == x.shape
    assert any_sae.reconstruct(x).shape == x.shape


def test_no_rows_give_no_rows(any_sae: SAE) -> None:
    empty = torch.zeros(0, D_IN)
    assert any_sae.encode(empty).shape == (0, D_SAE)
    assert any_sae.reconstruct(empty).shape == (0, D_IN)


def test_where_nothing_fires_sparse_latents_are_empty(activations: Tensor) -> None:
    sae = make_sae("standard")
    assert "b_enc" in sae.weights()
    sae.b_enc.fill_(-1e6)  # type: ignore[attr-defined]
    indices, values = sae.encode_sparse(activations)
    assert indices.shape == values.shape == (33, 0)
    torch.testing.assert_close(sae.decode_sparse(indices, values), sae.b_dec.expand(33, -1))


@pytest.mark.parametrize("density", [0.0, 0.01, 0.5])
def test_decode_of_dense_latents_is_the_product(density: float) -> None:
    sae = TopKSAE(**random_weights("b_enc", d_in=96, d_sae=512), latents_kept=4)
    z = torch.rand(20, 512) * (torch.rand(20, 512) < density)
    torch.testing.assert_close(sae.decode(z), z @ sae.W_dec + sae.b_dec)


def test_gradients_flow_through_encode_and_decode(any_sae: SAE, activations: Tensor) -> None:
    x = activations.clone().requires_grad_()
    z = any_sae.encode(x)
    any_sae.decode(z).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_gradients_reach_sparse_values_that_are_zero() -> None:
    rows = torch.randn(6, 3)
    values = torch.tensor([[0.0, 2.0]], requires_grad=True)
    gather_sum(torch.tensor([[4, 1]]), values, rows).sum().backward()
    torch.testing.assert_close(values.grad, rows[[4, 1]].sum(dim=1)[None])


def test_sparse_rows_keep_negative_entries_and_their_order() -> None:
    z = torch.tensor([[0.0, -1.0, 0.0, 2.0], [0.0, 0.0, 0.0, 0.0], [5.0, 0.0, 0.0, 0.0]])
    indices, values = sparse_rows(z)
    assert indices.tolist() == [[1, 3], [0, 0], [0, 0]]
    assert values.tolist() == [[-1.0, 2.0], [0.0, 0.0], [5.0, 0.0]]


class TestTopK:
    def test_no_more_than_k_fire(self, activations: Tensor) -> None:
        sae = make_sae("topk")
        l0 = (sae.encode(activations) > 0).sum(dim=1)
        pre = (activations - sae.b_dec) @ sae.W_enc + sae.weights()["b_enc"]
        assert torch.equal(l0, (pre > 0).sum(dim=1).clamp(max=K))

    def test_of_equal_values_the_lower_index_is_kept(self) -> None:
        pre = torch.tensor([[1.0, 3.0, 2.0, 2.0, 2.0, 0.0], [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]])
        values, indices = top_k(pre, 3)
        assert indices.tolist() == [[1, 2, 3], [0, 1, 2]]
        assert values.tolist() == [[3.0, 2.0, 2.0], [5.0, 4.0, 3.0]]

    def test_of_all_equal_values_the_first_are_kept(self) -> None:
        assert top_k(torch.ones(2, 50), 4)[1].tolist() == [[0, 1, 2, 3]] * 2

    def test_k_of_the_whole_width_keeps_all(self) -> None:
        pre = torch.randn(3, 6)
        assert torch.equal(top_k(pre, 6)[0], pre.sort(dim=1, descending=True).values)

    def test_rescaling_makes_selection_blind_to_how_norms_are_split(self, activations: Tensor) -> None:
        sae = make_sae("topk_rescaled")
        factors = torch.linspace(0.5, 2, D_SAE)
        split = make_sae("topk_rescaled")
        split.W_enc, split.W_dec = sae.W_enc * factors, sae.W_dec / factors[:, None]
        split.b_enc = sae.b_enc * factors  # type: ignore[attr-defined]
        torch.testing.assert_close(split.encode(activations), sae.encode(activations))
        torch.testing.assert_close(split.reconstruct(activations), sae.reconstruct(activations))


def test_gated_with_equal_paths_is_relu(activations: Tensor) -> None:
    weights = random_weights("b_gate")
    gated = GatedSAE(**weights, b_mag=weights["b_gate"], r_mag=torch.zeros(D_SAE))
    relu = ((activations - gated.b_dec) @ gated.W_enc + gated.b_gate).relu()
    torch.testing.assert_close(gated.encode(activations), relu)


class TestInput:
    def test_hook_z_heads_are_joined(self, activations: Tensor) -> None:
        sae = make_sae("topk", reshape_hook_z=True)
        heads = activations.reshape(33, 3, 4)
        torch.testing.assert_close(sae.encode(heads), sae.encode(activations))
        torch.testing.assert_close(sae.reconstruct(heads), sae.reconstruct(activations).reshape(33, 3, 4))
        assert sae.encode_sparse(heads)[0].shape == (33, K)

    def test_another_width_is_refused_by_name(self) -> None:
        sae = make_sae("topk", metadata={"hook_name": "blocks.3.hook_mlp_out"})
        with pytest.raises(SAEError, match=r"width 7.*reads 12.*blocks\.3\.hook_mlp_out"):
            sae.encode(torch.zeros(2, 7))

    def test_the_output_bias_is_not_taken_off_where_it_should_not_be(self, activations: Tensor) -> None:
        sae = make_sae("standard", apply_b_dec_to_input=False)
        torch.testing.assert_close(sae.encode(activations), (activations @ sae.W_enc + sae.weights()["b_enc"]).relu())

    @pytest.mark.parametrize("normalization", ["layer_norm", "constant_norm_rescale"])
    def test_a_token_normalised_by_itself_does_not_see_its_scale(self, normalization: str, activations: Tensor) -> None:
        sae = make_sae("standard", normalization=normalization)
        # The small number that keeps layer norm finite makes this approximate.
        torch.testing.assert_close(sae.encode(activations * 50), sae.encode(activations), rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(
            sae.reconstruct(activations * 50), sae.reconstruct(activations) * 50, rtol=1e-3, atol=1e-2
        )

    def test_decoding_other_rows_than_were_encoded_is_refused(self, activations: Tensor) -> None:
        sae = make_sae("standard", normalization="layer_norm")
        with pytest.raises(SAEError, match="encode the same rows first"):
            sae.decode(torch.zeros(2, D_SAE))
        sae.encode(activations)
        with pytest.raises(SAEError, match=r"reconstruct\(x\)"):
            sae.decode(torch.zeros(2, D_SAE))


def test_to_a_device_keeps_everything_else() -> None:
    sae = make_sae("topk", metadata={"hook_name": "h"})
    moved = sae.to("cpu")
    assert moved.metadata == sae.metadata
    assert moved.k == sae.k


def test_an_sae_shows_itself_in_one_line() -> None:
    sae = make_sae("topk", metadata={"hook_name": "blocks.1.hook_resid_post"})
    assert repr(sae) == "TopKSAE(d_in=12, d_sae=40, k=5, hook_name='blocks.1.hook_resid_post')"
    assert repr(make_sae("gated")) == "GatedSAE(d_in=12, d_sae=40, hook_name=None)"
