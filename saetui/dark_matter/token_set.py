"""The tokens that a study is measured on, as activations and reconstructions in batches.

All figures of a study share one token set: a figure of one and a figure of another cannot be compared.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class TokenSet:
    """Which tokens, and at which hook point; "" where the caller did not say."""

    tokens: str = ""
    """Names corpus and positions, so that equal names mean equal tokens."""
    hook_name: str = ""
    split: str = ""
    """Names the division into train and test contexts."""

    def difference(self, other: "TokenSet") -> str | None:
        """How two token sets differ, in words; None where they do not."""
        for what, mine, others in (
            ("hook point", self.hook_name, other.hook_name),
            ("tokens", self.tokens, other.tokens),
            ("split", self.split, other.split),
        ):
            if mine != others:
                return f"{what} {mine or 'unnamed'} and {others or 'unnamed'}"
        return None


def require_same_tokens(sets: Mapping[str, TokenSet]) -> None:
    """Raises ValueError naming two SAEs that were measured on different tokens or at different hook points."""
    names = list(sets)
    for name in names[1:]:
        difference = sets[names[0]].difference(sets[name])
        if difference is not None:
            raise ValueError(
                f"{names[0]} and {name} cannot be put together: they were measured on different {difference};"
                " measure both in one study"
            )


@dataclass(frozen=True)
class ErrorBatch:
    """Activations of some tokens, and what each SAE makes of them, in model units; tensors on one device."""

    activations: Float[Tensor, "n d"]
    reconstructions: Mapping[str, Float[Tensor, "n d"]]
    context: Int[Tensor, " n"]
    position: Int[Tensor, " n"]
    token_id: Int[Tensor, " n"] | None = None
    l0: Mapping[str, Int[Tensor, " n"]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.context)

    def __getitem__(self, rows: slice | Bool[Tensor, " n"]) -> "ErrorBatch":
        return replace(
            self,
            activations=self.activations[rows],
            reconstructions={name: values[rows] for name, values in self.reconstructions.items()},
            context=self.context[rows],
            position=self.position[rows],
            token_id=None if self.token_id is None else self.token_id[rows],
            l0={name: values[rows] for name, values in self.l0.items()},
        )


# The tokens of some contexts. Called more than once; gives the same rows for the same contexts.
ReadContexts = Callable[[Int[Tensor, " contexts"]], Iterable[ErrorBatch]]


@dataclass(frozen=True)
class Excluded:
    """Rows left out of all figures because a value was NaN or infinite; one row can have several reasons."""

    rows: int = 0
    by: Mapping[str, int] = field(default_factory=dict)
    """Rows by what was not finite in them: "activations" or the SAE's name."""

    def __add__(self, other: "Excluded") -> "Excluded":
        names = [*self.by, *(name for name in other.by if name not in self.by)]
        return Excluded(self.rows + other.rows, {name: self.by.get(name, 0) + other.by.get(name, 0) for name in names})


def finite_rows(batch: ErrorBatch) -> tuple[ErrorBatch, Excluded]:
    """The rows in which everything is finite, and how many are not: one that fails for an SAE is left out for all."""
    values = {"activations": batch.activations, **batch.reconstructions}
    # A sum over all is NaN or infinite where one value is; only then is each row worth a look.
    if bool(torch.isfinite(torch.stack([tensor.sum() for tensor in values.values()])).all()):
        return batch, Excluded()
    bad = {name: ~torch.isfinite(tensor).all(dim=1) for name, tensor in values.items()}
    any_bad = torch.stack(list(bad.values())).any(dim=0)
    counts = {name: n for name, rows in bad.items() if (n := int(rows.sum()))}
    return batch[~any_bad], Excluded(int(any_bad.sum()), counts)


def joined_rows(batches: Iterable[ErrorBatch]) -> tuple[ErrorBatch, Excluded]:
    """All batches as one, without rows that are not finite, and how many these were."""
    parts, counts = zip(*(finite_rows(batch) for batch in batches), strict=True)
    return (
        ErrorBatch(
            activations=torch.cat([part.activations for part in parts]),
            reconstructions={
                name: torch.cat([part.reconstructions[name] for part in parts]) for name in parts[0].reconstructions
            },
            context=torch.cat([part.context for part in parts]),
            position=torch.cat([part.position for part in parts]),
            l0={name: torch.cat([part.l0[name] for part in parts]) for name in parts[0].l0},
        ),
        sum(counts, start=Excluded()),
    )


def check_shapes(batch: ErrorBatch, names: Sequence[str]) -> None:
    """Raises ValueError where a batch lacks an SAE or has reconstructions of another width."""
    if list(batch.reconstructions) != list(names):
        raise ValueError(f"a batch holds {list(batch.reconstructions)}, the first held {list(names)}; keep the SAEs")
    for name, values in batch.reconstructions.items():
        if values.shape != batch.activations.shape:
            raise ValueError(
                f"{name}: reconstructions of shape {tuple(values.shape)} do not fit activations of shape"
                f" {tuple(batch.activations.shape)}; was it trained at another hook point?"
            )
