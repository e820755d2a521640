"""How much of an SAE's error SAEs on earlier parts of the model explain with their outputs (2410.14670)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from saetui.dark_matter.error_fit import LinearErrorFit
from saetui.dark_matter.held_out import HeldOut
from saetui.dark_matter.intervals import N_REPLICATES, ContextBootstrap, Estimate
from saetui.dark_matter.split import ContextSplit, split_contexts
from saetui.lm import LanguageModel, TokenizedCorpus, harvest
from saetui.regression.statistics import RIDGE, LinearMap, Predictors, Targets
from saetui.sae import SAE

# Parts of the error, in the order of the target columns.
PARTS = ("error", "linear", "nonlinear")
ALL, OWN = "all", "own"
# With fewer train tokens per predictor than this the ridge is chosen on contexts set aside.
_TOKENS_PER_PREDICTOR = 10
_RIDGES = (RIDGE, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_VALIDATION_SHARE = 0.2
_BATCH_TOKENS = 4096


@dataclass(frozen=True)
class EarlierBatch:
    """Tokens with the site's activation and reconstruction, and the outputs of earlier SAEs."""

    activations: Float[Tensor, "n d"]
    reconstructions: Float[Tensor, "n d"]
    earlier: Mapping[str, Float[Tensor, "n _"]]
    context: Int[Tensor, " n"]


@dataclass(frozen=True)
class EarlierPrediction:
    """R² (total) on held-out rows of each part of the error, by what it was predicted from.

    Sources are the earlier SAEs, ``all`` of them together, and ``own``: the SAE's own reconstruction, for comparison.
    """

    r2: Mapping[str, Mapping[str, Estimate]]
    """By source, then by part: error, linear, nonlinear."""
    ridge: Mapping[str, float]
    """By source: of the mean eigenvalue of its Gram matrix."""
    n_train: int
    n_test: int
    excluded_rows: int
    """Rows left out because a value was not finite."""
    notes: tuple[str, ...]


def predict_from_earlier(
    read: Callable[[Int[Tensor, " contexts"]], Iterable[EarlierBatch]],
    fit: LinearErrorFit,
    split: ContextSplit,
    *,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
) -> EarlierPrediction:
    """Predict the parts of the error that ``fit`` tells apart, with ridge least squares.

    A source gets the least ridge where there are 10 train tokens for each of its columns, and otherwise the one that
    does best on a fifth of the train contexts, which are then not fitted on. ``split`` should be that of the fit.
    Raises ValueError where a side has no tokens.
    """
    inner = split_contexts(split.train, train_share=1 - _VALIDATION_SHARE, seed=seed) if len(split.train) > 1 else None
    fitting, validation = _Side(fit), _Side(fit)
    fitting.add(read(split.train if inner is None else inner.train))
    if inner is not None:
        validation.add(read(inner.test))
    together = _Side(fit)
    together.absorb(fitting)
    together.absorb(validation)
    n_train = together.predictors.n
    if not n_train:
        raise ValueError("the train contexts hold no finite tokens; give contexts that do")
    maps, ridges, notes = {}, {}, []
    sources = fitting.sources or validation.sources
    for source, columns in sources.items():
        if n_train >= _TOKENS_PER_PREDICTOR * len(columns) or not validation.predictors.n:
            maps[source], ridges[source] = together.targets.solve(columns=columns), RIDGE
            continue
        maps[source], ridges[source] = _validated(fitting.targets, validation.targets, columns)
        notes.append(
            f"{source}: {n_train:,} train tokens for {len(columns):,} predictors are fewer than"
            f" {_TOKENS_PER_PREDICTOR} each; its ridge of {ridges[source]:g} was chosen on other contexts"
        )
    judge = ContextBootstrap(split.test, n_replicates=n_replicates, seed=seed, device=together.targets.mean.device)
    judged = {source: HeldOut(judge, together.targets.mean) for source in maps}
    test = _Side(fit)
    n_test = 0
    for context, x, y in test.rows(read(split.test)):
        n_test += len(y)
        groups = judge.groups(context)
        for source, columns in sources.items():
            chosen = torch.as_tensor(columns, device=x.device)
            judged[source].add(groups, y, y - maps[source](x[:, chosen]))
    if not n_test:
        raise ValueError("the test contexts hold no finite tokens; give contexts that do")
    d = len(fit.activation_mean)
    return EarlierPrediction(
        r2={
            source: {part: held.r2_total(i * d, (i + 1) * d) for i, part in enumerate(PARTS)}
            for source, held in judged.items()
        },
        ridge=ridges,
        n_train=n_train,
        n_test=n_test,
        excluded_rows=fitting.excluded + validation.excluded + test.excluded,
        notes=tuple(notes),
    )


