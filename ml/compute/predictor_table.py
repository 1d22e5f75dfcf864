"""Predictors of a species as numbers: gaps filled, categories turned into what they say of the species."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.compute.errors import DistributionError

# Presences and background points that a category is taken to have before any is seen: rare ones say little.
PRIOR_POINTS = 5.0


@dataclass
class PredictorEncoder:
    """Turns a table of predictors into a matrix, as learned from the training points.

    Attributes:
        categorical: columns whose values are names, not quantities.
        columns: every column, in the order of the matrix.
        medians: background median of each quantity, which stands for missing values.
        evidence: for each categorical column, the log ratio of presences to background by category; categories
            not seen in training are worth 0, as much as knowing nothing.
    """

    categorical: Sequence[str] = ()
    columns: list[str] = field(default_factory=list)
    medians: dict[str, float] = field(default_factory=dict)
    evidence: dict[str, dict[str, float]] = field(default_factory=dict)

    def fit(self, X: pd.DataFrame, is_presence: NDArray[np.bool_]) -> "PredictorEncoder":
        """Learn medians and categories.

        Args:
            X: (n, predictors) training points.
            is_presence: (n,) whether a point is a presence.

        Raises:
            DistributionError: a categorical column is missing, or a quantity is not a number.
        """
        for column in self.categorical:
            if column not in X:
                raise DistributionError(f"No predictor '{column}' to treat as categorical; correct its name.")
        self.columns = [str(column) for column in X.columns]
        for column in self.columns:
            if column in self.categorical:
                self.evidence[column] = _weigh_categories(_names(X[column]), is_presence)
            else:
                values = _keep_finite(X, column)[~is_presence]
                known = values[~np.isnan(values)]
                self.medians[column] = float(np.median(known)) if known.size else 0.0
        return self

    def encode(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Return the (n, predictors) matrix of a table, without missing values.

        Raises:
            DistributionError: a predictor is missing from the table, or is not a number.
        """
        missing = [column for column in self.columns if column not in X]
        if missing:
            raise DistributionError(f"Predictor(s) missing: {', '.join(missing)}; the model was fitted with them.")
        return np.column_stack([self._encode_column(X, column) for column in self.columns])

    def _encode_column(self, X: pd.DataFrame, column: str) -> NDArray[np.float64]:
        if column in self.evidence:
            return np.asarray(_names(X[column]).map(self.evidence[column]).fillna(0.0), np.float64)
        values = _keep_finite(X, column)
        return np.where(np.isnan(values), self.medians[column], values)


def _weigh_categories(names: pd.Series, is_presence: NDArray[np.bool_]) -> dict[str, float]:
    presences = names[is_presence].value_counts()
    backgrounds = names[~is_presence].value_counts()
    shares = backgrounds / max(1, int((~is_presence).sum()))
    weights = {}
    for name in sorted(set(presences.index) | set(backgrounds.index)):
        share = shares.get(name, 0.0)
        expected = share * is_presence.sum()
        weights[name] = float(np.log((presences.get(name, 0) + PRIOR_POINTS) / (expected + PRIOR_POINTS)))
    return weights


def _names(values: pd.Series) -> pd.Series:
    """Return categories as text, 3 and 3.0 being one; missing values stay missing."""
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().equals(values.notna()):
        return numbers.map(lambda number: f"{number:g}", na_action="ignore").astype(object)
    return values.astype(object).map(str, na_action="ignore")


def _keep_finite(X: pd.DataFrame, column: str) -> NDArray[np.float64]:
    try:
        values = X[column].to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DistributionError(
            f"Predictor '{column}' holds text; name it among the categorical ones or correct it."
        ) from error
    return np.where(np.isfinite(values), values, np.nan)
