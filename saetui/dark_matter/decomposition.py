"""The error of several SAEs over one token set, split into what is linear in the activation and what is not.

Three readings of the tokens (2410.14670): over the train contexts the linear maps are fitted, all from one Gram
matrix and one factorisation; over them again, now that the parts are known, the predictions of their norms; over the
test contexts everything is judged.
"""

import hashlib
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from saetui.dark_matter.error_fit import ErrorsWarning, LinearErrorFit, Shrinkage, token_count_note
from saetui.dark_matter.held_out import HeldOut, Unexplained
from saetui.dark_matter.intervals import N_REPLICATES, ContextBootstrap, GroupSums, combine
from saetui.dark_matter.norms import NORM_TARGETS, NormTarget, SquaredNorms
from saetui.dark_matter.reading import Chunk, ChunkReader
from saetui.dark_matter.split import ContextSplit
from saetui.dark_matter.token_errors import SAETokenErrors, TokenErrors
from saetui.dark_matter.token_set import Excluded, ReadContexts, TokenSet
from saetui.regression.scratch import Scratch
from saetui.regression.statistics import LinearMap, Predictors, Spread, Targets

# A reconstruction that varies less than this share of the activations is the same for every token.
_DEAD_VARIANCE = 1e-9


@dataclass(frozen=True)
class Decomposition:
    """A study of several SAEs on the same tokens."""

    fits: Mapping[str, LinearErrorFit]
    tokens: TokenErrors
    split: ContextSplit
    token_set: TokenSet
    excluded: Excluded
    variance: float
    """Mean squared distance of an activation to the mean, over train and test rows; model units squared."""
    notes: tuple[str, ...]
    """What holds for all SAEs; each fit repeats it beside its own."""


