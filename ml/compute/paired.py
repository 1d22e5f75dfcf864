"""Two ways of doing the same thing, seed by seed: the mean difference and its interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """Mean of the differences, with the interval that Student's t gives; without one below two pairs."""

    mean: float
    low: float | None
    high: float | None
    pairs: int

    @property
    def is_told_apart(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def paired_difference(first: Sequence[float], second: Sequence[float], *, confidence: float = CONFIDENCE) -> Difference:
    """How much `first` is above `second`, each pair made by the same seed.

    Args:
        first: (pairs,) scores.
        second: (pairs,) scores.
        confidence: of the interval.

    Returns:
        The mean difference and its interval: what chance in the learning explains is inside.
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    count, mean = differences.size, float(differences.mean())
    if count < 2:
        return Difference(mean, None, None, count)
    margin = float(t.ppf((1 + confidence) / 2, count - 1) * differences.std(ddof=1) / np.sqrt(count))
    return Difference(mean, mean - margin, mean + margin, count)
