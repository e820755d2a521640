"""Words whose absorption is known exactly: an SAE built by hand, in which word latents carry part of their letter.

The activation of a word is its letter's direction plus its own; all directions are orthonormal. On an absorbed word the
letter latent loses ``delta`` and the word latent writes it instead, so that reconstructions are exact for any delta.
"""

from dataclasses import dataclass

import torch

from saetui.letters import LETTERS, LetterProbes, SparseLatents
from saetui.sae.architectures.standard import StandardSAE

N_LETTERS, N_WORDS, N_ABSORBED = 5, 50, 10
# Logits of a letter per unit along its direction.
GAIN = 10.0


@dataclass(frozen=True)
class Planted:
    """Words in the order of their letters; word latent of word w is latent 5 + w, letter latent of letter l is l."""

    activations: torch.Tensor
    letters: torch.Tensor
    absorbed: torch.Tensor
    sae: StandardSAE
    probes: LetterProbes

    @property
    def latents(self) -> SparseLatents:
        """In units of the reconstruction: times the norm of the decoder row."""
        folded = self.sae.encode(self.activations) * self.sae.W_dec.norm(dim=1)
        return SparseLatents.of_dense(folded)

    def margins(self, activations: torch.Tensor, letter: int) -> torch.Tensor:
        """The behaviour: logit of the letter minus the mean of the others."""
        logits = GAIN * activations @ torch.eye(activations.shape[1])[:, :N_LETTERS]
        others = logits[:, torch.arange(N_LETTERS) != letter]
        return logits[:, letter] - others.mean(1)

    def effect_directions(self, letter: int) -> torch.Tensor:
        """The gradient of the margin, the same everywhere."""
        gradient = torch.zeros(self.activations.shape[1])
        gradient[:N_LETTERS] = -GAIN / (N_LETTERS - 1)
        gradient[letter] = GAIN
        return gradient


def planted(delta: float, *, absorbing_letters: int = N_LETTERS) -> Planted:
    """Ten absorbed words of strength ``delta`` in each of the first ``absorbing_letters`` letters."""
    n = N_LETTERS * N_WORDS
    d = N_LETTERS + n
    letters = torch.arange(n) // N_WORDS
    absorbed = (torch.arange(n) % N_WORDS < N_ABSORBED) & (letters < absorbing_letters)
    directions = torch.eye(d)
    encoder, decoder = directions.clone(), directions.clone()
    for word in absorbed.nonzero()[:, 0].tolist():
        encoder[:, letters[word]] -= delta * directions[N_LETTERS + word]
        decoder[N_LETTERS + word] += delta * directions[letters[word]]
    sae = StandardSAE(W_enc=encoder, W_dec=decoder, b_enc=torch.zeros(d), b_dec=torch.zeros(d))
    weight, bias = torch.zeros(len(LETTERS), d), torch.full((len(LETTERS),), -0.5)
    weight[:N_LETTERS] = directions[:N_LETTERS]
    return Planted(directions[letters] + directions[N_LETTERS:], letters, absorbed, sae, LetterProbes(weight, bias))
