"""The best classes of each cell, with memory bounded however many classes there are."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.compute.classmaps import lookup_of
from ml.compute.model_files import TrainedModel

# Shares held at once, 4 bytes each: many classes take fewer cells at a time.
SHARES_AT_ONCE, FEWEST_CELLS = 2_000_000, 256


def rank_cells(
    model: TrainedModel, levels: NDArray[np.int16], *, with_shares: bool = True
) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """Rank the classes of cells, a slice of cells after another; where no share is wanted, only the best is told.

    Args:
        model: the model.
        levels: (features, cells) int16.
        with_shares: whether the shares are wanted.

    Returns:
        (cells, 3) raster values of the three best classes, and (cells, 3) their shares in percent (0 where
        they are not wanted).
    """
    values = lookup_of([model.values[code] for code in model.codes])
    cells = levels.shape[1]
    ranks, percents = np.zeros((cells, 3), np.uint16), np.zeros((cells, 3), np.uint8)
    size = max(FEWEST_CELLS, SHARES_AT_ONCE // len(model.codes))
    for start in range(0, cells, size):
        cut = slice(start, min(start + size, cells))
        shares = model.classifier.shares(np.ascontiguousarray(levels[:, cut]))
        if with_shares:
            rank_shares(shares, values, model.sharpness, ranks[cut], percents[cut])
        else:
            ranks[cut, 0] = values[shares.argmax(axis=1)]
    return ranks, percents


@njit(cache=True, nogil=True)
def rank_shares(
    shares: NDArray[np.float32],
    values: NDArray[np.uint16],
    sharpness: float,
    ranks: NDArray[np.uint16],
    percents: NDArray[np.uint8],
) -> None:
    """Write the three best classes of each cell and their sharpened shares in percent, 0 where there is none.

    Args:
        shares: (cells, classes) summing to 1.
        values: (classes,) raster value of each class.
        sharpness: power given to the shares.
        ranks: (cells, 3), written; of equal shares the first class comes first.
        percents: (cells, 3), written.
    """
    power = np.float32(sharpness)
    best, best_shares = np.empty(3, np.int64), np.empty(3, np.float32)
    for cell in range(shares.shape[0]):
        _best_three(shares[cell], best, best_shares)
        total = np.float32(1) if power == 1 else _powered_sum(shares[cell], power)
        for rank in range(3):
            ranks[cell, rank] = values[best[rank]] if best[rank] >= 0 else 0
            percents[cell, rank] = np.uint8(np.rint(100 * best_shares[rank] ** power / total))


@njit(cache=True, nogil=True)
def _best_three(shares: NDArray[np.float32], best: NDArray[np.int64], best_shares: NDArray[np.float32]) -> None:
    """Write the places of the three largest shares above 0, -1 where there are fewer, and the shares."""
    first, second, third = np.float32(0), np.float32(0), np.float32(0)
    best[:] = -1
    for k in range(shares.size):
        share = shares[k]
        if share <= third:
            continue
        if share > first:
            third, second, first = second, first, share
            best[2], best[1], best[0] = best[1], best[0], k
        elif share > second:
            third, second = second, share
            best[2], best[1] = best[1], k
        else:
            third, best[2] = share, k
    best_shares[0], best_shares[1], best_shares[2] = first, second, third


@njit(cache=True, nogil=True)
def _powered_sum(shares: NDArray[np.float32], power: np.float32) -> np.float32:
    total = np.float32(0)
    for share in shares:
        if share > 0:
            total += share**power
    return total
