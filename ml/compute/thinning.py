"""Lines with fewer vertices that cross nothing: those of the smallest triangles go first (Visvalingam and Whyatt)."""

import heapq
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.compute.lines import Lines

INDEX_BITS = 32
INDEX_MASK = (1 << INDEX_BITS) - 1
GONE = -2
UNBOUNDED = np.float64(1e300)


class ThinningRules(NamedTuple):
    """What may go. Areas are twice those of triangles, in cells: whole numbers.

    Attributes:
        largest: vertices of larger triangles stay.
        edge: (2,) column and row; triangles that reach beyond stay.
        slack: (patches,) what each patch may lose beside its share of each side, inf where it does not matter.
        sides: (patches,) cell sides around each patch.
    """

    largest: int
    edge: NDArray[np.int64]
    slack: NDArray[np.float64]
    sides: NDArray[np.int64]


class Arcs(NamedTuple):
    """Whole lines, thinned, each in the one direction that does not depend on how it was found.

    Attributes:
        lines: them.
        spares: (arcs, 2) int32 vertex that went last from a line of which only the ends are left; else -1.
    """

    lines: Lines
    spares: NDArray[np.int32]


def no_rules(patches: int) -> ThinningRules:
    """Rules that keep every vertex but those in the middle of a straight side."""
    free = np.full(patches, np.inf)
    return ThinningRules(-1, np.full(2, np.iinfo(np.int32).max, np.int64), free, np.ones(patches, np.int64))


def thin_lines(lines: Lines, corners: NDArray[np.uint8], width: int, rules: ThinningRules) -> Arcs:
    """Thin whole lines.

    A vertex goes when its triangle is small enough and no vertex of the map, thinned or not, lies in it: no line
    then crosses or touches another, whatever the order in which they are thinned. No patch loses more than its slack.

    Args:
        lines: whole lines, changed in place.
        corners: bits of the vertices of all lines, before any is thinned; as they were when this returns.
        width: columns of the map.
        rules: what may go.

    Returns:
        The lines with the vertices that are left.
    """
    _direct(lines)
    spares = np.full((len(lines.ends), 2), -1, np.int32)
    if rules.largest < 0 or not len(lines.ends):
        return Arcs(lines, spares)
    kept = np.ones(len(lines.points), np.bool_)
    _thin(lines, corners, width + 1, rules, (kept, spares))
    ends = np.cumsum(kept, dtype=np.int64)[lines.ends - 1]
    return Arcs(Lines(lines.points[kept], ends, lines.sides, lines.keys, lines.columns), spares)


@njit(cache=True, nogil=True)
def _direct(lines: Lines) -> None:
    """Turn each line the way that its lower key says, and a closed one clockwise from its first corner."""
    start = 0
    for line in range(lines.ends.size):
        points = lines.points[start : lines.ends[line]]
        if lines.keys[line, 0] < 0:
            _direct_ring(points, lines.sides[line])
        elif lines.keys[line, 0] > lines.keys[line, 2]:
            points[:] = points[::-1].copy()
            lines.sides[line] = lines.sides[line][::-1].copy()
            keys = lines.keys[line].copy()
            lines.keys[line, :2] = keys[2:]
            lines.keys[line, 2:] = keys[:2]
        start = lines.ends[line]


@njit(cache=True, nogil=True)
def _direct_ring(points: NDArray[np.int32], sides: NDArray[np.int32]) -> None:
    first = 0
    for place in range(points.shape[0]):
        is_higher = points[place, 1] < points[first, 1]
        if is_higher or (points[place, 1] == points[first, 1] and points[place, 0] < points[first, 0]):
            first = place
    last = points.shape[0] - 1
    ring = np.concatenate((points[first:last], points[:first]))
    if ring[1, 1] != ring[0, 1]:
        ring[1:] = ring[1:][::-1].copy()
        sides[:] = sides[::-1].copy()
    points[:last] = ring
    points[last] = ring[0]


@njit(cache=True, nogil=True)
def _thin(
    lines: Lines,
    corners: NDArray[np.uint8],
    stride: int,
    rules: ThinningRules,
    answer: tuple[NDArray[np.bool_], NDArray[np.int32]],
) -> None:
    kept, spares = answer
    links = np.empty((2, lines.points.shape[0]), np.int64)  # only as far as the longest line is ever touched
    start = 0
    for line in range(lines.ends.size):
        points = lines.points[start : lines.ends[line]]
        if points.shape[0] > 2:
            slack = _slack_of(rules, points, lines.sides[line])
            here = kept[start : lines.ends[line]]
            last = _thin_one(points, (here, links), (corners, stride), rules, slack)
            if last >= 0:
                spares[line] = points[last]
        start = lines.ends[line]


@njit(cache=True, nogil=True)
def _slack_of(rules: ThinningRules, points: NDArray[np.int32], sides: NDArray[np.int32]) -> tuple[float, float]:
    """What the patches on the left and on the right of a line may lose by it: their slack by its share of sides."""
    left, right = rules.slack[sides[0]], rules.slack[sides[1]]
    if left >= UNBOUNDED and right >= UNBOUNDED:
        return UNBOUNDED, UNBOUNDED
    length = 0
    for vertex in range(points.shape[0] - 1):
        length += abs(points[vertex + 1, 0] - points[vertex, 0]) + abs(points[vertex + 1, 1] - points[vertex, 1])
    return left * length / rules.sides[sides[0]], right * length / rules.sides[sides[1]]


