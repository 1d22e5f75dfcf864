"""Rivers: where water flows on a coarse relief, how it cuts valleys, and how near a cell is to a river."""

import heapq

import numpy as np
from numba import njit
from numpy.typing import NDArray

Surface = NDArray[np.float64]
Nearness = NDArray[np.float32]
Receivers = NDArray[np.int32]

_TINY_FALL_M = 1e-3


@njit(cache=True, nogil=True)
def route_water(height: Surface) -> tuple[Receivers, Receivers]:
    """Send the water of each cell to a lower neighbour, pits filled (priority flood).

    Args:
        height: (n, n) metres; water leaves by the rim and by cells at or below 0 m.

    Returns:
        receiver: (n * n,) int32, the cell that the water goes to; itself at an outlet.
        order: (n * n,) int32, cells so that each comes after its receiver.
    """
    n = height.shape[0]
    filled = height.copy().ravel()
    receiver = np.arange(n * n).astype(np.int32)
    order = np.empty(n * n, np.int32)
    seen = np.zeros(n * n, np.bool_)
    queue = [(0.0, 0)]
    queue.pop()
    for cell in range(n * n):
        row, column = cell // n, cell % n
        if filled[cell] <= 0 or row in (0, n - 1) or column in (0, n - 1):
            seen[cell] = True
            heapq.heappush(queue, (filled[cell], cell))
    done = 0
    while len(queue):
        level, cell = heapq.heappop(queue)
        order[done] = cell
        done += 1
        _flood_neighbours(cell, level, filled, receiver, seen, queue)
    return receiver, order


@njit(cache=True, nogil=True)
def _flood_neighbours(
    cell: int,
    level: float,
    filled: Surface,
    receiver: Receivers,
    seen: NDArray[np.bool_],
    queue: list[tuple[float, int]],
) -> None:
    n = int(np.sqrt(filled.size))
    row, column = cell // n, cell % n
    for i in range(max(row - 1, 0), min(row + 2, n)):
        for j in range(max(column - 1, 0), min(column + 2, n)):
            other = i * n + j
            if seen[other]:
                continue
            seen[other] = True
            receiver[other] = cell
            filled[other] = max(filled[other], level + _TINY_FALL_M)
            heapq.heappush(queue, (filled[other], other))


@njit(cache=True, nogil=True)
def gather_water(receiver: Receivers, order: Receivers) -> Surface:
    """Return (n * n,) cells drained through each cell, itself included."""
    water = np.ones(receiver.size)
    for i in range(order.size - 1, -1, -1):
        cell = order[i]
        if receiver[cell] != cell:
            water[receiver[cell]] += water[cell]
    return water


@njit(cache=True, nogil=True)
def cut_valleys(height: Surface, strength: float, steps: int) -> Surface:
    """Wear a (n, n) relief in metres by its rivers (implicit stream power, Braun and Willett 2013)."""
    n = height.shape[0]
    h = height.copy()
    for _ in range(steps):
        receiver, order = route_water(h)
        water = gather_water(receiver, order)
        flat = h.ravel()
        for cell in order:
            to = receiver[cell]
            if to == cell or flat[cell] <= flat[to]:
                continue
            diagonal = (cell // n != to // n) and (cell % n != to % n)
            factor = strength * water[cell] ** 0.45 / (1.414 if diagonal else 1.0)
            flat[cell] = (flat[cell] + factor * flat[to]) / (1 + factor)
    return h


@njit(cache=True, nogil=True)
def _stamp(nearness: Nearness, water: NDArray[np.bool_], y: float, x: float, width: float) -> None:
    """Lower the distance to a river, in river widths, around one point of it."""
    size = nearness.shape[0]
    reach = int(3 * width) + 1
    for i in range(max(int(y) - reach, 0), min(int(y) + reach + 1, size)):
        for j in range(max(int(x) - reach, 0), min(int(x) + reach + 1, size)):
            ratio = np.float32(np.sqrt((i - y) ** 2 + (j - x) ** 2) / width)
            nearness[i, j] = min(nearness[i, j], ratio)
            if ratio < 0.3 and width > 3.6:
                water[i, j] = True


@njit(cache=True, nogil=True)
def draw_rivers(
    rows: Surface, columns: Surface, receiver: Receivers, width: Surface, size: int
) -> tuple[Nearness, NDArray[np.bool_]]:
    """Draw rivers on a fine grid as smooth strips.

    Args:
        rows: (n * n,) position of each coarse cell on the fine grid, in fine cells from the north.
        columns: the same from the west.
        receiver: (n * n,) where its water goes.
        width: (n * n,) half-width of the wooded bank in fine cells, 0 where there is no river.
        size: side of the fine grid.

    Returns:
        nearness: (size, size) float32, distance to the nearest river over its width; 9 beyond 3 widths.
        water: (size, size) bool, open water of the widest rivers.
    """
    nearness = np.full((size, size), np.float32(9.0))
    water = np.zeros((size, size), np.bool_)
    for cell in range(receiver.size):
        to = receiver[cell]
        if width[cell] <= 0 or to == cell:
            continue
        after = receiver[to]
        # A quadratic curve from the middle of this reach to the middle of the next rounds the eight directions.
        y0, x0 = (rows[cell] + rows[to]) / 2, (columns[cell] + columns[to]) / 2
        y2, x2 = (rows[to] + rows[after]) / 2, (columns[to] + columns[after]) / 2
        count = int(1.5 * (abs(y2 - y0) + abs(x2 - x0))) + 2
        for k in range(count):
            f = k / (count - 1)
            y = (1 - f) ** 2 * y0 + 2 * f * (1 - f) * rows[to] + f * f * y2
            x = (1 - f) ** 2 * x0 + 2 * f * (1 - f) * columns[to] + f * f * x2
            _stamp(nearness, water, y, x, max((1 - f) * width[cell] + f * width[to], 0.5))
    return nearness, water
