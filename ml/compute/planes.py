"""Compiled loops on planes of cells: gaps filled, seasons summed up, neighbourhoods measured.

All planes are float32 with rows flattened (`cells` = rows x columns); NaN marks missing values.
Sums run in a fixed order around each cell, so a cell's value does not depend on the window it is read in.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

STATISTICS = ("mean", "deviation", "minimum", "quartile_1", "median", "quartile_3", "maximum", "amplitude")
# Quantised features leave both ends of int16 free: no level is above a leaf's threshold.
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
            for step in range(targets.size):
                filled[step, cell] = np.nan
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
    steps = filled.shape[0]
    missing = np.empty(rows * columns, np.bool_)
    # Valid cells left of each place in its row: empty surroundings, as a frame, are told by a few differences.
    valid_before = np.zeros((rows, columns + 1), np.int32)
    for cell in range(missing.size):
        row, column = divmod(cell, columns)
        missing[cell] = np.isnan(filled[0, cell])
        valid_before[row, column + 1] = valid_before[row, column] + np.int32(not missing[cell])
    total = np.empty(steps, np.float32)
    for cell in range(missing.size):
        if not missing[cell]:
            continue
        row, column = divmod(cell, columns)
        left, right = max(0, column - radius), min(columns, column + radius + 1)
        top, bottom = max(0, row - radius), min(rows, row + radius + 1)
        count = _sum_valid(filled, missing, valid_before, (top, bottom, left, right), total)
        for step in range(steps):
            filled[step, cell] = total[step] / np.float32(count) if count else usual[step]


@njit(cache=True, nogil=True)
def _sum_valid(
    filled: Planes,
    missing: NDArray[np.bool_],
    valid_before: NDArray[np.int32],
    square: tuple[int, int, int, int],
    total: NDArray[np.float32],
) -> int:
    """Sum each step over the valid cells of a square into `total`; how many there are."""
    top, bottom, left, right = square
    columns = valid_before.shape[1] - 1
    count = 0
    for step in range(total.size):
        total[step] = 0
    for row in range(top, bottom):
        if valid_before[row, right] == valid_before[row, left]:
            continue
        for near in range(row * columns + left, row * columns + right):
            if not missing[near]:
                count += 1
                for step in range(total.size):
                    total[step] += filled[step, near]
    return count


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
        for step in range(steps):
            for i in range(size):
                ordered[step, i] = filled[step, start + i]
        _moments(ordered, summary, start, size)
        _sort_columns(ordered, size)
        _quartiles(ordered, summary, start, size)
    return summary


@njit(cache=True, nogil=True)
def _moments(values: Planes, summary: Planes, start: int, size: int) -> None:
    """Write mean and standard deviation of each column in rows 0 and 1 of the summary."""
    steps = values.shape[0]
    for i in range(size):
        summary[0, start + i] = 0
        summary[1, start + i] = 0
    for step in range(steps):
        for i in range(size):
            summary[0, start + i] += values[step, i]
    for i in range(start, start + size):
        summary[0, i] /= np.float32(steps)
    for step in range(steps):
        for i in range(size):
            departure = values[step, i] - summary[0, start + i]
            summary[1, start + i] += departure * departure
    for i in range(start, start + size):
        summary[1, i] = np.sqrt(summary[1, i] / np.float32(steps))


@njit(cache=True, nogil=True)
def _quartiles(ordered: Planes, summary: Planes, start: int, size: int) -> None:
    """Write minimum, quartiles, maximum and amplitude of sorted columns in rows 2 to 7 of the summary."""
    steps = ordered.shape[0]
    for quarter in range(5):
        position = quarter * (steps - 1) / 4
        low = int(position)
        high = min(low + 1, steps - 1)
        share = np.float32(position - low)
        for i in range(size):
            difference = ordered[high, i] - ordered[low, i]
            summary[2 + quarter, start + i] = ordered[low, i] + difference * share
    for i in range(start, start + size):
        summary[7, i] = summary[6, i] - summary[2, i]


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
    # Empty margins on both sides: every cell then adds up the same places, and the compiler goes by vectors.
    sums = np.zeros(columns + 2 * radius, np.float64)
    squares = np.zeros(columns + 2 * radius, np.float64)
    total, total_squares = np.empty(columns, np.float64), np.empty(columns, np.float64)
    for row in range(rows):
        top, bottom = max(0, row - radius), min(rows, row + radius + 1)
        _sum_rows(plane[top * columns : bottom * columns], sums[radius:], squares[radius:], columns)
        total[:] = 0
        total_squares[:] = 0
        for near in range(2 * radius + 1):
            for column in range(columns):
                total[column] += sums[near + column]
                total_squares[column] += squares[near + column]
        for column in range(columns):
            count = (bottom - top) * (min(columns, column + radius + 1) - max(0, column - radius))
            share = 1.0 / count
            mean = total[column] * share
            texture[0, row * columns + column] = mean
            texture[1, row * columns + column] = np.sqrt(max(total_squares[column] * share - mean * mean, 0.0))
    return texture


@njit(cache=True, nogil=True)
def _sum_rows(rows: NDArray[np.float32], sums: NDArray[np.float64], squares: NDArray[np.float64], columns: int) -> None:
    """Sum of each column of some rows, and of its squares, into the first `columns` places."""
    for column in range(columns):
        sums[column] = 0
        squares[column] = 0
    for start in range(0, rows.size, columns):
        for column in range(columns):
            value = np.float64(rows[start + column])
            sums[column] += value
            squares[column] += value * value


@njit(cache=True, nogil=True)
def quantise(
    plane: NDArray[np.float32], places: NDArray[np.intp], low: float, per_unit: float, out: NDArray[np.int16]
) -> None:
    """Write chosen cells of a plane as int16: `low` becomes LOWEST, each unit `per_unit` more, up to HIGHEST.

    Args:
        plane: (cells,) without NaN.
        places: (chosen,) cells to write.
        low: value of the lowest level.
        per_unit: levels per unit of the value.
        out: (chosen,) int16, written.
    """
    for i in range(places.size):
        level = np.rint((plane[places[i]] - low) * per_unit)
        out[i] = np.int16(min(max(level, 0.0), HIGHEST - LOWEST) + LOWEST)
