"""Patches of a map read strip by strip: 4-connected cells of one value, numbered over the whole map."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

NO_LABEL = 0

# Each call reads the map again from top to bottom, as (first row, classes).
Strips = Callable[[], Iterator[tuple[int, NDArray[np.uint16]]]]


@dataclass(frozen=True)
class MapPatches:
    """The patches of a map, without the map: it is read again, strip by strip, whenever cells are needed.

    Attributes:
        strips: reads the map.
        starts: how many labels the strips before each strip have given.
        numbers: (labels + 1,) int32 patch of each label of a strip, 0 where there is no data.
        values: (n + 1,) class value of each patch; values[0] is 0.
        sizes: (n + 1,) int64, cells of each patch.
    """

    strips: Strips
    starts: tuple[int, ...]
    numbers: NDArray[np.int32]
    values: NDArray[np.uint16]
    sizes: NDArray[np.int64]

    def labelled(self) -> Iterator[tuple[int, NDArray[np.uint16], NDArray[np.int32]]]:
        """Yield the strips as (first row, classes, patch of each cell: 1..n, 0 without data)."""
        for start, (first, classes) in zip(self.starts, self.strips(), strict=True):
            labels, _sizes = label_patches(classes)
            _renumber(labels, self.numbers, start)
            yield first, classes, labels


def find_patches(strips: Strips) -> MapPatches:
    """Number the 4-connected patches of a map, in reading order of their first cell.

    Args:
        strips: reads the map; 0 is no data.

    Returns:
        The patches; they do not depend on where the strips are cut.
    """
    parents = np.zeros(1, np.int32)
    starts, values, sizes = [], [np.zeros(1, np.uint16)], [np.zeros(1, np.int64)]
    above: tuple[NDArray[np.uint16], NDArray[np.int32]] | None = None
    for _first, classes in strips():
        labels, counts = label_patches(classes)
        starts.append(parents.size - 1)
        fresh = np.arange(parents.size, parents.size + counts.size - 1, dtype=np.int32)
        parents = np.concatenate([parents, fresh])
        values.append(values_of_labels(labels, classes, counts.size)[1:])
        sizes.append(counts[1:])
        if above is not None:
            _join_rows(parents, *above, classes[0], _shifted(labels[0], starts[-1]))
        above = classes[-1].copy(), _shifted(labels[-1], starts[-1])
    count = number_roots(parents)
    all_values = np.zeros(count + 1, np.uint16)
    all_values[parents] = np.concatenate(values)
    all_sizes = np.bincount(parents, weights=np.concatenate(sizes), minlength=count + 1).astype(np.int64)
    return MapPatches(strips, tuple(starts), parents, all_values, all_sizes)


def with_row_above(
    strips: Iterator[tuple[int, NDArray[np.int32]]], width: int, height: int
) -> Iterator[tuple[int, NDArray[np.int32]]]:
    """Put the last row of the strip before above each strip, and 0 around the map.

    Args:
        strips: first row and labels of each strip.
        width: columns of the map.
        height: rows of the map.

    Yields:
        First row, and (rows + 1, width + 2) labels; the last strip is the empty row under the map.
    """
    above = np.zeros(width + 2, np.int32)
    for first, labels in strips:
        cells = np.zeros((labels.shape[0] + 1, width + 2), np.int32)
        cells[0], cells[1:, 1:-1] = above, labels
        above = cells[-1].copy()
        yield first, cells
    yield height, np.stack([above, np.zeros_like(above)])


def _shifted(labels: NDArray[np.int32], start: int) -> NDArray[np.int32]:
    return np.where(labels == NO_LABEL, NO_LABEL, labels + np.int32(start))


@njit(cache=True, nogil=True)
def label_patches(classes: NDArray[np.uint16]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Label the 4-connected patches of equal value.

    Args:
        classes: (rows, columns) class values, 0 where there is no data.

    Returns:
        (rows, columns) int32 labels 1..n in reading order of the first cell, 0 without data; (n + 1,) int64 sizes.
    """
    labels = np.zeros(classes.shape, np.int32)
    parents = np.zeros(classes.size + 1, np.int32)
    last = _label_provisionally(classes, labels, parents)
    count = number_roots(parents[: last + 1])
    sizes = np.zeros(count + 1, np.int64)
    flat = labels.ravel()
    for cell in range(flat.size):
        flat[cell] = parents[flat[cell]]
        sizes[flat[cell]] += 1
    sizes[NO_LABEL] = 0
    return labels, sizes


