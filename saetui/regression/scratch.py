"""Memory that is used again for every chunk: fresh pages cost more than the arithmetic on them."""

import math

import torch
from torch import Tensor


class Scratch:
    """One tensor of changing shape; what it held before is lost."""

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        self._dtype = dtype
        self._flat = torch.empty(0, dtype=dtype)

    def __call__(self, *shape: int, device: torch.device) -> Tensor:
        size = math.prod(shape)
        if self._flat.numel() < size or self._flat.device != device:
            self._flat = torch.empty(size, dtype=self._dtype, device=device)
        return self._flat[:size].view(shape)

    def copy(self, values: Tensor) -> Tensor:
        """The values in this memory and its dtype."""
        return self(*values.shape, device=values.device).copy_(values)
