"""The way along a thin feature, through its cells."""

import heapq
import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

NONE = -1


@njit(cache=True, nogil=True)
def longest_way(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> tuple[NDArray[np.int64], float]:
    """Find the two cells of a feature that are farthest apart along it, and the shortest way between them.

    Args:
        rows: (n,) rows of cells that touch by sides or corners, in reading order.
        columns: (n,) their columns.

    Returns:
        Places of the cells on the way, and its length in cells, half a cell at both ends included.
    """
    stride = columns.max() - columns.min() + 3
    places = rows * stride + columns
    from_any, _ = _ways_from(0, places, stride)
    start = int(np.argmax(from_any))
    lengths, before = _ways_from(start, places, stride)
    end = int(np.argmax(lengths))
    way = [end]
    while way[-1] != start:
        way.append(before[way[-1]])
    return np.array(way), lengths[end] + 1.0


@njit(cache=True, nogil=True)
def _ways_from(start: int, places: NDArray[np.int64], stride: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Length of the shortest way from one cell to each, and the cell before each on it."""
    lengths = np.full(places.size, np.inf)
    before = np.full(places.size, NONE, np.int64)
    lengths[start] = 0.0
    waiting = [(0.0, np.int64(start))]
    while len(waiting) > 0:
        length, cell = heapq.heappop(waiting)
        if length > lengths[cell]:
            continue
        for row_step in range(-1, 2):
            for column_step in range(-1, 2):
                wanted = places[cell] + row_step * stride + column_step
                other = np.searchsorted(places, wanted)
                if other == places.size or places[other] != wanted:
                    continue
                further = length + math.sqrt(row_step * row_step + column_step * column_step)
                if further < lengths[other]:
                    lengths[other] = further
                    before[other] = cell
                    heapq.heappush(waiting, (further, np.int64(other)))
    return lengths, before
