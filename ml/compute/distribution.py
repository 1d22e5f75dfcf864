"""Where a species finds what it needs: relative suitability from presences and background points.

The figure is not a probability of presence: presences say nothing of how often the species was looked for. It
ranks places; 0.5 is a place as frequent among the presences as in the background. Two readings of the same
points are averaged: smooth response curves (ridge logistic regression on linear, quadratic, hinge and product
terms, the background weighted down to the presences) and a forest whose trees each draw as many background
points as presences.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit
from threadpoolctl import threadpool_limits

from ml.compute.balanced_forest import BalancedForest, fit_balanced_forest
from ml.compute.errors import DistributionError
from ml.compute.predictor_table import PredictorEncoder
from ml.compute.response_curves import ResponseCurves, fit_curves

FEWEST_PRESENCES = 2
# A forest says 0 or 1 where all its trees agree; in the average that would silence the curves.
SUREST = 0.99


@dataclass
class DistributionModel:
    """A species' model; `make_model` says what its arguments are."""

    categorical: Sequence[str] = ()
    seed: int = 0
    n_jobs: int = 1
    encoder: PredictorEncoder = field(init=False, repr=False)
    curves: ResponseCurves = field(init=False, repr=False)
    forest: BalancedForest = field(init=False, repr=False)

    def fit(self, X: pd.DataFrame, y: ArrayLike, coords: ArrayLike | None = None) -> "DistributionModel":
        """Learn from presences and background.

        Args:
            X: (n, predictors) values at the points; gaps allowed.
            y: (n,) 1 for a presence, 0 for a background point.
            coords: (n, 2) where the points are, in any unit; presences at one place then count once.

        Returns:
            The model itself.

        Raises:
            DistributionError: too few points of a kind, `y` of other values or length, or a predictor at fault.
        """
        labels = _check_labels(y, len(X))
        if coords is not None:
            kept = _first_at_each_place(np.asarray(coords, float), labels)
            X, labels = X[kept], labels[kept]
        is_presence = labels == 1
        self.encoder = PredictorEncoder(categorical=tuple(self.categorical)).fit(X, is_presence)
        matrix = self.encoder.encode(X)
        # BLAS threads beside those of the caller wait for each other more than they compute.
        with threadpool_limits(self.n_jobs):
            self.curves = fit_curves(matrix, is_presence)
        self.forest = fit_balanced_forest(matrix, is_presence, seed=self.seed, n_jobs=self.n_jobs)
        return self

    def predict_proba(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Relative suitability of places, named so for scikit-learn's sake: it is not a probability.

        Args:
            X: (n, predictors) values; gaps and unknown categories allowed.

        Returns:
            (n, 2): one minus the relative suitability, and the relative suitability, 0-1.

        Raises:
            DistributionError: a predictor of the training is missing.
        """
        matrix = self.encoder.encode(X)
        readings = np.stack((self.curves.suitability(matrix), self.forest.suitability(matrix)))
        suitability = expit(logit(np.clip(readings, 1 - SUREST, SUREST)).mean(axis=0))
        return np.column_stack((1 - suitability, suitability))


def make_model(categorical: Sequence[str] = (), seed: int = 0, n_jobs: int = 1) -> DistributionModel:
    """Make a model to fit.

    Args:
        categorical: predictors whose values are names (soil types), not quantities.
        seed: of every random draw.
        n_jobs: threads; the result does not depend on it.

    Returns:
        An object with `fit(X, y, coords=None)` and `predict_proba(X)`.
    """
    return DistributionModel(categorical=categorical, seed=seed, n_jobs=n_jobs)


def _check_labels(y: ArrayLike, length: int) -> NDArray[np.int64]:
    labels = np.asarray(y)
    if labels.shape != (length,) or not np.isin(labels, (0, 1)).all():
        raise DistributionError(f"y needs {length} values, 1 for a presence and 0 for a background point.")
    for value, kind in ((1, "presence"), (0, "background point")):
        found = int((labels == value).sum())
        if found < FEWEST_PRESENCES:
            raise DistributionError(f"{found} {kind}(s); give at least {FEWEST_PRESENCES}.")
    return labels.astype(np.int64)


def _first_at_each_place(coords: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    repeated = pd.DataFrame(coords).assign(label=labels).duplicated().to_numpy()
    kept: NDArray[np.bool_] = ~repeated | (labels == 0)
    return kept
