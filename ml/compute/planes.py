"""Compiled loops on planes of cells: gaps filled, seasons summed up, neighbourhoods measured.

All planes are float32 with rows flattened (`cells` = rows x columns); NaN marks missing values.
Sums run in a fixed order around each cell, so a cell's value does not depend on the window it is read in.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

STATISTICS = ("mean", "deviation", "minimum", "quartile_1", "median", "quartile_3", "maximum", "amplitude")
# Quantised features keep the lowest int16 free: nothing is ever above the highest either.
LOWEST, HIGHEST = -32767, 32766
_CHUNK = 256

Planes = NDArray[np.float32]
Days = NDArray[np.float32]


@njit(cache=True, nogil=True)
def fill_series(values: Planes, days: Days, targets: Days) -> Planes:
    """Interpolate each cell linearly in time between its valid dates, edges held.

    Args:
        values: (dates, cells), NaN under cloud.
        days: (dates,) day of each plane, increasing.
        targets: (steps,) days wanted, increasing.

    Returns:
        (steps, cells); NaN where a cell has no value on any date.
    """
    dates, cells = values.shape
    filled = np.empty((targets.size, cells), np.float32)
    for cell in range(cells):
        before, after = -1, _next_valid(values, cell, 0)
        if after == dates:
            filled[:, cell] = np.nan
            continue
        for step in range(targets.size):
            while after < dates and days[after] <= targets[step]:
                before, after = after, _next_valid(values, cell, after + 1)
            if before < 0:
                filled[step, cell] = values[after, cell]
            elif after == dates:
                filled[step, cell] = values[before, cell]
            else:
                share = (targets[step] - days[before]) / (days[after] - days[before])
                first = values[before, cell]
                filled[step, cell] = first + share * (values[after, cell] - first)
    return filled


@njit(cache=True, nogil=True)
def _next_valid(values: Planes, cell: int, date: int) -> int:
    """The first date from `date` on where the cell has a value; the number of dates if none."""
    while date < values.shape[0] and np.isnan(values[date, cell]):
        date += 1
    return date


@njit(cache=True, nogil=True)
def borrow_from_neighbours(filled: Planes, shape: tuple[int, int], radius: int, usual: Days) -> None:
    """Give cells without any value the mean of their neighbours, else the usual curve; in place.

    Args:
        filled: (steps, cells), a cell being NaN at every step or at none.
        shape: rows and columns of the window.
        radius: how far to look, in cells.
        usual: (steps,) value taken where no neighbour has one.
    """
    rows, columns = shape
    missing = np.isnan(filled[0])
    total = np.zeros(filled.shape[0], np.float32)
    for cell in range(missing.size):
        if not missing[cell]:
            continue
        row, column = divmod(cell, columns)
        count = 0
        total[:] = 0
        for near_row in range(max(0, row - radius), min(rows, row + radius + 1)):
            for near_column in range(max(0, column - radius), min(columns, column + radius + 1)):
                near = near_row * columns + near_column
                if not missing[near]:
                    total += filled[:, near]
                    count += 1
        filled[:, cell] = total / np.float32(count) if count else usual


@njit(cache=True, nogil=True)
def summarise(filled: Planes) -> Planes:
    """Statistics over time of each cell, in the order of STATISTICS.

    Args:
        filled: (steps, cells) without NaN.

    Returns:
        (8, cells).
    """
    steps, cells = filled.shape
    summary = np.empty((8, cells), np.float32)
    ordered = np.empty((steps, _CHUNK), np.float32)
    for start in range(0, cells, _CHUNK):
        size = min(_CHUNK, cells - start)
        ordered[:, :size] = filled[:, start : start + size]
        chunk = summary[:, start : start + size]
        _moments(ordered, chunk)
        _sort_columns(ordered, size)
        _quartiles(ordered, chunk)
    return summary


@njit(cache=True, nogil=True)
def _moments(values: Planes, chunk: Planes) -> None:
    """Write mean and standard deviation of each column in the first two rows of the chunk."""
    steps, size = values.shape[0], chunk.shape[1]
    chunk[:2] = 0
    for step in range(steps):
        for i in range(size):
            chunk[0, i] += values[step, i]
    chunk[0] /= np.float32(steps)
    for step in range(steps):
        for i in range(size):
            departure = values[step, i] - chunk[0, i]
            chunk[1, i] += departure * departure
    for i in range(size):
        chunk[1, i] = np.sqrt(chunk[1, i] / np.float32(steps))


@njit(cache=True, nogil=True)
def _quartiles(ordered: Planes, chunk: Planes) -> None:
    """Write minimum, quartiles, maximum and amplitude of sorted columns in rows 2 to 7 of the chunk."""
    steps, size = ordered.shape[0], chunk.shape[1]
    for quarter in range(5):
        position = quarter * (steps - 1) / 4
        low = int(position)
        high = min(low + 1, steps - 1)
        share = np.float32(position - low)
        for i in range(size):
            chunk[2 + quarter, i] = ordered[low, i] + (ordered[high, i] - ordered[low, i]) * share
    for i in range(size):
        chunk[7, i] = chunk[6, i] - chunk[2, i]


@njit(cache=True, nogil=True)
def _sort_columns(ordered: Planes, size: int) -> None:
    """Odd-even transposition sort: the same swaps for every column, so that they vectorise."""
    steps = ordered.shape[0]
    for turn in range(steps):
        for step in range(turn % 2, steps - 1, 2):
            for i in range(size):
                low, high = ordered[step, i], ordered[step + 1, i]
                ordered[step, i] = min(low, high)
                ordered[step + 1, i] = max(low, high)


@njit(cache=True, nogil=True)
def normalised_difference(first: Planes, second: Planes) -> Planes:
    """(first - second) / (first + second), between -1 and 1; 0 where the sum vanishes.

    Args:
        first: (steps, cells).
        second: (steps, cells).

    Returns:
        (steps, cells).
    """
    steps, cells = first.shape
    difference = np.empty((steps, cells), np.float32)
    for step in range(steps):
        for cell in range(cells):
            total = first[step, cell] + second[step, cell]
            ratio = np.float32(0)
            if abs(total) > np.float32(1e-6):
                ratio = (first[step, cell] - second[step, cell]) / total
            difference[step, cell] = min(max(ratio, np.float32(-1)), np.float32(1))
    return difference


@njit(cache=True, nogil=True)
def local_texture(plane: NDArray[np.float32], shape: tuple[int, int], radius: int) -> Planes:
    """Mean and standard deviation of the square around each cell, cut at the window's border.

    Args:
        plane: (cells,) without NaN.
        shape: rows and columns of the window.
        radius: half side of the square, in cells.

    Returns:
        (2, cells): local mean, local standard deviation.
    """
    rows, columns = shape
    texture = np.empty((2, rows * columns), np.float32)
    sums = np.empty(columns, np.float64)
    squares = np.empty(columns, np.float64)
    for row in range(rows):
        top, bottom = max(0, row - radius), min(rows, row + radius + 1)
        sums[:] = 0
        squares[:] = 0
        for near_row in range(top, bottom):
            for column in range(columns):
                value = np.float64(plane[near_row * columns + column])
                sums[column] += value
                squares[column] += value * value
        for column in range(columns):
            left, right = max(0, column - radius), min(columns, column + radius + 1)
            total, total_squares = 0.0, 0.0
            for near in range(left, right):
                total += sums[near]
                total_squares += squares[near]
            count = (bottom - top) * (right - left)
            mean = total / count
            texture[0, row * columns + column] = mean
            texture[1, row * columns + column] = np.sqrt(max(total_squares / count - mean * mean, 0.0))
    return texture


@njit(cache=True, nogil=True)
def quantise(plane: NDArray[np.float32], low: float, step: float, out: NDArray[np.int16]) -> None:
    """Write a plane as int16: `low` becomes LOWEST, each `step` one more, held at HIGHEST.

    Args:
        plane: (cells,) without NaN.
        low: value of the lowest level.
        step: width of a level.
        out: (cells,) int16, written.
    """
    for cell in range(plane.size):
        level = (plane[cell] - low) / step
        out[cell] = np.int16(min(max(np.rint(level), 0.0), 65533.0) - 32767)
