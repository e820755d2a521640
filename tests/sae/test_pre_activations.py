"""Pre-activations of chosen latents."""

import torch

from saetui.sae.architectures.gated import GatedSAE
from saetui.sae.architectures.standard import StandardSAE

X = torch.tensor([[1.0, 2.0], [0.5, -1.0]])
W_ENC = torch.tensor([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]])
B_DEC = torch.tensor([0.5, 0.0])


def test_what_a_latent_sees_is_centred_and_biased() -> None:
    b_enc = torch.tensor([0.0, 1.0, -1.0])
    sae = StandardSAE(W_enc=W_ENC, W_dec=W_ENC.T.clone(), b_enc=b_enc, b_dec=B_DEC)
    expected = ((X - B_DEC) @ W_ENC + b_enc)[:, [2, 0]]
    assert torch.equal(sae.pre_activations(X, [2, 0]), expected)
    assert torch.equal(sae.encode(X)[:, [2, 0]], expected.relu())


def test_of_a_gated_sae_it_is_the_gates() -> None:
    b_gate = torch.tensor([-0.5, 0.0, 0.25])
    zero = torch.zeros(3)
    sae = GatedSAE(W_enc=W_ENC, W_dec=W_ENC.T.clone(), b_dec=B_DEC, b_gate=b_gate, b_mag=zero, r_mag=zero)
    assert torch.equal(sae.pre_activations(X, [0, 1, 2]), (X - B_DEC) @ W_ENC + b_gate)
