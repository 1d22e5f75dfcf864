"""One power that turns shares into confidence."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

LOWEST_SHARPNESS, HIGHEST_SHARPNESS = 0.3, 5.0
_LOWEST_SHARE = 0.001


def sharpen(shares: NDArray[np.float32], sharpness: float) -> NDArray[np.float32]:
    """Raise shares to a power and make them sum to 1 again, so that confidence is about as often right.

    Args:
        shares: (cells, classes).
        sharpness: above 1 for a forest that doubts too much.

    Returns:
        (cells, classes).
    """
    if sharpness == 1.0:
        return shares
    powered = np.power(shares, np.float32(sharpness))
    return powered / powered.sum(axis=1, keepdims=True)


def fit_sharpness(shares: NDArray[np.float32], classes: NDArray[np.intp]) -> float:
    """The power under which shares are least surprised by the true classes, to two decimals.

    Args:
        shares: (cells, classes).
        classes: (cells,) place of the true class.
    """
    logs, cells = np.log(np.maximum(shares, _LOWEST_SHARE)), np.arange(classes.size)

    def surprise(log_power: float) -> float:
        powered = np.float32(np.exp(log_power)) * logs
        return float((np.logaddexp.reduce(powered, axis=1) - powered[cells, classes]).mean())

    bounds = (np.log(LOWEST_SHARPNESS), np.log(HIGHEST_SHARPNESS))
    return round(float(np.exp(minimize_scalar(surprise, bounds=bounds, method="bounded").x)), 2)