class _Side:
    """Sums over some contexts: all sources side by side as predictors, all parts of the error as targets."""

    def __init__(self, fit: LinearErrorFit) -> None:
        self._fit = fit
        self.predictors = Predictors()
        self.targets = Targets(self.predictors)
        self.sources: dict[str, list[int]] = {}
        self.excluded = 0

    def add(self, batches: Iterable[EarlierBatch]) -> None:
        for _, x, y in self.rows(batches):
            shifted = self.predictors.shifted(x)
            self.predictors.add(shifted)
            self.targets.add(shifted, y)

    def absorb(self, other: "_Side") -> None:
        self.predictors.absorb(other.predictors)
        self.targets.absorb(other.targets)

    def rows(self, batches: Iterable[EarlierBatch]) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Context, predictors and targets of the finite rows."""
        for batch in batches:
            outputs = {**batch.earlier, OWN: batch.reconstructions}
            self.sources = self.sources or _sources({name: x.shape[1] for name, x in outputs.items()})
            x = torch.cat([output.double() for output in outputs.values()], dim=1)
            activations, reconstructions = batch.activations.double(), batch.reconstructions.double()
            linear = self._fit.linear_error(activations)
            error = activations - reconstructions
            y = torch.cat([error, linear, error - linear], dim=1)
            finite = torch.isfinite(x).all(dim=1) & torch.isfinite(y).all(dim=1)
            self.excluded += int((~finite).sum())
            yield batch.context[finite], x[finite], y[finite]


def _sources(widths: Mapping[str, int]) -> dict[str, list[int]]:
    """Columns of each source, with the earlier ones together under ``all``."""
    columns, at = {}, 0
    for name, width in widths.items():
        columns[name] = list(range(at, at + width))
        at += width
    own = columns.pop(OWN)
    together = [column for one in columns.values() for column in one]
    return columns | ({ALL: together} if len(columns) > 1 else {}) | {OWN: own}


def _validated(fitting: Targets, validation: Targets, columns: Sequence[int]) -> tuple[LinearMap, float]:
    """The map with the ridge that leaves least of all targets unexplained on the validation rows."""
    best: tuple[float, LinearMap, float] | None = None
    for ridge in _RIDGES:
        fitted = fitting.solve(ridge=ridge, columns=columns)
        left = float(validation.squared_residual(fitted, columns).sum())
        if best is None or left < best[0]:
            best = left, fitted, ridge
    assert best is not None
    return best[1], best[2]


class EarlierReconstructions:
    """Called with contexts, gives what ``predict_from_earlier`` reads, from one model and one corpus.

    ``hook_name`` is that of an SAE at the site that does not say its own. Raises ValueError where an SAE's hook point
    is not known, or that of an earlier one does not come before the site.
    """

    def __init__(
        self,
        model: LanguageModel,
        corpus: TokenizedCorpus,
        sae: SAE,
        earlier: Mapping[str, SAE],
        *,
        hook_name: str | None = None,
        first_position: int = 0,
        batch_size: int | None = None,
    ) -> None:
        order = model.hook_names()
        self._hooks = {OWN: _hook_name(OWN, sae, model, hook_name)}
        self._hooks |= {name: _hook_name(name, one, model) for name, one in earlier.items()}
        for name in earlier:
            if name in (ALL, OWN):
                raise ValueError(f"an earlier SAE cannot be called {name!r}; give it another name")
            if order.index(self._hooks[name]) >= order.index(self._hooks[OWN]):
                raise ValueError(f"{name} is at {self._hooks[name]}, which does not come before {self._hooks[OWN]}")
        self._model, self._corpus = model, corpus
        self._saes = {name: one.to(model.device) for name, one in {OWN: sae, **earlier}.items()}
        self._first_position = first_position
        self._batch_size = batch_size or max(1, _BATCH_TOKENS // corpus.context_length)

    @torch.no_grad()
    def __call__(self, contexts: Int[Tensor, " m"]) -> Iterator[EarlierBatch]:
        sites = list(dict.fromkeys(self._hooks.values()))
        for batch in harvest(self._model, self._corpus, sites, self._batch_size, contexts.cpu()):
            chosen = batch.position >= self._first_position
            outputs = {
                name: sae.reconstruct(batch.activations[self._hooks[name]][chosen]) for name, sae in self._saes.items()
            }
            own = outputs.pop(OWN)
            yield EarlierBatch(batch.activations[self._hooks[OWN]][chosen], own, outputs, batch.context[chosen])


def _hook_name(name: str, sae: SAE, model: LanguageModel, otherwise: str | None = None) -> str:
    hook_name = sae.hook_name or otherwise
    if hook_name is None:
        raise ValueError(f"{name} does not say which hook point it was trained on; set metadata['hook_name']")
    model.check_width(hook_name, sae.d_in)
    return hook_name
