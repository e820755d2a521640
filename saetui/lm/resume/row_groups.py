"""Rows of which several go on from the same context, one group per context."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor


@dataclass(frozen=True)
class RowGroups:
    """Neighbouring rows of one context as a group; ``size`` is that of the largest, smaller ones are padded."""

    context_of_row: Int[Tensor, " row"]
    contexts: Int[Tensor, " group"]
    size: int
    places: Int[Tensor, " row"] | None
    """Where each row stands among the ``group * size`` places; None where every group is full."""
    all_contexts: bool
    """Whether the groups are the contexts, in their order."""

    def split(self, rows: Float[Tensor, "row *shape"]) -> Float[Tensor, "group size *shape"]:
        """Rows by group."""
        if self.places is not None:
            padded = rows.new_zeros(len(self.contexts) * self.size, *rows.shape[1:])
            rows = padded.index_copy(0, self.places, rows)
        return rows.view(len(self.contexts), self.size, *rows.shape[1:])

    def join(self, groups: Float[Tensor, "group size *shape"]) -> Float[Tensor, "row *shape"]:
        """The rows again, in their order."""
        rows = groups.flatten(0, 1)
        return rows if self.places is None else rows[self.places]

    def of_contexts(self, values: Float[Tensor, "context *shape"]) -> Float[Tensor, "group *shape"]:
        """What each group's context has."""
        return values if self.all_contexts else values[self.contexts]


def row_groups(contexts: Int[Tensor, " row"], n_contexts: int) -> RowGroups:
    """Groups of the rows that go on from ``contexts``."""
    runs, counts = torch.unique_consecutive(contexts, return_counts=True)
    size = int(counts.max()) if len(counts) else 0
    places = None
    if len(runs) * size != len(contexts):
        first = counts.cumsum(0) - counts
        rank = torch.arange(len(contexts), device=contexts.device) - first.repeat_interleave(counts)
        group = torch.arange(len(runs), device=contexts.device).repeat_interleave(counts)
        places = group * size + rank
    in_order = len(runs) == n_contexts and torch.equal(runs, torch.arange(n_contexts, device=runs.device))
    return RowGroups(contexts, runs, size, places, in_order)
