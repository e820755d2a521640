"""What every sparse autoencoder shares: input handling, sparse and dense decoding, directions.

Shapes: ``W_enc`` (d_in, d_sae), column j reads latent j; ``W_dec`` (d_sae, d_in), row j writes latent j; an activation x of
model units becomes latents a >= 0 and the reconstruction ``a @ W_dec + b_dec``.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from saetui.sae.errors import SAEError
from saetui.sae.normalization import Normalization, Scale, is_per_token, normalize

# A latent fires above this activation.
FIRING = 1e-8
# Dense latents held at a time while encoding sparsely: 32 MB of float32.
_CHUNK_ELEMENTS = 1 << 23
# Below this share of non-zeros a gather-sum beats the dense product.
_SPARSE_DENSITY = 1 / 16

Latents = Float[Tensor, "*n d_sae"]
Activations = Float[Tensor, "*n d_in"]
Indices = Int[Tensor, "*n L"]
Values = Float[Tensor, "*n L"]


@dataclass(eq=False, kw_only=True)
class SAE(ABC):
    """A sparse autoencoder of one architecture, for inference and analysis; all weights are float32."""

    architecture: ClassVar[str]

    W_enc: Float[Tensor, "d_in d_sae"]
    W_dec: Float[Tensor, "d_sae d_in"]
    b_dec: Float[Tensor, "d_in"]
    apply_b_dec_to_input: bool = True
    normalization: Normalization = "none"
    reshape_hook_z: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    workbench: dict[str, Any] = field(default_factory=dict)
    _last_scale: Scale | None = field(default=None, init=False, repr=False)

    @property
    def d_in(self) -> int:
        return self.W_dec.shape[1]

    @property
    def d_sae(self) -> int:
        return self.W_dec.shape[0]

    @property
    def hook_name(self) -> str | None:
        """The hook point it was trained on, e.g. ``blocks.1.hook_resid_post``; None where its file does not say."""
        return self.metadata.get("hook_name")

    @property
    def k(self) -> int | None:
        """Latents kept per token, where the architecture has such a number."""
        return None

    @property
    def device(self) -> torch.device:
        return self.W_dec.device

    def weights(self) -> dict[str, Tensor]:
        """Every tensor by its name in the file."""
        return {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), Tensor)}

    def to(self, device: torch.device | str) -> Self:
        """The same SAE on a device."""
        return replace(self, **{name: tensor.to(device) for name, tensor in self.weights().items()})

    @abstractmethod
    def _activate(self, x: Activations) -> Latents:
        """Latents of activations that are already normalised and centred."""

    def _activate_sparse(self, x: Activations) -> tuple[Indices, Values]:
        return sparse_rows(self._activate(x))

    def encode(self, x: Activations) -> Latents:
        """(…, d_in) model units -> (…, d_sae) latents, dense. With hook_z also (…, n_heads, d_head)."""
        return self._activate(self._read(x))

    def encode_sparse(self, x: Activations) -> tuple[Indices, Values]:
        """(n, d_in) -> indices (n, L) and values (n, L), padded with value 0; dense latents live for a chunk of rows only."""
        read = self._read(x)
        rows = max(1, _CHUNK_ELEMENTS // self.d_sae)
        chunks = [self._activate_sparse(chunk) for chunk in read.split(rows)]
        width = max((values.shape[-1] for _, values in chunks), default=0)
        pairs = [[F.pad(part, (0, width - part.shape[-1])) for part in chunk] for chunk in chunks]
        return torch.cat([indices for indices, _ in pairs]), torch.cat([values for _, values in pairs])

    def decode(self, z: Latents, *, scale: Scale | None = None) -> Activations:
        """(…, d_sae) -> (…, d_in) model units; gathers the non-zeros where that is cheaper than the dense product.

        An SAE that normalises each token by itself takes back the scale of the last ``encode`` unless one is given.
        """
        if not z.requires_grad and z.ndim == 2 and torch.count_nonzero(z) < _SPARSE_DENSITY * z.numel():
            indices, values = sparse_rows(z)
            return self.decode_sparse(indices, values, scale=scale)
        return self._write(self._decoder_input(z) @ self.W_dec + self.b_dec, scale)

    def decode_sparse(self, indices: Indices, values: Values, *, scale: Scale | None = None) -> Activations:
        """Sum of the decoder rows named by ``indices`` (n, L), weighted by ``values`` (n, L): (n, d_in) model units."""
        return self._write(gather_sum(indices, self._decoder_values(indices, values), self.W_dec) + self.b_dec, scale)

    def reconstruct(self, x: Activations) -> Activations:
        """The reconstruction of each activation, in the shape of ``x``."""
        flat = self._flat(x)
        leading = flat.shape[:-1]
        decoded = self.decode_sparse(*self.encode_sparse(flat.reshape(-1, self.d_in)))
        return decoded.reshape(*leading, self.d_in).reshape(x.shape)

    def encoder_directions(self) -> Float[Tensor, "d_sae d_in"]:
        """What each latent reads, as unit rows; a zero column stays zero."""
        return unit_rows(self.W_enc.T)

    def decoder_directions(self) -> Float[Tensor, "d_sae d_in"]:
        """What each latent writes, as unit rows; a zero row stays zero."""
        return unit_rows(self.W_dec)

    def _decoder_input(self, z: Latents) -> Latents:
        return z

    def _decoder_values(self, indices: Indices, values: Values) -> Values:
        return values

    def _flat(self, x: Activations) -> Activations:
        """Activations with d_in last, their heads joined where the site is hook_z."""
        if self.reshape_hook_z and x.ndim >= 3 and x.shape[-1] != self.d_in:
            x = x.flatten(-2)
        if x.shape[-1] != self.d_in:
            raise SAEError(
                f"activations have width {x.shape[-1]}, but the SAE reads {self.d_in}"
                f" ({self.hook_name or 'hook point unknown'}); take them from the hook point it was trained on"
            )
        return x.to(self.W_enc.device, self.W_enc.dtype)

    def _read(self, x: Activations) -> Activations:
        normal, self._last_scale = normalize(self._flat(x), self.normalization)
        return normal - self.b_dec if self.apply_b_dec_to_input else normal

    def _write(self, decoded: Activations, scale: Scale | None) -> Activations:
        if not is_per_token(self.normalization):
            return decoded
        scale = scale or self._last_scale
        if scale is None or scale.spread.shape[:-1] != decoded.shape[:-1]:
            raise SAEError(
                f"normalize_activations={self.normalization}: decoding needs the activations' own scale;"
                " encode the same rows first, or call reconstruct(x)"
            )
        return scale.undo(decoded)


def unit_rows(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Rows divided by their norm; rows shorter than 1e-12 become zero."""
    norms = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return torch.where(norms < 1e-12, torch.zeros_like(rows), rows / norms.clamp_min(1e-12))


