"""Fine pixels gathered by cell: how bright, how varied, how edged the ground of a cell is."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Image = NDArray[np.float32]
# Columns of the sums: pixels, value, value squared, pairs, squared difference of pairs, homogeneity, edges, shadow.
COUNT, VALUE, SQUARE, PAIRS, CONTRAST, LIKENESS, EDGES, SHADOWS = range(8)
SUMS = 8


@njit(cache=True, nogil=True)
def gather_pixels(
    image: Image,
    row_of: NDArray[np.int64],
    column_of: NDArray[np.int64],
    sums: NDArray[np.float64],
    histogram: NDArray[np.int32],
    limits: NDArray[np.float64],
) -> None:
    """Add every fine pixel to the sums of the cell that its centre is in.

    Pairs are the pixel with its neighbours to the east, south, south-east and south-west: the four directions of
    a co-occurrence matrix at one pixel, counted where both are known and in the cell of the first.

    Args:
        image: (rows, columns) fine pixels, NaN where unknown, with one more pixel on each side.
        row_of: (rows - 2,) row of the cell of each row of pixels, -1 outside.
        column_of: (columns - 2,) the same for columns.
        sums: (cell rows, cell columns, 8), added to.
        histogram: (cell rows, cell columns, levels), added to.
        limits: lowest value, width of a level, gradient above which a pixel is an edge, value under which it is
            shadow.
    """
    levels = histogram.shape[2]
    for i in range(row_of.size):
        if row_of[i] < 0:
            continue
        for j in range(column_of.size):
            value = np.float64(image[i + 1, j + 1])
            if column_of[j] < 0 or not np.isfinite(value):
                continue
            cell = sums[row_of[i], column_of[j]]
            level = min(max(int((value - limits[0]) / limits[1]), 0), levels - 1)
            histogram[row_of[i], column_of[j], level] += 1
            cell[0] += 1
            cell[1] += value
            cell[2] += value * value
            _add_pairs(image, i + 1, j + 1, limits[1], cell)
            cell[6] += _gradient(image, i + 1, j + 1) > limits[2]
            cell[7] += value < limits[3]


@njit(cache=True, nogil=True)
def _add_pairs(image: Image, row: int, column: int, width: float, cell: NDArray[np.float64]) -> None:
    """Add the four pairs of a pixel."""
    value = np.float64(image[row, column])
    for down, right in ((0, 1), (1, -1), (1, 0), (1, 1)):
        difference = np.float64(image[row + down, column + right]) - value
        if np.isfinite(difference):
            cell[3] += 1
            cell[4] += difference * difference
            apart = difference / width
            cell[5] += 1 / (1 + apart * apart)


@njit(cache=True, nogil=True)
def _gradient(image: Image, row: int, column: int) -> float:
    """Steepness of the brightness by Sobel, in values per pixel; 0 where a neighbour is unknown."""
    a, b, c = image[row - 1, column - 1], image[row - 1, column], image[row - 1, column + 1]
    d, f = image[row, column - 1], image[row, column + 1]
    g, h, k = image[row + 1, column - 1], image[row + 1, column], image[row + 1, column + 1]
    east = (c + 2 * f + k - a - 2 * d - g) / 8
    south = (g + 2 * h + k - a - 2 * b - c) / 8
    steepness = np.sqrt(east * east + south * south)
    return steepness if np.isfinite(steepness) else 0.0


@njit(cache=True, nogil=True)
def entropies(histogram: NDArray[np.int32]) -> NDArray[np.float32]:
    """Shannon entropy of the levels of each cell, as a share of the highest possible.

    Args:
        histogram: (rows, columns, levels) pixels.

    Returns:
        (rows, columns) 0-1; 0 for a cell without pixels.
    """
    rows, columns, levels = histogram.shape
    entropy = np.zeros((rows, columns), np.float32)
    for row in range(rows):
        for column in range(columns):
            total = 0
            for level in range(levels):
                total += histogram[row, column, level]
            spread = 0.0
            for level in range(levels):
                if histogram[row, column, level] > 0:
                    share = histogram[row, column, level] / total
                    spread -= share * np.log(share)
            entropy[row, column] = spread / np.log(levels)
    return entropy