def decompose_errors(
    read: ReadContexts,
    split: ContextSplit,
    *,
    token_set: TokenSet | None = None,
    intercept: bool = True,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Decomposition:
    """Fit and judge every SAE that ``read`` gives reconstructions of.

    ``read`` is called twice for the train contexts and once for the test contexts; ``progress`` gets the contexts read
    and their total. Rows with a value that is not finite are left out for all SAEs and counted. ``intercept=False`` is
    the released way, see ``fit_linear_error``; ``seed`` is that of the intervals.

    Raises ValueError for fewer than 3 train tokens per dimension and for reconstructions that do not fit the
    activations; warns (ErrorsWarning) below 20 and where the activations vary in fewer directions than they have.
    """
    named = token_set or TokenSet()
    named = named if named.split else replace(named, split=_split_name(split))
    predictors = Predictors()
    errors, norms, spread = Targets(predictors), Targets(predictors), Spread()
    total = 2 * len(split.train) + len(split.test)
    chunks = ChunkReader(read, predictors, n_contexts=total, progress=progress)
    for chunk in chunks(split.train):
        predictors.add(chunk.shifted)
        spread.add(chunk.shifted)
        errors.add(chunk.shifted, chunk.errors.flatten(1))
    if not predictors.n:
        raise ValueError("the train contexts hold no finite tokens; give contexts that do")
    training = _Training(predictors, errors, intercept=intercept)
    judge = _Judge(training, chunks.names, split, n_replicates, seed)
    for chunk in chunks(split.train, again=True):
        norms.add(chunk.shifted, judge.train(chunk))
    norm_map = norms.solve()
    for chunk in chunks(split.test):
        judge.test(chunk, norm_map)
        spread.add(chunk.shifted)
    if not judge.n_test:
        raise ValueError("the test contexts hold no finite tokens; give contexts that do")
    notes = (*training.notes, *_excluded_note(chunks.excluded))
    fits = {
        name: replace(judge.fit(i, notes), excluded=chunks.excluded, token_set=named)
        for i, name in enumerate(chunks.names)
    }
    for note in dict.fromkeys(note for fit in fits.values() for note in fit.notes):
        warnings.warn(note, ErrorsWarning, stacklevel=2)
    tokens = TokenErrors.join(judge.tokens)
    return Decomposition(fits, tokens, split, named, chunks.excluded, spread.variance, notes)


class _Training:
    """What the train rows give: the maps of all SAEs side by side, their shrinkage, and what is odd about the rows."""

    def __init__(self, predictors: Predictors, errors: Targets, *, intercept: bool) -> None:
        d = predictors.width
        self.intercept, self.n, self.d = intercept, predictors.n, d
        few = token_count_note(self.n, d)
        self.map = errors.solve(intercept=intercept)
        # Predicted from shifted activations: where these lie far from zero, float32 keeps its digits.
        self._weight, self._constant = self.map.weight, self.map(predictors.shift[None])[0]
        self._linear, self._rest, self._residual = Scratch(), Scratch(), Scratch()
        self.rank, self.constant = predictors.rank(), len(predictors.constant_columns())
        self.mean, self.error_mean = predictors.mean, errors.mean.view(-1, d)
        # Shrinkage has an intercept where the full map has one.
        self.origin = self.mean if intercept else torch.zeros_like(self.mean)
        self.error_origin = self.error_mean if intercept else torch.zeros_like(self.error_mean)
        gram = predictors.gram(centred=intercept).diagonal().sum()
        cross = _traces(errors.cross(centred=intercept))
        self.factors: list[float] = (cross / gram).tolist()
        variance = predictors.squared_deviation
        deviations = errors.squared_deviation.view(-1, d).sum(dim=1)
        reconstruction = variance - 2 * _traces(errors.cross(centred=True)) + deviations
        self.dead: list[bool] = (reconstruction <= _DEAD_VARIANCE * variance).tolist()
        notes = [few]
        if self.constant:
            notes.append(f"{self.constant:,} of {d:,} dimensions of the activations are constant")
        if self.rank < d - self.constant:
            notes.append(f"the activations vary in {self.rank:,} directions only, of {d:,}")
        self.notes = tuple(note for note in notes if note is not None)

    def parts(self, chunk: Chunk) -> tuple[Float[Tensor, "n sae d"], Float[Tensor, "n sae d"]]:
        """Linear and nonlinear part of the errors, until the next chunk; in the errors' dtype."""
        errors = chunk.errors
        if self._constant.dtype != errors.dtype:
            self._weight, self._constant = self._weight.to(errors.dtype), self._constant.to(errors.dtype)
            self._linear, self._rest = Scratch(errors.dtype), Scratch(errors.dtype)
        linear = self._linear(*errors.shape, device=errors.device)
        torch.addmm(self._constant, chunk.shifted.to(errors.dtype), self._weight, out=linear.view(len(errors), -1))
        return linear, torch.sub(errors, linear, out=self._rest(*errors.shape, device=errors.device))

    def shrinkage_residual(self, chunk: Chunk) -> Float[Tensor, "n sae"]:
        """Squared distance of each error to its SAE's factor times the activation."""
        residual = self._residual.copy(chunk.errors).sub_(self.error_origin)
        centred = chunk.x - self.origin
        for i, factor in enumerate(self.factors):
            residual[:, i].sub_(centred, alpha=factor)
        return residual.square_().sum(dim=-1)


class _Judge:
    """Applies the maps: norms of every token, and the figures of the held-out ones."""

    def __init__(
        self, training: _Training, names: list[str], split: ContextSplit, n_replicates: int, seed: int
    ) -> None:
        self._training, self._names = training, names
        device, n_sae = training.mean.device, len(names)
        self._bootstrap = ContextBootstrap(split.test, n_replicates=n_replicates, seed=seed, device=device)
        # The released way takes FVUs over all rows, whether they were fitted on or not.
        judged = split.test if training.intercept else torch.cat([split.train, split.test])
        self._fvu_bootstrap = ContextBootstrap(judged, n_replicates=n_replicates, seed=seed, device=device)
        self._errors = HeldOut(self._bootstrap, training.error_mean.flatten())
        self._norms = HeldOut(self._bootstrap, training.mean.new_zeros(len(NORM_TARGETS) * n_sae))
        self._shrinkage = GroupSums(self._bootstrap, n_sae)
        self._unexplained = Unexplained(self._fvu_bootstrap, training.mean, 2 * n_sae)
        self._squared_norms = SquaredNorms()
        self.tokens: list[TokenErrors] = []
        self.n_test = 0

    def train(self, chunk: Chunk) -> Float[Tensor, "n targets"]:
        """Keep the norms of train rows; they are returned as targets, one kind after the other."""
        norms = self._squared_norms.of_chunk(chunk, *self._training.parts(chunk))
        self.tokens.append(self._token_errors(chunk, norms, held_out=False))
        if not self._training.intercept:
            self._add_unexplained(chunk, norms)
        return _columns(norms)

    def test(self, chunk: Chunk, norm_map: LinearMap) -> None:
        """Judge held-out rows."""
        linear, nonlinear = self._training.parts(chunk)
        norms = self._squared_norms.of_chunk(chunk, linear, nonlinear)
        self.tokens.append(self._token_errors(chunk, norms, held_out=True))
        self._add_unexplained(chunk, norms)
        groups = self._bootstrap.groups(chunk.rows.context)
        self._errors.add(groups, chunk.errors.flatten(1), nonlinear.flatten(1))
        targets = _columns(norms)
        self._norms.add(groups, targets, targets - norm_map(chunk.x))
        self._shrinkage.add(groups, self._training.shrinkage_residual(chunk))
        self.n_test += len(chunk)

    def fit(self, i: int, notes: tuple[str, ...]) -> LinearErrorFit:
        """The figures of one SAE."""
        training, d, n_sae = self._training, self._training.d, len(self._names)
        start, stop = i * d, (i + 1) * d
        fvu_sae, fvu_nonlinear = (self._unexplained.fvu(column) for column in (i, n_sae + i))
        norm_r2 = {
            target: self._norms.r2_total(at * n_sae + i, at * n_sae + i + 1) for at, target in enumerate(NORM_TARGETS)
        }
        r2 = self._errors.r2_total(start, stop)
        r2_shrinkage = self._errors.r2_of(self._shrinkage.resampled(i, i + 1)[:, 0], start, stop)
        shrinkage = Shrinkage(training.factors[i], r2_shrinkage, combine(_share, r2_shrinkage, r2))
        if training.dead[i]:
            same = "its reconstruction is the same for every token (a dead SAE), so all of its error counts as linear"
            notes += (f"{self._names[i]}: {same}",)
        return LinearErrorFit(
            name=self._names[i],
            map=training.map.columns(start, stop),
            activation_mean=training.mean,
            estimates={
                "r2_total": r2,
                "r2_dim_mean": self._errors.r2_dim_mean(start, stop),
                "fvu_sae": fvu_sae,
                "fvu_nonlinear": fvu_nonlinear,
                "norm_squared_r2": norm_r2["error"],
            },
            norm_r2=norm_r2,
            shrinkage=shrinkage,
            n_train=training.n,
            n_test=self.n_test,
            rank=training.rank,
            constant_dimensions=training.constant,
            dead=training.dead[i],
            notes=notes,
        )

    def _add_unexplained(self, chunk: Chunk, norms: Mapping[NormTarget, Float[Tensor, "n sae"]]) -> None:
        groups = self._fvu_bootstrap.groups(chunk.rows.context)
        self._unexplained.add(groups, chunk.x, torch.cat([norms["error"], norms["nonlinear"]], dim=1))

    def _token_errors(
        self, chunk: Chunk, norms: Mapping[NormTarget, Float[Tensor, "n sae"]], *, held_out: bool
    ) -> TokenErrors:
        rows = chunk.rows
        plain = {target: values.sqrt().float().cpu() for target, values in norms.items()}
        return TokenErrors(
            context=rows.context.cpu(),
            position=rows.position.cpu(),
            token_id=None if rows.token_id is None else rows.token_id.cpu(),
            held_out=torch.full((len(rows),), held_out),
            activation_norm=plain["activation"][:, 0],
            saes={
                name: SAETokenErrors(
                    error_norm=plain["error"][:, i],
                    linear_norm=plain["linear"][:, i],
                    nonlinear_norm=plain["nonlinear"][:, i],
                    reconstruction_norm=plain["reconstruction"][:, i],
                    l0=rows.l0[name].cpu() if name in rows.l0 else None,
                )
                for i, name in enumerate(self._names)
            },
        )


def _columns(norms: Mapping[NormTarget, Float[Tensor, "n sae"]]) -> Float[Tensor, "n targets"]:
    return torch.cat([norms[target] for target in NORM_TARGETS], dim=1)


def _traces(blocks: Float[Tensor, "d columns"]) -> Float[Tensor, " sae"]:
    """Trace of each d × d block of blocks side by side."""
    d = len(blocks)
    return blocks.view(d, -1, d).diagonal(dim1=0, dim2=2).sum(dim=1)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _excluded_note(excluded: Excluded) -> tuple[str, ...]:
    if not excluded.rows:
        return ()
    culprits = ", ".join(f"{name} {n:,}" for name, n in excluded.by.items())
    return (f"{excluded.rows:,} tokens with values that are not finite were left out ({culprits})",)


def _split_name(split: ContextSplit) -> str:
    digest = hashlib.sha256()
    for side in (split.train, split.test):
        digest.update(side.cpu().numpy().tobytes() + b"|")
    return digest.hexdigest()[:12]
