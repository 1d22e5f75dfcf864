"""Coarser cells for small scales: the class most frequent in each block."""

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def majority_blocks(classes: NDArray[np.uint16], factor: int) -> NDArray[np.uint16]:
    """Return the majority class of each block of `factor` x `factor` cells; blocks at the edges may be cut.

    Args:
        classes: (rows, columns) class values, 0 where there is no data.
        factor: cells of a block, on each side.

    Returns:
        (ceil(rows / factor), ceil(columns / factor)) class values.
    """
    rows, columns = classes.shape
    blocks = np.zeros((-(-rows // factor), -(-columns // factor)), np.uint16)
    counts = np.zeros(65536, np.int64)
    for row in range(blocks.shape[0]):
        for column in range(blocks.shape[1]):
            block = classes[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            blocks[row, column] = _majority(block.copy().ravel(), counts)
    return blocks


@njit(cache=True, nogil=True)
def _majority(block: NDArray[np.uint16], counts: NDArray[np.int64]) -> int:
    """Return the most frequent value; `counts` is a scratch of zeros, left so."""
    for value in block:
        counts[value] += 1
    best = 0
    if 2 * counts[0] <= block.size:
        counts[0] = 0
        for value in block:
            if counts[value] > counts[best] or (counts[value] == counts[best] and value < best):
                best = int(value)
    counts[0] = 0
    for value in block:
        counts[value] = 0
    return best