def sparse_rows(z: Float[Tensor, "n d_sae"]) -> tuple[Int[Tensor, "n L"], Float[Tensor, "n L"]]:
    """The positive entries of each row in order of their index, padded with index 0 and value 0 to the longest row."""
    row, column = z.nonzero(as_tuple=True)
    counts = torch.bincount(row, minlength=z.shape[0])
    start = counts.cumsum(0) - counts
    place = torch.arange(row.shape[0], device=z.device) - start[row]
    width = int(counts.max()) if z.shape[0] else 0
    indices = torch.zeros(z.shape[0], width, dtype=torch.long, device=z.device)
    values = torch.zeros(z.shape[0], width, dtype=z.dtype, device=z.device)
    indices[row, place] = column
    values[row, place] = z[row, column]
    return indices, values


def gather_sum(
    indices: Int[Tensor, "n L"], values: Float[Tensor, "n L"], rows: Float[Tensor, "m d"]
) -> Float[Tensor, "n d"]:
    """``sum over l of values[i, l] * rows[indices[i, l]]``; entries of value 0 are skipped, not multiplied."""
    if indices.shape[1] == 0:
        return rows.new_zeros(indices.shape[0], rows.shape[1])
    if not values.requires_grad:
        kept = values != 0
        counts = kept.sum(dim=1)
        if int(counts.sum()) < values.numel():
            offsets = counts.cumsum(0) - counts
            return F.embedding_bag(indices[kept], rows, offsets, mode="sum", per_sample_weights=values[kept])
    return F.embedding_bag(indices, rows, mode="sum", per_sample_weights=values)
