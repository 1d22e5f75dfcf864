"""Arcs: the lines between two patches, from a point where three of them meet to the next, traced strip by strip."""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.compute.lines import Lines, lines_room

# Headings in the order of a clock: east, south, west, north, as (row step, column step).
EAST, SOUTH, WEST, NORTH = 0, 1, 2, 3
HEADINGS = 4
ROW_STEPS = np.array([0, 1, 0, -1])
COLUMN_STEPS = np.array([1, 0, -1, 0])
# The cell ahead on the left and on the right of each heading, seen from a corner of cells; the cell south-east of
# corner (row, column) is `cells[row + 1, column + 1]`.
LEFT_ROWS, LEFT_COLUMNS = np.array([0, 1, 1, 0]), np.array([1, 1, 0, 0])
RIGHT_ROWS, RIGHT_COLUMNS = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 1])
# How a walk ends: at a node, at the node where a line of the strip above began, at the lower edge, where it began.
WALKING, AT_NODE, AT_NODE_ABOVE, AT_EDGE, AT_START = 0, 1, 2, 3, 4
NOWHERE = -1
# The heading that goes on from a corner, by the sides that meet there (bit = heading) and the heading of arrival;
# NOWHERE at a node, where more than two sides meet.
ONWARD = np.array(
    [
        [
            next((way for way in range(HEADINGS) if sides == 1 << way | 1 << (heading + 2) % HEADINGS), NOWHERE)
            for heading in range(HEADINGS)
        ]
        for sides in range(1 << HEADINGS)
    ]
)


class _Strip(NamedTuple):
    """What a walk needs.

    Attributes:
        cells: (rows + 1, columns + 2) patches, with the last row of the strip above and 0 on both sides.
        seen: (rows + 1, columns + 1) sides walked: 1 the side east of a corner, 2 the side south of it.
        above: lines that the strip above left open.
        open_at: (columns + 1,) line above x 2 + end, where one is open on the upper edge; else -1.
        used: (lines above,) whether a line above has been taken up.
        points: vertices written.
        first_node: number of the first corner of the strip in the map.
    """

    cells: NDArray[np.int32]
    seen: NDArray[np.uint8]
    above: Lines
    open_at: NDArray[np.int64]
    used: NDArray[np.bool_]
    points: NDArray[np.int32]
    first_node: int


class _Stand(NamedTuple):
    """Where a walk stands: next free vertex, corner, heading, how it ended and, at a node above, which line's."""

    vertex: int
    row: int
    column: int
    heading: int
    kind: int
    line: int


def trace_lines(cells: NDArray[np.int32], first_row: int, above: Lines, corners: NDArray[np.uint8]) -> Lines:
    """Trace the lines of a strip once each, going on with those that the strip above left open.

    Args:
        cells: (rows + 1, columns + 2) patches of the strip, with the last row of the strip above and 0 around.
        first_row: row of the map where the strip begins.
        above: lines left open by the strip above.
        corners: bits of all corners of the map, where those that are a vertex are set (see `corner_bytes`).

    Returns:
        Lines that are whole and lines that are open at the lower edge of the strip.
    """
    vertices, ends = _mark_vertices(cells, first_row, corners)
    room = lines_room(2 * vertices + len(above.points) + 2, ends + vertices + len(above.ends))
    strip = _Strip(
        cells=cells,
        seen=np.zeros((cells.shape[0], cells.shape[1] - 1), np.uint8),
        above=above,
        open_at=_open_columns(above.columns, cells.shape[1] - 1),
        used=np.zeros(len(above.ends), np.bool_),
        points=room.points,
        first_node=first_row * (cells.shape[1] - 1),
    )
    count = _trace(strip, room)
    vertex = int(room.ends[count - 1]) if count else 0
    return Lines(room.points[:vertex], room.ends[:count], room.sides[:count], room.keys[:count], room.columns[:count])


def corner_bytes(width: int, height: int) -> int:
    """How many bytes hold one bit for each corner of the cells of a map."""
    return ((width + 1) * (height + 1) + 7) // 8


