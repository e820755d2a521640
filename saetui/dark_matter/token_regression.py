"""One number of each token predicted from others, judged on contexts that the prediction has not seen."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from saetui.dark_matter.held_out import HeldOut
from saetui.dark_matter.intervals import ContextBootstrap, Estimate
from saetui.regression.statistics import Predictors, Targets


class TokenRegression:
    """Least squares with an intercept on the ``train`` rows, R² on the ``test`` rows."""

    def __init__(
        self,
        context: Int[Tensor, " n"],
        train: Bool[Tensor, " n"],
        test: Bool[Tensor, " n"],
        *,
        n_replicates: int,
        seed: int,
    ) -> None:
        self.train, self.test = train, test
        self._bootstrap = ContextBootstrap(context[test], n_replicates=n_replicates, seed=seed)
        self._groups = self._bootstrap.groups(context[test])

    def r2(self, columns: Sequence[Float[Tensor, " n"]], target: Float[Tensor, " n"]) -> Estimate:
        """R² from these columns; rows where one is NaN are left out. Undefined where nothing varies."""
        x, y = torch.stack(list(columns), dim=1).double(), target[:, None].double()
        known = torch.isfinite(x).all(dim=1) & torch.isfinite(y[:, 0])
        train, test = self.train & known, self.test & known
        predictors = Predictors()
        targets = Targets(predictors)
        shifted = predictors.shifted(x[train])
        predictors.add(shifted)
        targets.add(shifted, y[train])
        if not predictors.n or not predictors.squared_deviation > 0:
            return Estimate(None)
        return self._judged(y[test], targets.solve()(x[test]), targets.mean, known)

    def r2_of(self, prediction: Float[Tensor, " n"], target: Float[Tensor, " n"]) -> Estimate:
        """R² of a prediction made elsewhere, on the test rows."""
        known = torch.isfinite(prediction) & torch.isfinite(target)
        test = self.test & known
        y = target[:, None].double()
        return self._judged(y[test], prediction[:, None].double()[test], y[self.train & known].mean(dim=0), known)

    def _judged(
        self, y: Float[Tensor, "m 1"], prediction: Float[Tensor, "m 1"], near: Float[Tensor, "1"], known: Tensor
    ) -> Estimate:
        judged = HeldOut(self._bootstrap, near)
        judged.add(self._groups[known[self.test]], y, y - prediction)
        return judged.r2_total()
