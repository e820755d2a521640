"""An SAE's latents on the words of the first-letter task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from saetui.letters.encoding import LettersError
from saetui.letters.latents import SparseLatents
from saetui.letters.sparse_probes import SparseProbe, sparse_probes
from saetui.letters.words import LetterSite, LetterWords
from saetui.sae.base import FIRING
from saetui.sae.geometry import folded_values

if TYPE_CHECKING:
    from saetui.sae import SAE


class NothingFiresError(LettersError):
    """No latent of an SAE fires on any word."""


class WordLatents:
    """An SAE's latents on every word's activation, and the sparse probes of every letter on them.

    Raises:
        NothingFiresError: there is nothing to probe.
    """

    def __init__(self, words: LetterWords, site: LetterSite, sae: SAE, *, max_k: int, tau: float) -> None:
        self.sae = sae
        self.activations = words.readings.at_word[site.hook_name]
        indices, values = sae.encode_sparse(self.activations.to(sae.device))
        if not bool((values[~words.is_test.to(values.device)] > FIRING).any()):
            raise NothingFiresError(
                f"saes: no latent of {sae.workbench.get('name', 'the SAE')} fires on any word at {site.hook_name}; "
                "is it dead, or an SAE of another hook point?"
            )
        # What multiplies the decoder rows, in model units.
        self.weights = sae.decoder_weights(indices, values).cpu()
        # Activations as the SAE gives them are for people; all that compares latents has decoder norms folded in.
        self.latents = SparseLatents(indices.cpu(), values.cpu(), sae.d_sae)
        self.folded = SparseLatents(self.latents.indices, folded_values(sae, indices, values).cpu(), sae.d_sae)
        train, test = ~words.is_test, words.is_test
        self.probes: Mapping[int, SparseProbe] = sparse_probes(
            self.folded.rows(train),
            words.letters[train],
            self.folded.rows(test),
            words.letters[test],
            ks=range(1, min(max_k, sae.d_sae) + 1),
            tau=tau,
        )
