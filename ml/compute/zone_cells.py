"""Cells of zones, counted by the exact share of each cell that a zone covers, without ever drawing the zones."""

import math
from typing import NamedTuple

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from ml.compute.grids import Grid

# Rounding leaves shares of this size where a zone covers nothing, or all, of a cell.
LEAST_SHARE = 1e-9
# Cells of a zone worked on at a time, so that they stay in the processor's cache.
CELLS_AT_A_TIME = 1 << 17


class ZoneEdges(NamedTuple):
    """The sides of zones in cells of a grid, each walked with its zone on the right (rows go down).

    Attributes:
        points: (edges, 4) column and row where an edge begins, column and row where it ends; level ones left out.
        starts: (zones + 1,) where the edges of each zone start.
        extents: (zones, 4) first and last column, first and last row of each zone, as fractions of cells.
    """

    points: NDArray[np.float64]
    starts: NDArray[np.int64]
    extents: NDArray[np.float64]


def zone_edges(zones: NDArray[np.object_], grid: Grid) -> ZoneEdges:
    """Prepare polygons for counting.

    Args:
        zones: (n,) polygons or multipolygons in the CRS of the grid.
        grid: the cells to count.

    Returns:
        Their edges.
    """
    zones = shapely.orient_polygons(zones, exterior_cw=True)
    _, points, (ring_ends, part_ends, zone_ends) = shapely.to_ragged_array(
        [shapely.multipolygons([zone]) if zone.geom_type == "Polygon" else zone for zone in zones]
    )
    west, _, _, north = grid.bounds
    cells = np.column_stack(((points[:, 0] - west) / grid.cell_width, (north - points[:, 1]) / grid.cell_height))
    is_last = np.zeros(len(cells), bool)
    is_last[ring_ends[1:] - 1] = True
    firsts = np.flatnonzero(~is_last)
    firsts = firsts[cells[firsts, 1] != cells[firsts + 1, 1]]
    bounds = shapely.bounds(zones)
    across = (bounds[:, [0, 2]] - west) / grid.cell_width
    down = (north - bounds[:, [3, 1]]) / grid.cell_height
    return ZoneEdges(
        points=np.hstack((cells[firsts], cells[firsts + 1])),
        starts=np.searchsorted(firsts, ring_ends[part_ends[zone_ends]]),
        extents=np.hstack((across, down)),
    )


@njit(cache=True, nogil=True)
def count_cells(kinds: NDArray[np.int32], first_row: int, kind_count: int, edges: ZoneEdges) -> NDArray[np.float64]:
    """Count the cells of each kind in each zone, over one strip of a map.

    Args:
        kinds: (rows, columns) a number below `kind_count` by cell.
        first_row: row of the grid where the strip begins.
        kind_count: how many kinds there are.
        edges: the zones.

    Returns:
        (zones, kind_count) cells, those on a zone's border by the share that the zone covers.
    """
    zone_count = edges.extents.shape[0]
    counts = np.zeros((zone_count, kind_count), np.float64)
    rows, columns = kinds.shape
    for zone in range(zone_count):
        left = max(0, math.floor(edges.extents[zone, 0]))
        right = min(columns, math.ceil(edges.extents[zone, 1]))
        top = max(first_row, math.floor(edges.extents[zone, 2]))
        bottom = min(first_row + rows, math.ceil(edges.extents[zone, 3]))
        if left >= right or top >= bottom:
            continue
        at_a_time = max(1, CELLS_AT_A_TIME // (right - left))
        covers = np.zeros((min(at_a_time, bottom - top), right - left + 2), np.float64)
        for row in range(top, bottom, at_a_time):
            part = covers[: min(at_a_time, bottom - row)]
            _cover(edges, zone, row, left, part)
            below = row - first_row
            _add_covered(kinds[below : below + part.shape[0], left:right], part, counts[zone])
    return counts


@njit(cache=True, nogil=True)
def _cover(edges: ZoneEdges, zone: int, top: int, left: int, covers: NDArray[np.float64]) -> None:
    """Write into `covers` what each edge adds to the share of a cell beyond that of the cell on its left.

    Summed from left to right along a row, they are the exact share of each cell that the zone covers.
    """
    bottom, width = top + covers.shape[0], covers.shape[1] - 2
    for edge in range(edges.starts[zone], edges.starts[zone + 1]):
        x, y, end_x, end_y = edges.points[edge]
        upper, lower = min(y, end_y), max(y, end_y)
        if upper >= bottom or lower <= top:
            continue
        # With the zone on the right, an edge that climbs has its zone to the east.
        sign = 1.0 if y > end_y else -1.0
        slope = (end_x - x) / (end_y - y)
        for row in range(max(top, math.floor(upper)), min(bottom, math.ceil(lower))):
            start, stop = max(upper, row), min(lower, row + 1)
            at_start, at_stop = x + (start - y) * slope - left, x + (stop - y) * slope - left
            _cover_row(covers[row - top], min(at_start, at_stop), max(at_start, at_stop), sign * (stop - start), width)


@njit(cache=True, nogil=True)
def _cover_row(covers: NDArray[np.float64], start: float, stop: float, height: float, width: int) -> None:
    """Add one edge that runs from `start` to `stop` along a row, `height` of it (negative: the end of a zone)."""
    first, last = math.floor(start), math.floor(stop)
    if last < 0:
        covers[0] += height
    elif first >= width:
        return
    elif first == last or stop <= start:
        within = first + 1 - 0.5 * (start + stop)
        covers[first] += height * within
        covers[first + 1] += height * (1 - within)
    else:
        _cover_cells(covers, start, stop, height, width)


@njit(cache=True, nogil=True)
def _cover_cells(covers: NDArray[np.float64], start: float, stop: float, height: float, width: int) -> None:
    """Add one edge that crosses several cells: in each, the area on its right that earlier cells did not have."""
    each = height / (stop - start)
    before = 0.0
    for column in range(max(0, math.floor(start)), min(width + 1, math.floor(stop) + 2)):
        inner_start, inner_stop = max(start, column), min(stop, column + 1)
        crossed = max(0.0, inner_stop - inner_start)
        passed = max(0.0, min(stop, column) - start)
        share = each * (passed + crossed * (column + 1 - 0.5 * (inner_start + inner_stop)))
        covers[column] += share - before
        before = share


@njit(cache=True, nogil=True)
def _add_covered(kinds: NDArray[np.int32], covers: NDArray[np.float64], counts: NDArray[np.float64]) -> None:
    """Add the shares of cells to the counts of their kinds, and clear `covers`."""
    rows, columns = kinds.shape
    for row in range(rows):
        share = 0.0
        for column in range(columns):
            share += covers[row, column]
            if share > LEAST_SHARE:
                counts[kinds[row, column]] += share if share < 1 - LEAST_SHARE else 1.0
    covers[:] = 0.0
