"""Smooth response of a species to each predictor and to pairs of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

HINGES = 4
INVERSE_PENALTY = 1.0
SMALLEST_SPREAD = 1e-9


@dataclass(frozen=True)
class ResponseCurves:
    """A logistic regression on linear, quadratic, hinge and product terms.

    Attributes:
        centre: (predictors,) training mean.
        spread: (predictors,) training standard deviation.
        limits: (2, predictors) standardised training range; beyond it the response stays as at its end.
        knots: (HINGES, predictors) where hinges begin.
        term_centre: (terms,) training mean of each term.
        term_spread: (terms,) its standard deviation.
        weights: (terms + 1,) coefficients, the intercept last.
    """

    centre: NDArray[np.float64]
    spread: NDArray[np.float64]
    limits: NDArray[np.float64]
    knots: NDArray[np.float64]
    term_centre: NDArray[np.float64]
    term_spread: NDArray[np.float64]
    weights: NDArray[np.float64]

    def suitability(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) relative suitability, 0-1, of (n, predictors) places."""
        terms = _expand((matrix - self.centre) / self.spread, self.limits, self.knots)
        return expit((terms - self.term_centre) / self.term_spread @ self.weights[:-1] + self.weights[-1])


def fit_curves(matrix: NDArray[np.float64], is_presence: NDArray[np.bool_]) -> ResponseCurves:
    """Fit the curves, the background weighing as much as the presences.

    Args:
        matrix: (n, predictors) without missing values.
        is_presence: (n,) whether a point is a presence.

    Returns:
        The fitted curves.
    """
    centre, spread = matrix.mean(0), _spread(matrix)
    standard = (matrix - centre) / spread
    limits = np.stack((standard.min(0), standard.max(0)))
    knots = np.quantile(standard, np.linspace(0.1, 0.9, HINGES), axis=0)
    terms = _expand(standard, limits, knots)
    term_centre, term_spread = terms.mean(0), _spread(terms)
    presences = is_presence.sum()
    point_weights = np.where(is_presence, 1.0, presences / (is_presence.size - presences))
    # Newton steps: the terms are few and correlated, where gradient methods crawl.
    regression = LogisticRegression(C=INVERSE_PENALTY, solver="newton-cholesky", max_iter=200)
    regression.fit((terms - term_centre) / term_spread, is_presence, sample_weight=point_weights)
    weights = np.append(regression.coef_[0], regression.intercept_)
    return ResponseCurves(centre, spread, limits, knots, term_centre, term_spread, weights)


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    spread = values.std(0)
    return np.where(spread > SMALLEST_SPREAD, spread, 1.0)


def _expand(
    standard: NDArray[np.float64], limits: NDArray[np.float64], knots: NDArray[np.float64]
) -> NDArray[np.float64]:
    inside = np.clip(standard, *limits)
    first, second = np.triu_indices(inside.shape[1])
    hinges = np.maximum(inside[:, None, :] - knots, 0).reshape(len(inside), -1)
    return np.hstack((inside, inside[:, first] * inside[:, second], hinges))
