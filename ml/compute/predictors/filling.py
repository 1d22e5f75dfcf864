"""Series on a regular time grid: steps, straight lines between valid dates, smoothing."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from ml.compute.planes import fill_series

Planes = NDArray[np.float32]
# A Gaussian of three standard deviations holds all that counts.
_REACH = 3.0


def regular_steps(start: date, end: date, step_days: int) -> tuple[date, ...]:
    """The first day and every `step_days` after it, up to the last day."""
    return tuple(start + timedelta(days=after) for after in range(0, (end - start).days + 1, step_days))


def ordinals(days: tuple[date, ...], origin: date) -> NDArray[np.float32]:
    """Days from an origin, (days,)."""
    return np.array([(day - origin).days for day in days], np.float32)


def fill_regularly(
    values: Planes, days: NDArray[np.float32], steps: NDArray[np.float32], smoothing_days: float
) -> Planes:
    """Interpolate each cell between its valid dates, then smooth.

    Args:
        values: (dates, cells), NaN where not valid.
        days: (dates,) increasing.
        steps: (steps,) increasing.
        smoothing_days: standard deviation of the Gaussian over time; 0 leaves the lines as they are.

    Returns:
        (steps, cells), NaN where a cell has no valid date.
    """
    filled = fill_series(values, days, steps)
    return filled if smoothing_days <= 0 else smoothing_weights(steps, smoothing_days) @ filled


def smoothing_weights(steps: NDArray[np.float32], smoothing_days: float) -> Planes:
    """Weights of every step in every smoothed step, (steps, steps), rows adding up to 1."""
    apart = np.abs(steps[:, None] - steps[None]) / smoothing_days
    weights = np.where(apart <= _REACH, np.exp(-0.5 * apart**2), 0)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