@njit(cache=True, nogil=True)
def _thin_one(
    points: NDArray[np.int32],
    vertices: tuple[NDArray[np.bool_], NDArray[np.int64]],
    corners: tuple[NDArray[np.uint8], int],
    rules: ThinningRules,
    slack: tuple[float, float],
) -> int:
    """Thin one line; return the vertex that went last where nothing but the ends is left, else -1."""
    count = points.shape[0]
    fewest = 4 if points[0, 0] == points[count - 1, 0] and points[0, 1] == points[count - 1, 1] else 2
    kept, before, after = vertices[0], vertices[1][0], vertices[1][1]
    for vertex in range(count):
        before[vertex], after[vertex] = vertex - 1, vertex + 1
    waiting = [int(vertex) for vertex in range(0)]
    for vertex in range(1, count - 1):
        _wait(points, vertex, before, after, rules.largest, waiting)
    left, lost, last = count, 0, -1
    while len(waiting) > 0 and left > fewest:
        key = heapq.heappop(waiting)
        vertex = int(key & INDEX_MASK)
        if before[vertex] == GONE:
            continue
        triangle = before[vertex], vertex, after[vertex]
        area = _turn(points, triangle)
        is_too_much = lost + area > slack[1] if area > 0 else area < 0 and -lost - area > slack[0]
        if abs(area) != key >> INDEX_BITS or is_too_much or _is_held(points, triangle, corners, rules.edge):
            continue
        lost, left, last = lost + area, left - 1, vertex
        _drop(points, vertex, before, after, corners)
        kept[vertex] = False
        for beside in (before[vertex], after[vertex]):
            if 0 < beside < count - 1:
                _wait(points, beside, before, after, rules.largest, waiting)
        before[vertex] = GONE
    _set_corners(corners, points)
    return last if left == 2 else -1


@njit(cache=True, nogil=True)
def _wait(
    points: NDArray[np.int32],
    vertex: int,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    largest: int,
    waiting: list[int],
) -> None:
    area = abs(_turn(points, (before[vertex], vertex, after[vertex])))
    if area <= largest:
        heapq.heappush(waiting, int(area << INDEX_BITS | vertex))


@njit(cache=True, nogil=True)
def _drop(
    points: NDArray[np.int32],
    vertex: int,
    before: NDArray[np.int64],
    after: NDArray[np.int64],
    corners: tuple[NDArray[np.uint8], int],
) -> None:
    after[before[vertex]] = after[vertex]
    before[after[vertex]] = before[vertex]
    bits, stride = corners
    place = np.int64(points[vertex, 1]) * stride + points[vertex, 0]
    bits[place >> 3] &= np.uint8(255 - (1 << (place & 7)))


@njit(cache=True, nogil=True)
def _set_corners(corners: tuple[NDArray[np.uint8], int], points: NDArray[np.int32]) -> None:
    bits, stride = corners
    for vertex in range(points.shape[0]):
        place = np.int64(points[vertex, 1]) * stride + points[vertex, 0]
        bits[place >> 3] |= np.uint8(1 << (place & 7))


@njit(cache=True, nogil=True)
def _turn(points: NDArray[np.int32], triangle: tuple[int, int, int]) -> int:
    """Twice the area of a triangle of vertices, positive where the line turns right (rows go down)."""
    first, second, third = triangle
    return _cross(points[first], points[second], int(points[third, 0]), int(points[third, 1]))


@njit(cache=True, nogil=True, inline="always")
def _cross(first: NDArray[np.int32], second: NDArray[np.int32], column: int, row: int) -> int:
    across, down = np.int64(second[0]) - first[0], np.int64(second[1]) - first[1]
    return int(across * (row - second[1]) - down * (column - second[0]))


@njit(cache=True, nogil=True)
def _is_held(
    points: NDArray[np.int32],
    triangle: tuple[int, int, int],
    corners: tuple[NDArray[np.uint8], int],
    edge: NDArray[np.int64],
) -> bool:
    """Whether a vertex lies in or on a triangle, beside its own, or the triangle reaches beyond the edge."""
    one, two, three = points[triangle[0]], points[triangle[1]], points[triangle[2]]
    right, lower = max(one[0], two[0], three[0]), max(one[1], two[1], three[1])
    if right > edge[0] or lower > edge[1]:
        return True
    bits, stride = corners
    for row in range(min(one[1], two[1], three[1]), lower + 1):
        for column in range(min(one[0], two[0], three[0]), right + 1):
            place = row * stride + column
            if bits[place >> 3] >> (place & 7) & 1 and _is_within(one, two, three, column, row):
                return True
    return False


@njit(cache=True, nogil=True)
def _is_within(one: NDArray[np.int32], two: NDArray[np.int32], three: NDArray[np.int32], column: int, row: int) -> bool:
    for own in (one, two, three):
        if own[0] == column and own[1] == row:
            return False
    sides = _cross(one, two, column, row), _cross(two, three, column, row), _cross(three, one, column, row)
    return min(sides) >= 0 or max(sides) <= 0
