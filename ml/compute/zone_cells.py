"""Cells whose centre lies in a zone, counted row by row without ever drawing the zones."""

import math
from typing import NamedTuple

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from ml.compute.grids import Grid

CENTRE = 0.5


class ZoneEdges(NamedTuple):
    """The sides of zones in cells of a grid, each from its upper to its lower end, level ones left out.

    Attributes:
        tops: (edges, 2) column and row of the upper ends.
        bottoms: (edges, 2) column and row of the lower ends.
        starts: (zones + 1,) where the edges of each zone start.
        extents: (zones, 2) upper and lower row of each zone.
    """

    tops: NDArray[np.float64]
    bottoms: NDArray[np.float64]
    starts: NDArray[np.int64]
    extents: NDArray[np.float64]


def zone_edges(zones: NDArray[np.object_], grid: Grid) -> ZoneEdges:
    """Prepare polygons for counting.

    Args:
        zones: (n,) polygons or multipolygons in the CRS of the grid.
        grid: the cells to count.

    Returns:
        Their edges. An edge shared by two zones is the same numbers in both, so that no cell falls between.
    """
    _, points, (ring_ends, part_ends, zone_ends) = shapely.to_ragged_array(
        [shapely.multipolygons([zone]) if zone.geom_type == "Polygon" else zone for zone in zones]
    )
    west, _, _, north = grid.bounds
    cells = np.column_stack(((points[:, 0] - west) / grid.cell_width, (north - points[:, 1]) / grid.cell_height))
    is_last = np.zeros(len(cells), bool)
    is_last[ring_ends[1:] - 1] = True
    firsts = np.flatnonzero(~is_last)
    falls = cells[firsts, 1] < cells[firsts + 1, 1]
    kept = cells[firsts, 1] != cells[firsts + 1, 1]
    tops = np.where(falls[:, None], cells[firsts], cells[firsts + 1])[kept]
    bottoms = np.where(falls[:, None], cells[firsts + 1], cells[firsts])[kept]
    starts = np.searchsorted(firsts[kept], ring_ends[part_ends[zone_ends]])
    bounds = shapely.bounds(zones)
    extents = (north - bounds[:, [3, 1]]) / grid.cell_height
    return ZoneEdges(tops, bottoms, starts, extents)


@njit(cache=True, nogil=True)
def count_cells(kinds: NDArray[np.int32], first_row: int, kind_count: int, edges: ZoneEdges) -> NDArray[np.int64]:
    """Count the cells of each kind in each zone, over one strip of a map.

    Args:
        kinds: (rows, columns) a number below `kind_count` by cell.
        first_row: row of the grid where the strip begins.
        kind_count: how many kinds there are.
        edges: the zones.

    Returns:
        (zones, kind_count) cells whose centre is in the zone; a centre on an edge counts below or right of it.
    """
    zone_count = edges.extents.shape[0]
    counts = np.zeros((zone_count, kind_count), np.int64)
    end_row = first_row + kinds.shape[0]
    for zone in range(zone_count):
        top = max(first_row, math.ceil(edges.extents[zone, 0] - CENTRE))
        bottom = min(end_row, math.ceil(edges.extents[zone, 1] - CENTRE))
        if top < bottom:
            starts, crossings = _cross_rows(edges, zone, top, bottom)
            _count_zone(kinds[top - first_row : bottom - first_row], starts, crossings, counts[zone])
    return counts


@njit(cache=True, nogil=True)
def _cross_rows(edges: ZoneEdges, zone: int, top: int, bottom: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return where the outline of a zone crosses the centre lines of rows `top` to `bottom`, by row."""
    first, last = edges.starts[zone], edges.starts[zone + 1]
    starts = np.zeros(bottom - top + 1, np.int64)
    for edge in range(first, last):
        for row in range(*_rows_crossed(edges, edge, top, bottom)):
            starts[row - top + 1] += 1
    starts = np.cumsum(starts)
    crossings = np.empty(starts[-1], np.float64)
    filled = starts.copy()
    for edge in range(first, last):
        x, y = edges.tops[edge]
        slope = (edges.bottoms[edge, 0] - x) / (edges.bottoms[edge, 1] - y)
        for row in range(*_rows_crossed(edges, edge, top, bottom)):
            crossings[filled[row - top]] = x + (row + CENTRE - y) * slope
            filled[row - top] += 1
    return starts, crossings


@njit(cache=True, nogil=True)
def _rows_crossed(edges: ZoneEdges, edge: int, top: int, bottom: int) -> tuple[int, int]:
    first = max(top, math.ceil(edges.tops[edge, 1] - CENTRE))
    return first, min(bottom, math.ceil(edges.bottoms[edge, 1] - CENTRE))


@njit(cache=True, nogil=True)
def _count_zone(
    kinds: NDArray[np.int32],
    starts: NDArray[np.int64],
    crossings: NDArray[np.float64],
    counts: NDArray[np.int64],
) -> None:
    columns = kinds.shape[1]
    for row in range(kinds.shape[0]):
        across = np.sort(crossings[starts[row] : starts[row + 1]])
        for pair in range(0, across.size - 1, 2):
            left = max(0, math.ceil(across[pair] - CENTRE))
            right = min(columns, math.ceil(across[pair + 1] - CENTRE))
            for column in range(left, right):
                counts[kinds[row, column]] += 1