@njit(cache=True, nogil=True)
def _label_provisionally(classes: NDArray[np.uint16], labels: NDArray[np.int32], parents: NDArray[np.int32]) -> int:
    """Give each cell the label of its patch above or on its left, else a new one; return the last label."""
    last = 0
    for row in range(classes.shape[0]):
        for column in range(classes.shape[1]):
            value = classes[row, column]
            if value == 0:
                continue
            above = labels[row - 1, column] if row > 0 and classes[row - 1, column] == value else 0
            left = labels[row, column - 1] if column > 0 and classes[row, column - 1] == value else 0
            label = max(above, left)
            if above != left and min(above, left) > 0:
                label = unite(parents, above, left)
            elif label == 0:
                last += 1
                parents[last] = last
                label = last
            labels[row, column] = label
    return last


@njit(cache=True, nogil=True)
def find(parents: NDArray[np.int32], label: int) -> int:
    """The label that stands for all those a label was united with."""
    while parents[label] != label:
        parents[label] = parents[parents[label]]
        label = int(parents[label])
    return label


@njit(cache=True, nogil=True)
def unite(parents: NDArray[np.int32], first: int, second: int) -> int:
    """Unite two labels and return the one that stands for both, the smallest of all."""
    first, second = find(parents, first), find(parents, second)
    root = min(first, second)
    parents[first] = root
    parents[second] = root
    return root


@njit(cache=True, nogil=True)
def number_roots(parents: NDArray[np.int32]) -> int:
    """Replace united labels by 1..n in place, and return n; a root always comes before what it took."""
    count = 0
    for label in range(1, parents.size):
        if parents[label] == label:
            count += 1
            parents[label] = count
        else:
            parents[label] = parents[parents[label]]
    return count


@njit(cache=True, nogil=True)
def values_of_labels(labels: NDArray[np.int32], classes: NDArray[np.uint16], count: int) -> NDArray[np.uint16]:
    """The class value of each label 0..count - 1, 0 for label 0."""
    values = np.zeros(count, np.uint16)
    for label, value in zip(labels.ravel(), classes.ravel()):  # noqa: B905 (numba knows no strict=)
        values[label] = value
    values[NO_LABEL] = 0
    return values


@njit(cache=True, nogil=True)
def _join_rows(
    parents: NDArray[np.int32],
    classes_above: NDArray[np.uint16],
    labels_above: NDArray[np.int32],
    classes: NDArray[np.uint16],
    labels: NDArray[np.int32],
) -> None:
    for column in range(classes.size):
        if classes[column] != 0 and classes[column] == classes_above[column]:
            unite(parents, labels_above[column], labels[column])


@njit(cache=True, nogil=True)
def _renumber(labels: NDArray[np.int32], numbers: NDArray[np.int32], start: int) -> None:
    flat = labels.ravel()
    for cell in range(flat.size):
        if flat[cell] != NO_LABEL:
            flat[cell] = numbers[start + flat[cell]]


@njit(cache=True, nogil=True)
def cells_by_label(labels: NDArray[np.int32], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """List the cells of each label.

    Args:
        labels: (rows, columns) labels 0..n.
        sizes: (n + 1,) cells of each label.

    Returns:
        (n + 2,) where the cells of each label start, and the flat indices of the cells, by label; 0 has none.
    """
    starts = np.zeros(sizes.size + 1, np.int64)
    for label in range(1, sizes.size):
        starts[label + 1] = starts[label] + sizes[label]
    cells = np.empty(starts[-1], np.int32)
    filled = starts.copy()
    for cell, owner in enumerate(labels.ravel()):
        if owner != NO_LABEL:
            cells[filled[owner]] = cell
            filled[owner] += 1
    return starts, cells
