"""Outlines of patches that form a valid coverage: every line between two patches is drawn once, for both."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from ml.compute.arcs import corner_bytes, trace_lines
from ml.compute.grids import Grid
from ml.compute.lines import Lines, chain_lines, no_lines, split_lines
from ml.compute.patch_labels import NO_LABEL, with_row_above
from ml.compute.thinning import Arcs, ThinningRules, no_rules, thin_lines

# More than the columns of any map, and, for pairs of nodes, a factor that keeps most of them apart.
MANY = 2**31

LabelledStrips = Iterator[tuple[int, NDArray[np.int32]]]


class Outlines(NamedTuple):
    """Arcs, and how they follow each other around patches.

    Attributes:
        lines: the arcs.
        owners: (ways,) patch on the right of each way, sorted; a way is an arc in one direction.
        ways: (ways,) arc x 2, + 1 where it is walked backwards.
        following: (ways,) place of the way that goes on around the same patch.
    """

    lines: Lines
    owners: NDArray[np.int32]
    ways: NDArray[np.int64]
    following: NDArray[np.int64]

    def polygons(self, first: int, last: int, grid: Grid, factor: int = 1) -> NDArray[np.object_]:
        """Draw patches `first` to `last`, both included, in the coordinates of a grid."""
        start, stop = np.searchsorted(self.owners, [first, last + 1])
        points, ends, owners = _rings(self, start, stop)
        if not len(ends):
            return np.zeros(0, object)
        order = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        rings = np.asarray(shapely.linearrings(_map_coordinates(points * factor, grid), indices=order))
        return np.asarray(shapely.polygons(rings, indices=owners - first))


def outline_patches(
    labels: NDArray[np.int32], grid: Grid, *, factor: int = 1, tolerance: float = 0.0
) -> NDArray[np.object_]:
    """Turn labelled patches into polygons that form a valid coverage.

    A vertex stands at every turn and wherever three patches meet, in all of them, so no two neighbours
    leave a gap. Where a patch touches itself at a corner, the corner separates a hole from the outside.

    Args:
        labels: (rows, columns) int32; each label 1..n is one 4-connected patch, 0 is left out.
        grid: the cells of the map.
        factor: cells of `grid` on each side of one cell of `labels`; those at the edges may be cut.
        tolerance: root of the area, in units of the grid, of the largest triangle whose vertex goes; 0 keeps all.

    Returns:
        (n,) shapely polygons, by label.
    """
    count = int(labels.max(initial=0))
    rules = rules_for(count, grid, factor=factor, tolerance=tolerance)
    outlines = draw_outlines(iter([(0, labels)]), labels.shape[1], labels.shape[0], rules)
    return outlines.polygons(1, count, grid, factor)


def rules_for(patches: int, grid: Grid, *, factor: int = 1, tolerance: float = 0.0) -> ThinningRules:
    """What may go from the lines of a map, when patches may lose what they like.

    Where the last blocks are cut by the edge of the grid, lines there keep their vertices: their triangles are
    not those of whole blocks.
    """
    if tolerance <= 0:
        return no_rules(patches + 1)
    cell = grid.cell_width * grid.cell_height * factor**2
    edge = np.array([side // factor if side % factor else side for side in (grid.width, grid.height)], np.int64)
    free = no_rules(patches + 1)
    return free._replace(largest=int(2 * tolerance**2 / cell * (1 + 1e-9)), edge=edge)


def draw_outlines(strips: LabelledStrips, width: int, height: int, rules: ThinningRules) -> Outlines:
    """Trace and thin the arcs of a map read strip by strip.

    Args:
        strips: first row and (rows, width) patches of each strip, from top to bottom.
        width: columns of the map.
        height: rows of the map.
        rules: which vertices may go.

    Returns:
        The outlines, the same wherever the strips are cut. One bit by corner of the map is held meanwhile.
    """
    corners = np.zeros(corner_bytes(width, height), np.uint8)
    found, above = [], no_lines()
    for first, cells in with_row_above(strips, width, height):
        whole, above = split_lines(trace_lines(cells, first, above, corners))
        found.append(thin_lines(whole, corners, width, rules))
    spares = np.concatenate([arcs.spares for arcs in found])
    lines = chain_lines(arcs.lines for arcs in found)
    found.clear()
    return _joined(_without_twins(Arcs(lines, spares)))


def _without_twins(arcs: Arcs) -> Lines:
    """Give their last vertex back to arcs that became the same straight line between the same two nodes."""
    lines = arcs.lines
    is_short = (np.diff(lines.ends, prepend=0) == 2) & (lines.keys[:, 0] >= 0)
    nodes = np.sort(lines.keys[is_short][:, [0, 2]] // 4, axis=1)
    _pairs, where, counts = np.unique(nodes[:, 0] * MANY + nodes[:, 1], return_inverse=True, return_counts=True)
    twins = np.flatnonzero(is_short)[counts[where] > 1]
    twins = twins[arcs.spares[twins, 0] >= 0]
    if not twins.size:
        return lines
    points = np.insert(lines.points, lines.ends[twins] - 1, arcs.spares[twins], axis=0)
    added = np.zeros(len(lines.ends), np.int64)
    added[twins] = 1
    return lines._replace(points=points, ends=lines.ends + np.cumsum(added))


def _joined(lines: Lines) -> Outlines:
    """Find which way follows which around each patch."""
    count = len(lines.ends)
    owners = lines.sides[:, ::-1].ravel()  # forwards the patch on the right, backwards the one on the left
    leaving, onward = lines.keys[:, [0, 2]].ravel(), lines.keys[:, [3, 1]].ravel()
    firsts = lines.points[np.concatenate([[0], lines.ends[:-1]]).astype(np.int64)[:count]]
    is_ring = leaving < 0
    place = firsts[:, 1].astype(np.int64) * MANY + firsts[:, 0]
    sorting = np.where(is_ring, place.repeat(2), leaving)
    ways = np.lexsort((sorting, is_ring, owners))
    ways = ways[owners[ways] != NO_LABEL]
    following = np.arange(ways.size)
    is_arc = np.flatnonzero(~is_ring[ways])
    by_key = is_arc[np.argsort(leaving[ways[is_arc]])]
    following[is_arc] = by_key[np.searchsorted(leaving[ways[by_key]], onward[ways[is_arc]])]
    return Outlines(lines, owners[ways], ways, following)


@njit(cache=True, nogil=True)
def _rings(outlines: Outlines, start: int, stop: int) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Write the rings of some ways, the outside of each patch before its holes: vertices, ends, owners."""
    total = stop - start
    for place in range(start, stop):
        arc = outlines.ways[place] // 2
        total += outlines.lines.ends[arc] - (outlines.lines.ends[arc - 1] if arc > 0 else 0)
    points = np.empty((total, 2), np.int32)
    ends, owners = np.empty(stop - start, np.int64), np.empty(stop - start, np.int32)
    walked = np.zeros(stop - start, np.bool_)
    count, vertex = 0, 0
    for place in range(start, stop):
        if walked[place - start]:
            continue
        first = vertex
        vertex = _write_ring(outlines, place, start, walked, points, vertex)
        ends[count], owners[count] = vertex, outlines.owners[place]
        _put_outside_first(points, first, ends, owners, count)
        count += 1
    return points[:vertex], ends[:count], owners[:count]


