"""What every sparse autoencoder shares: input handling, sparse and dense decoding, directions.

``W_enc`` is (d_in, d_sae), its column j reads latent j; ``W_dec`` is (d_sae, d_in), its row j writes latent j. An
activation in model units becomes latents ``a >= 0`` and the reconstruction ``a @ W_dec + b_dec``.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from saetui.recipes import TrainedBy
from saetui.sae.exceptions import SAEError
from saetui.sae.normalization import Normalization, TokenScale, is_per_token, normalize
from saetui.sae.sparse import gather_sum, sparse_rows

if TYPE_CHECKING:
    from saetui.sae.trainees.trainee import Loss, Stage, Trainee
    from saetui.sae.training.recipe import TrainingRecipe

# A latent fires above this activation.
FIRING = 1e-8
# Dense latents held at a time while encoding sparsely: 8 MB of float32, which a CPU's cache can hold; on a GPU, where
# every block costs two waits, 256 MB.
_CPU_ELEMENTS, _GPU_ELEMENTS = 1 << 21, 1 << 26
# Below this share of non-zeros a gather-sum beats the dense product.
_SPARSE_DENSITY = 1 / 32
# In narrower models the dense product is over before the non-zeros are found.
_SPARSE_WIDTH = 64

Latents = Float[Tensor, "*n d_sae"]
Activations = Float[Tensor, "*n d_in"]
Indices = Int[Tensor, "*n L"]
Values = Float[Tensor, "*n L"]


@dataclass(eq=False, repr=False, kw_only=True)
class SAE(ABC):
    """A sparse autoencoder of one architecture, for inference and analysis; all weights are float32."""

    architecture: ClassVar[str]
    latent_vectors: ClassVar[tuple[str, ...]] = ("b_enc",)
    """Tensors with one number per latent."""
    activation_units: ClassVar[tuple[str, ...]] = ("b_enc",)
    """Those of them that are in the units of the activations, and grow with what a unit of their latent means."""
    firing_bias: ClassVar[str] = "b_enc"
    """The one that, with the encoder, decides whether a latent fires."""
    activation_fn: ClassVar[str] = "relu"
    """What SAELens calls its activation function in files from before 6.0."""
    training_names: ClassVar[tuple[str, ...]] = ()
    """Architectures of SAELens that become this one when they are saved for inference."""
    training_settings: ClassVar[Mapping[str, float]] = {}
    """What its training loss can be told, with the defaults."""
    keeps_k: ClassVar[bool] = False
    """Whether it keeps a given number of latents per token, which a recipe has to name."""
    learning_rate: ClassVar[float | None] = None
    """Peak learning rate of its recipes; None: by width."""
    betas: ClassVar[tuple[float, float]] = (0.9, 0.999)
    """Adam's, in its recipes."""
    least: ClassVar[Mapping[str, float]] = {}
    """Tensors that training keeps from falling below a value."""
    fast_path: ClassVar["type[Trainee] | None"] = None
    """Gradients of ``training_loss`` written by hand; without them it is trained by autograd."""

    W_enc: Float[Tensor, "d_in d_sae"]
    W_dec: Float[Tensor, "d_sae d_in"]
    b_dec: Float[Tensor, " d_in"]
    apply_b_dec_to_input: bool = True
    normalization: Normalization = "none"
    reshape_hook_z: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    """Where it belongs: hook_name, model_name and whatever else its file says."""
    workbench: dict[str, Any] = field(default_factory=dict)
    """How it was made here: name, recipe, metrics."""
    _last_scale: TokenScale | None = field(default=None, init=False)

    @property
    def d_in(self) -> int:
        """Width of the activations."""
        return self.W_dec.shape[1]

    @property
    def d_sae(self) -> int:
        """Number of latents."""
        return self.W_dec.shape[0]

    @property
    def hook_name(self) -> str | None:
        """The hook point it was trained on, e.g. ``blocks.1.hook_resid_post``; None where its file does not say."""
        name = self.metadata.get("hook_name")
        return None if name is None else str(name)

    @property
    def trained_by(self) -> TrainedBy | None:
        """How it was trained; None where that is not known, as of one from elsewhere."""
        row = self.workbench.get("row")
        return TrainedBy.read(row.get("recipe")) if isinstance(row, dict) else None

    @property
    def k(self) -> int | None:
        """Latents kept per token, where the architecture has such a number."""
        return None

    @property
    def is_folded(self) -> bool:
        """Whether latents are in units of the reconstruction whatever the norms of the decoder rows are."""
        return False

    @property
    def compares_latents(self) -> bool:
        """Whether which latents fire depends on their sizes against each other, in units of their own."""
        return False

    @classmethod
    def config_arguments(cls, fields: "Mapping[str, Any]", path: str) -> dict[str, Any]:  # noqa: ARG003
        """What it takes from a ``cfg.json`` beside what every SAE has; SAEError, naming ``path``, for a wrong field."""
        return {}

    def config_fields(self) -> dict[str, Any]:
        """The same, to be written."""
        return {}

    @classmethod
    def first_vectors(cls, width: int) -> dict[str, Tensor]:
        """Its latent vectors before training; zeros where an architecture says nothing else."""
        return {name: torch.zeros(width) for name in cls.latent_vectors}

    @classmethod
    def training_arguments(cls, recipe: "TrainingRecipe") -> dict[str, Any]:  # noqa: ARG003
        """What it takes from the recipe that it was trained by, beside its tensors."""
        return {}

    @classmethod
    def training_loss(
        cls,
        parameters: Mapping[str, Tensor],  # noqa: ARG003
        x: Float[Tensor, "n d_in"],  # noqa: ARG003
        recipe: "TrainingRecipe",  # noqa: ARG003
        stage: "Stage",  # noqa: ARG003
    ) -> "Loss":
        """The loss at a stage of training; decoder rows have norm 1.

        Raises SAEError where the architecture cannot be trained.
        """
        raise SAEError(f"{cls.architecture} SAEs can be loaded, but not trained here")

    @property
    def device(self) -> torch.device:
        return self.W_dec.device

    def __repr__(self) -> str:
        kept = "" if self.k is None else f", k={self.k}"
        return f"{type(self).__name__}(d_in={self.d_in}, d_sae={self.d_sae}{kept}, hook_name={self.hook_name!r})"

    def weights(self) -> dict[str, Tensor]:
        """Every tensor by its name in the file."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    def not_finite(self) -> str | None:
        """The name of the first tensor that holds NaN or infinite values; None where all are numbers."""
        return next((name for name, tensor in self.weights().items() if not torch.isfinite(tensor).all()), None)

    def to(self, device: torch.device | str) -> Self:
        """The same SAE on a device."""
        moved = copy(self)
        moved._last_scale = None
        for name, tensor in self.weights().items():
            setattr(moved, name, tensor.to(device))
        return moved

    @abstractmethod
    def _activate(self, x: Activations) -> Latents:
        """Latents of activations that are already normalised and centred."""

    def _activate_sparse(self, x: Float[Tensor, "n d_in"]) -> tuple[Int[Tensor, "n L"], Float[Tensor, "n L"]]:
        return sparse_rows(self._activate(x))

    def encode(self, x: Activations) -> Latents:
        """(n, d_in) model units -> (n, d_sae) dense latents; leading dimensions are kept, hook_z heads are joined."""
        return self._activate(self._read(x))

    def pre_activations(self, x: Activations, latents: Sequence[int]) -> Float[Tensor, "*n chosen"]:
        """What some latents see before their threshold or selection: (…, d_in) model units -> (…, len(latents)).

        Of a gated SAE it is the gate's; a constant factor that a selection may apply to a latent is left out.
        """
        chosen = torch.as_tensor(list(latents), dtype=torch.long, device=self.device)
        return self._read(x) @ self.W_enc[:, chosen] + self.weights()[self.firing_bias][chosen]

    def encode_sparse(self, x: Activations) -> tuple[Indices, Values]:
        """(n, d_in) -> indices (n, L) and values (n, L), padded with value 0.

        Dense latents exist for one block of rows at a time only.
        """
        read = self._read(x)
        elements = _CPU_ELEMENTS if read.device.type == "cpu" else _GPU_ELEMENTS
        blocks = torch.split(read.reshape(-1, self.d_in), max(1, elements // self.d_sae))
        parts = [self._activate_sparse(block) for block in blocks]
        length = max(values.shape[1] for _, values in parts)
        indices, values = (
            torch.cat([pad(part, (0, length - part.shape[1])) for part in column]).reshape(*read.shape[:-1], length)
            for column in zip(*parts, strict=True)
        )
        return indices, values

    def decode(self, z: Latents, *, scale: TokenScale | None = None) -> Activations:
        """(n, d_sae) -> (n, d_in) model units; only the non-zeros are multiplied where finding them is cheaper.

        An SAE that normalises each token by itself undoes that with ``scale``, by default of what it encoded last.
        """
        z = z.to(self.device, self.W_dec.dtype)
        if not z.requires_grad and z.ndim == 2 and self.d_in >= _SPARSE_WIDTH:
            n_active = int(torch.count_nonzero(z))
            if n_active < _SPARSE_DENSITY * z.numel():
                indices, values = sparse_rows(z)
                return self.decode_sparse(indices, values, scale=scale)
        return self._write(self._decoder_input(z) @ self.W_dec + self.b_dec, scale)

    def decode_sparse(self, indices: Indices, values: Values, *, scale: TokenScale | None = None) -> Activations:
        """Decoder rows named by ``indices`` (n, L), weighted by ``values`` (n, L) and summed: (n, d_in) model units."""
        weights = self._decoder_values(indices, values)
        leading, length = indices.shape[:-1], indices.shape[-1]
        summed = gather_sum(
            indices.reshape(leading.numel(), length), weights.reshape(leading.numel(), length), self.W_dec
        )
        return self._write(summed.reshape(*leading, self.d_in) + self.b_dec, scale)

    def decoder_weights(self, indices: Indices, values: Values, *, scale: TokenScale | None = None) -> Values:
        """What multiplies the decoder row of each latent in the reconstruction: (n, L) in model units."""
        weights = self._decoder_values(indices, values)
        if not is_per_token(self.normalization):
            return weights
        return weights * self._scale_of(weights, scale).spread

    def reconstruct(self, x: Activations) -> Activations:
        """The reconstruction of each activation, in the shape of ``x``."""
        return self.decode_sparse(*self.encode_sparse(x)).reshape(x.shape)

    def encoder_directions(self) -> Float[Tensor, "d_sae d_in"]:
        """What each latent reads, as unit rows; a zero column stays zero."""
        return unit_rows(self.W_enc.T)

    def decoder_directions(self) -> Float[Tensor, "d_sae d_in"]:
        """What each latent writes, as unit rows; a zero row stays zero."""
        return unit_rows(self.W_dec)

    def _decoder_input(self, z: Latents) -> Latents:
        """What multiplies the decoder rows, where latents are kept in other units."""
        return z

    def _decoder_values(self, indices: Indices, values: Values) -> Values:  # noqa: ARG002
        """The same for sparse latents."""
        return values

    def _read(self, x: Activations) -> Activations:
        """Activations as the encoder product takes them."""
        if self.reshape_hook_z and x.ndim >= 3 and x.shape[-1] != self.d_in:
            x = x.flatten(-2)
        if x.shape[-1] != self.d_in:
            raise SAEError(
                f"activations have width {x.shape[-1]}, but the SAE reads {self.d_in}; take them from"
                f" {self.hook_name or 'the hook point it was trained on'}"
            )
        normal, self._last_scale = normalize(x.to(self.device, self.W_enc.dtype), self.normalization)
        return normal - self.b_dec if self.apply_b_dec_to_input else normal

    def _write(self, decoded: Activations, scale: TokenScale | None) -> Activations:
        """The decoder's output in model units."""
        return self._scale_of(decoded, scale).undo(decoded) if is_per_token(self.normalization) else decoded

    def _scale_of(self, rows: Float[Tensor, "*n m"], scale: TokenScale | None) -> TokenScale:
        """The given scale of these rows, or that of what was encoded last."""
        scale = scale or self._last_scale
        if scale is None or scale.spread.shape[:-1] != rows.shape[:-1]:
            raise SAEError(
                f"normalize_activations is {self.normalization}: decoding needs the scale of the activations;"
                " encode the same rows first, or call reconstruct(x)"
            )
        return scale


def unit_rows(rows: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Rows divided by their norm; rows shorter than 1e-12 become zero."""
    norms = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
    return torch.where(norms < 1e-12, torch.zeros_like(rows), rows / norms.clamp_min(1e-12))
