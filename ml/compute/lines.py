"""Lines along the sides of cells, many in one place."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Lines(NamedTuple):
    """Lines along cell sides.

    Attributes:
        points: (vertices, 2) int32 corners of cells, as column and row: the ends and every turn; a closed line
            repeats its first vertex.
        ends: (lines,) one past the last vertex of each line.
        sides: (lines, 2) int32 patch on the left and on the right.
        keys: (lines, 4) int64: the way that leaves the start, the way on for who comes back to the start; the way
            back that leaves the end, the way on for who comes to the end. A way is node x 4 + heading; all are
            -1 for a closed line, and those of an open end.
        columns: (lines, 2) int64 column where the start and the end are open, on the lower edge of a strip; else -1.
    """

    points: NDArray[np.int32]
    ends: NDArray[np.int64]
    sides: NDArray[np.int32]
    keys: NDArray[np.int64]
    columns: NDArray[np.int64]


def no_lines() -> Lines:
    """No line at all."""
    return lines_room(0, 0)


def lines_room(vertices: int, lines: int) -> Lines:
    """Room for so many vertices and lines, not yet filled."""
    return Lines(
        points=np.empty((vertices, 2), np.int32),
        ends=np.empty(lines, np.int64),
        sides=np.empty((lines, 2), np.int32),
        keys=np.empty((lines, 4), np.int64),
        columns=np.empty((lines, 2), np.int64),
    )


def split_lines(lines: Lines) -> tuple[Lines, Lines]:
    """Part the lines that are whole from those that are open."""
    is_open = np.asarray((lines.columns >= 0).any(axis=1))
    return take_lines(lines, ~is_open), take_lines(lines, is_open)


def take_lines(lines: Lines, which: NDArray[np.bool_]) -> Lines:
    """Some of the lines, in a copy."""
    lengths = np.diff(lines.ends, prepend=0)
    points = lines.points[np.repeat(which, lengths)]
    return Lines(points, np.cumsum(lengths[which]), lines.sides[which], lines.keys[which], lines.columns[which])


def chain_lines(found: Iterable[Lines]) -> Lines:
    """Put lines behind each other."""
    parts = [no_lines(), *found]
    starts = np.cumsum([0] + [len(part.points) for part in parts])
    return Lines(
        points=np.concatenate([part.points for part in parts]),
        ends=np.concatenate([part.ends + start for part, start in zip(parts, starts, strict=False)]),
        sides=np.concatenate([part.sides for part in parts]),
        keys=np.concatenate([part.keys for part in parts]),
        columns=np.concatenate([part.columns for part in parts]),
    )