@njit(cache=True, nogil=True)
def _write_ring(
    outlines: Outlines, place: int, start: int, walked: NDArray[np.bool_], points: NDArray[np.int32], vertex: int
) -> int:
    lines = outlines.lines
    first = vertex
    while not walked[place - start]:
        walked[place - start] = True
        arc, backwards = outlines.ways[place] // 2, outlines.ways[place] % 2
        begin, end = lines.ends[arc - 1] if arc > 0 else 0, lines.ends[arc]
        for step in range(end - begin - 1):
            points[vertex] = lines.points[end - 1 - step if backwards else begin + step]
            vertex += 1
        place = outlines.following[place]
    points[vertex] = points[first]
    return vertex + 1


@njit(cache=True, nogil=True)
def _put_outside_first(
    points: NDArray[np.int32], first: int, ends: NDArray[np.int64], owners: NDArray[np.int32], count: int
) -> None:
    """Move a clockwise ring, the outside, before the holes of its patch that were written earlier."""
    begin = count
    while begin > 0 and owners[begin - 1] == owners[count]:
        begin -= 1
    if begin == count or not _is_clockwise(points[first : ends[count]]):
        return
    opening = ends[begin - 1] if begin > 0 else 0
    outside = points[first : ends[count]].copy()
    holes = points[opening:first].copy()
    points[opening : opening + len(outside)] = outside
    points[opening + len(outside) : ends[count]] = holes
    for ring in range(count - 1, begin - 1, -1):
        ends[ring + 1] = ends[ring] + len(outside)
    ends[begin] = opening + len(outside)


@njit(cache=True, nogil=True)
def _is_clockwise(ring: NDArray[np.int32]) -> bool:
    """Whether a ring has its inside on the right (rows go down)."""
    area = np.int64(0)
    for vertex in range(ring.shape[0] - 1):
        one, other = ring[vertex], ring[vertex + 1]
        area += np.int64(one[0]) * other[1] - np.int64(other[0]) * one[1]
    return bool(area > 0)


def _map_coordinates(points: NDArray[np.int32], grid: Grid) -> NDArray[np.float64]:
    """Return (n, 2) map coordinates x, y of (n, 2) corners of cells, as column and row."""
    west, _, _, north = grid.bounds
    columns, rows = np.minimum(points, (grid.width, grid.height)).T
    return np.column_stack((west + columns * grid.cell_width, north - rows * grid.cell_height))