def _open_columns(columns: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    open_at = np.full(count, NOWHERE, np.int64)
    flat = columns.ravel()
    open_at[flat[flat >= 0]] = np.flatnonzero(flat >= 0)
    return open_at


@njit(cache=True, nogil=True)
def _mark_vertices(cells: NDArray[np.int32], first_row: int, corners: NDArray[np.uint8]) -> tuple[int, int]:
    """Set the bit of each vertex; return a bound of the vertices of the lines, and the lines open below."""
    rows, columns = cells.shape[0] - 1, cells.shape[1] - 1
    vertices, ends = 0, 0
    for row in range(rows):
        for column in range(columns):
            sides = _sides_at(cells, row, column)
            if sides != 0 and sides != 0b0101 and sides != 0b1010:
                place = (first_row + row) * columns + column
                corners[place >> 3] |= np.uint8(1 << (place & 7))
                vertices += HEADINGS if _is_node(sides) else 1
            if row == rows - 1 and cells[rows, column] != cells[rows, column + 1]:
                ends += 1
    return vertices, ends


@njit(cache=True, nogil=True, inline="always")
def _sides_at(cells: NDArray[np.int32], row: int, column: int) -> int:
    """The sides that meet at a corner: bit 0 the one to the east, 1 south, 2 west, 3 north."""
    north_west, north_east = cells[row, column], cells[row, column + 1]
    south_west, south_east = cells[row + 1, column], cells[row + 1, column + 1]
    if north_west == south_east and north_east == south_west and north_west == north_east:
        return 0
    return (
        (north_east != south_east)
        | (south_west != south_east) << 1
        | (north_west != south_west) << 2
        | (north_west != north_east) << 3
    )


@njit(cache=True, nogil=True)
def _is_node(sides: int) -> bool:
    return sides in (0b0111, 0b1011, 0b1101, 0b1110, 0b1111)


@njit(cache=True, nogil=True)
def _trace(strip: _Strip, lines: Lines) -> int:
    """Trace every line: from nodes, from nodes above, up from the lower edge, then those that are closed."""
    rows, columns = strip.seen.shape
    count = 0
    for row in range(rows - 1):
        for column in range(columns):
            sides = _sides_at(strip.cells, row, column)
            if _is_node(sides):
                count = _from_sides(strip, lines, count, row, column, sides)
    for line in range(strip.used.size):
        if not strip.used[line] and strip.above.columns[line, 0] == NOWHERE:
            count = _from_above(strip, lines, count, line)
    for column in range(columns):
        if strip.cells[rows - 1, column] != strip.cells[rows - 1, column + 1]:
            count = _from_edge(strip, lines, count, column)
    return _trace_closed(strip, lines, count)


@njit(cache=True, nogil=True)
def _trace_closed(strip: _Strip, lines: Lines, count: int) -> int:
    rows, columns = strip.seen.shape
    for row in range(rows - 1):
        for column in range(columns - 1):
            if strip.cells[row, column + 1] != strip.cells[row + 1, column + 1] and not strip.seen[row, column] & 1:
                count = _around(strip, lines, count, row, column)
    return count


@njit(cache=True, nogil=True)
def _from_sides(strip: _Strip, lines: Lines, count: int, row: int, column: int, sides: int) -> int:
    for heading in range(HEADINGS):
        if sides >> heading & 1:
            count = _from_node(strip, lines, count, row, column, heading)
    return count


@njit(cache=True, nogil=True)
def _from_node(strip: _Strip, lines: Lines, count: int, row: int, column: int, heading: int) -> int:
    goes_above = heading == NORTH and row == 0
    if strip.used[strip.open_at[column] // 2] if goes_above else _is_seen(strip.seen, row, column, heading):
        return count
    start = lines.ends[count - 1] if count > 0 else 0
    left, right = _cells_beside(strip.cells, row, column, heading)
    node = strip.first_node + row * strip.seen.shape[1] + column
    lines.sides[count, 0], lines.sides[count, 1] = left, right
    lines.keys[count, 0] = node * HEADINGS + heading
    back = (heading + 2) % HEADINGS
    lines.keys[count, 1] = node * HEADINGS + _turned(strip.cells, row, column, back, left)
    lines.columns[count, 0] = NOWHERE
    _write_point(strip, start, row, column)
    if goes_above:
        return _finish(strip, lines, count, _go_on(strip, _climb(strip, start + 1, column)))
    return _finish(strip, lines, count, _walk(strip, _Stand(start + 1, row, column, heading, WALKING, NOWHERE)))


@njit(cache=True, nogil=True)
def _from_above(strip: _Strip, lines: Lines, count: int, line: int) -> int:
    start = lines.ends[count - 1] if count > 0 else 0
    lines.sides[count] = strip.above.sides[line]
    lines.keys[count] = strip.above.keys[line]
    lines.columns[count, 0] = NOWHERE
    vertex = _copy_above(strip, line, 0, start)
    stand = _Stand(vertex, 0, strip.above.columns[line, 1], SOUTH, WALKING, NOWHERE)
    return _finish(strip, lines, count, _go_on(strip, stand))


@njit(cache=True, nogil=True)
def _from_edge(strip: _Strip, lines: Lines, count: int, column: int) -> int:
    rows = strip.seen.shape[0] - 1
    if _is_seen(strip.seen, rows, column, NORTH):
        return count
    start = lines.ends[count - 1] if count > 0 else 0
    left, right = strip.cells[rows, column], strip.cells[rows, column + 1]
    lines.sides[count, 0], lines.sides[count, 1] = left, right
    lines.keys[count] = NOWHERE
    lines.columns[count, 0] = column
    return _finish(strip, lines, count, _walk(strip, _Stand(start, rows, column, NORTH, WALKING, NOWHERE)))


@njit(cache=True, nogil=True)
def _around(strip: _Strip, lines: Lines, count: int, row: int, column: int) -> int:
    start = lines.ends[count - 1] if count > 0 else 0
    left, right = _cells_beside(strip.cells, row, column, EAST)
    lines.sides[count, 0], lines.sides[count, 1] = left, right
    lines.keys[count] = NOWHERE
    lines.columns[count, 0] = NOWHERE
    _write_point(strip, start, row, column)
    return _finish(strip, lines, count, _walk(strip, _Stand(start + 1, row, column, EAST, WALKING, NOWHERE)))


@njit(cache=True, nogil=True)
def _walk(strip: _Strip, stand: _Stand) -> _Stand:
    """Walk along cell sides until the line ends."""
    cells, seen, points = strip.cells, strip.seen, strip.points
    top, edge = strip.first_node // seen.shape[1], seen.shape[0] - 1
    first_row, first_column, first_heading = stand.row, stand.column, stand.heading
    vertex, row, column, heading = stand.vertex, stand.row, stand.column, stand.heading
    while True:
        _see(seen, row, column, heading)
        row, column = row + ROW_STEPS[heading], column + COLUMN_STEPS[heading]
        if row == edge:
            return _Stand(vertex, row, column, heading, AT_EDGE, NOWHERE)
        leaving = ONWARD[_sides_at(cells, row, column), heading]
        if leaving == NOWHERE or (leaving == NORTH and row == 0):
            stand = _arrive(strip, _Stand(vertex, row, column, heading, WALKING, NOWHERE))
            if stand.kind != WALKING:
                return stand
            vertex, row, column, leaving = stand.vertex, stand.row, stand.column, stand.heading
        elif leaving != heading:
            points[vertex, 0], points[vertex, 1] = column, row + top
            vertex += 1
        heading = leaving
        if row == first_row and column == first_column and heading == first_heading:
            return _Stand(vertex, row, column, heading, AT_START, NOWHERE)


@njit(cache=True, nogil=True)
def _arrive(strip: _Strip, stand: _Stand) -> _Stand:
    """Turn at a corner, and follow the line through the strips above when it goes there."""
    vertex, row, column, heading = stand.vertex, stand.row, stand.column, stand.heading
    while True:
        leaving = ONWARD[_sides_at(strip.cells, row, column), heading]
        if leaving == NOWHERE:
            _write_point(strip, vertex, row, column)
            return _Stand(vertex + 1, row, column, heading, AT_NODE, NOWHERE)
        if leaving != heading:
            _write_point(strip, vertex, row, column)
            vertex += 1
        if leaving != NORTH or row > 0:
            return _Stand(vertex, row, column, leaving, WALKING, NOWHERE)
        stand = _climb(strip, vertex, column)
        if stand.kind != WALKING:
            return stand
        vertex, column, heading = stand.vertex, stand.column, SOUTH


@njit(cache=True, nogil=True)
def _climb(strip: _Strip, vertex: int, column: int) -> _Stand:
    """Follow a line through the strips above, to its node there or back down to the upper edge."""
    line, end = strip.open_at[column] // 2, strip.open_at[column] % 2
    vertex = _copy_above(strip, line, end, vertex)
    back = strip.above.columns[line, 1 - end]
    return _Stand(vertex, 0, back, SOUTH, AT_NODE_ABOVE if back == NOWHERE else WALKING, line)


@njit(cache=True, nogil=True)
def _go_on(strip: _Strip, stand: _Stand) -> _Stand:
    """Go on from the upper edge, where a line comes down, unless it ended above."""
    if stand.kind == WALKING:
        stand = _arrive(strip, stand)
    return _walk(strip, stand) if stand.kind == WALKING else stand


@njit(cache=True, nogil=True)
def _copy_above(strip: _Strip, line: int, end: int, vertex: int) -> int:
    """Write the vertices of a line above from one of its ends to the other."""
    start = strip.above.ends[line - 1] if line > 0 else 0
    stop = strip.above.ends[line]
    strip.used[line] = True
    for step in range(stop - start):
        strip.points[vertex + step] = strip.above.points[start + step if end == 0 else stop - 1 - step]
    return int(vertex + stop - start)


@njit(cache=True, nogil=True)
def _finish(strip: _Strip, lines: Lines, count: int, stand: _Stand) -> int:
    """Write down how a line ends."""
    lines.ends[count] = stand.vertex
    lines.columns[count, 1] = stand.column if stand.kind == AT_EDGE else NOWHERE
    if stand.kind == AT_NODE:
        node = strip.first_node + stand.row * strip.seen.shape[1] + stand.column
        onward = _turned(strip.cells, stand.row, stand.column, stand.heading, lines.sides[count, 1])
        lines.keys[count, 2] = node * HEADINGS + (stand.heading + 2) % HEADINGS
        lines.keys[count, 3] = node * HEADINGS + onward
    elif stand.kind == AT_NODE_ABOVE:
        lines.keys[count, 2] = strip.above.keys[stand.line, 0]
        lines.keys[count, 3] = strip.above.keys[stand.line, 1]
    return count + 1


@njit(cache=True, nogil=True)
def _turned(cells: NDArray[np.int32], row: int, column: int, heading: int, patch: int) -> int:
    """The heading that keeps a patch on the right beyond a corner.

    Where the patch goes on diagonally, its outline crosses over to the far cell: the two sides of the corner then
    belong to two rings (outside and hole), and no ring touches itself.
    """
    left, right = _cells_beside(cells, row, column, heading)
    turn = 3 if left == patch else 0 if right == patch else 1
    return (heading + turn) % HEADINGS


@njit(cache=True, nogil=True)
def _cells_beside(cells: NDArray[np.int32], row: int, column: int, heading: int) -> tuple[int, int]:
    left = cells[row + LEFT_ROWS[heading], column + LEFT_COLUMNS[heading]]
    return left, cells[row + RIGHT_ROWS[heading], column + RIGHT_COLUMNS[heading]]


@njit(cache=True, nogil=True)
def _write_point(strip: _Strip, vertex: int, row: int, column: int) -> None:
    strip.points[vertex, 0] = column
    strip.points[vertex, 1] = row + strip.first_node // strip.seen.shape[1]


@njit(cache=True, nogil=True)
def _is_seen(seen: NDArray[np.uint8], row: int, column: int, heading: int) -> bool:
    if heading in (EAST, WEST):
        return bool(seen[row, column - (heading == WEST)] & 1)
    return bool(seen[row - (heading == NORTH), column] & 2)


@njit(cache=True, nogil=True, inline="always")
def _see(seen: NDArray[np.uint8], row: int, column: int, heading: int) -> None:
    if heading in (EAST, WEST):
        seen[row, column - (heading == WEST)] |= 1
    else:
        seen[row - (heading == NORTH), column] |= 2
