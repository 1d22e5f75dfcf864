"""Outlines of labelled patches, traced along cell sides so that neighbours share every vertex."""

from typing import NamedTuple

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from ml.compute.grids import Grid
from ml.compute.minimum_unit import NO_LABEL

# Headings in reading order of a clock: east, south, west, north, as (row step, column step).
EAST = 0
ROW_STEPS = np.array([0, 1, 0, -1])
COLUMN_STEPS = np.array([1, 0, -1, 0])
# The cell ahead on the left and on the right of each heading, from the lattice point one stands on.
LEFT_ROWS, LEFT_COLUMNS = np.array([-1, 0, 0, -1]), np.array([0, 0, -1, -1])
RIGHT_ROWS, RIGHT_COLUMNS = np.array([0, 0, -1, -1]), np.array([0, -1, -1, 0])


class _Rings(NamedTuple):
    """Traced rings.

    Attributes:
        owners: (rings,) label of the patch.
        ends: (rings,) one past the last vertex of each ring in `points`.
        points: (vertices, 2) lattice points, column and row.
    """

    owners: NDArray[np.int32]
    ends: NDArray[np.int64]
    points: NDArray[np.int32]


def outline_patches(labels: NDArray[np.int32], grid: Grid, *, factor: int = 1) -> NDArray[np.object_]:
    """Turn labelled patches into polygons that form a valid coverage.

    A vertex stands at every turn and wherever three patches meet, in all of them, so no two neighbours
    leave a gap. Where a patch touches itself at a corner, the corner separates a hole from the outside.

    Args:
        labels: (rows, columns) int32; each label 1..n is one 4-connected patch, 0 is left out.
        grid: the cells of the map.
        factor: cells of `grid` on each side of one cell of `labels`; those at the edges may be cut.

    Returns:
        (n,) shapely polygons, by label.
    """
    padded = np.pad(labels, 1)
    ring_count, vertex_count = _trace(padded, _room_for(0, 0))
    traced = _room_for(ring_count, vertex_count)
    _trace(padded, traced)
    order = np.repeat(np.arange(ring_count), np.diff(traced.ends, prepend=0))
    rings = np.asarray(shapely.linearrings(_map_coordinates(traced.points * factor, grid), indices=order))
    by_owner = np.argsort(traced.owners, kind="stable")  # a patch's first ring is its outside
    return np.asarray(shapely.polygons(rings[by_owner], indices=traced.owners[by_owner] - 1))


def _room_for(ring_count: int, vertex_count: int) -> _Rings:
    return _Rings(
        owners=np.empty(ring_count, np.int32),
        ends=np.empty(ring_count, np.int64),
        points=np.empty((vertex_count, 2), np.int32),
    )


def _map_coordinates(points: NDArray[np.int32], grid: Grid) -> NDArray[np.float64]:
    """Return (n, 2) map coordinates x, y of (n, 2) corners of cells, as column and row."""
    west, _, _, north = grid.bounds
    columns, rows = np.minimum(points, (grid.width, grid.height)).T
    return np.column_stack((west + columns * grid.cell_width, north - rows * grid.cell_height))


@njit(cache=True, nogil=True)
def _trace(padded: NDArray[np.int32], rings: _Rings) -> tuple[int, int]:
    """Follow each outline once with its patch on the right, from the first eastward side not yet followed.

    Rings come in reading order of their first side, so the outside of a patch comes before its holes.

    Args:
        padded: labels with one more cell, 0, on each side.
        rings: filled when it has room for all, untouched when it has room for none.

    Returns:
        How many rings and vertices there are; each ring repeats its first vertex.
    """
    rows, columns = padded.shape
    followed = np.zeros((rows, columns), np.bool_)
    ring_count, vertex_count = 0, 0
    for row in range(1, rows - 1):
        for column in range(1, columns - 1):
            label = padded[row, column]
            if label == NO_LABEL or padded[row - 1, column] == label or followed[row, column]:
                continue
            vertex_count = _follow(padded, followed, row, column, vertex_count, rings)
            if rings.owners.size > 0:
                rings.owners[ring_count] = label
                rings.ends[ring_count] = vertex_count
            ring_count += 1
    return ring_count, vertex_count


@njit(cache=True, nogil=True)
def _follow(
    padded: NDArray[np.int32], followed: NDArray[np.bool_], row: int, column: int, vertex: int, rings: _Rings
) -> int:
    """Follow one outline from the upper left corner of a cell, eastwards; return the next free vertex.

    At a corner where the patch continues diagonally, the outline crosses over to the far cell: the two sides
    of the corner then belong to two rings (outside and hole), and no ring touches itself.
    """
    label = padded[row, column]
    first_row, first_column, heading, start = row, column, EAST, vertex
    while True:
        if heading == EAST:
            followed[row, column] = True
        left_behind = padded[row + LEFT_ROWS[heading], column + LEFT_COLUMNS[heading]]
        row, column = row + ROW_STEPS[heading], column + COLUMN_STEPS[heading]
        left = padded[row + LEFT_ROWS[heading], column + LEFT_COLUMNS[heading]]
        right = padded[row + RIGHT_ROWS[heading], column + RIGHT_COLUMNS[heading]]
        turn = 3 if left == label else 0 if right == label else 1
        if turn != 0 or left != left_behind:
            vertex = _add_vertex(rings, vertex, row, column)
        heading = (heading + turn) % 4
        if row == first_row and column == first_column and heading == EAST:
            return _close_ring(rings, start, vertex)


@njit(cache=True, nogil=True)
def _add_vertex(rings: _Rings, vertex: int, row: int, column: int) -> int:
    if rings.points.size > 0:
        rings.points[vertex, 0] = column - 1  # without the padding
        rings.points[vertex, 1] = row - 1
    return vertex + 1


@njit(cache=True, nogil=True)
def _close_ring(rings: _Rings, start: int, vertex: int) -> int:
    if rings.points.size > 0:
        rings.points[vertex] = rings.points[start]
    return vertex + 1
