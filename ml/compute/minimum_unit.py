"""The minimum mapping unit: patches too small to be shown join the neighbour they share most border with."""

import heapq
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

NO_LABEL = 0


class _Patches(NamedTuple):
    """Patches while they merge; a merged patch is the linked list of the labels that make it up.

    Attributes:
        labels: (rows, columns) first labels.
        values: (n + 1,) class value.
        sizes: (n + 1,) cells.
        parents: (n + 1,) the label each label has joined, itself while it stands.
        following: (n + 1,) next label of the linked list, -1 at its end.
        tails: (n + 1,) last label of the linked list.
        starts: (n + 2,) where the cells of a label begin in `cells`.
        cells: flat indices of the cells of the patches under the unit, by label.
    """

    labels: NDArray[np.int32]
    values: NDArray[np.uint16]
    sizes: NDArray[np.int64]
    parents: NDArray[np.int32]
    following: NDArray[np.int32]
    tails: NDArray[np.int32]
    starts: NDArray[np.int64]
    cells: NDArray[np.int64]


@dataclass(frozen=True)
class UnitPatches:
    """A class map whose patches all hold the minimum unit, but for those that no data isolate.

    Attributes:
        labels: (rows, columns) int32, 0 where there is no data, else 1..n in reading order of the first cell.
        values: (n + 1,) class value of each label; values[0] is 0.
        sizes: (n + 1,) int64, cells of each label.
        merged: how many patches of the class map joined a neighbour.
        isolated: how many patches under the unit were kept, having no neighbour to join.
    """

    labels: NDArray[np.int32]
    values: NDArray[np.uint16]
    sizes: NDArray[np.int64]
    merged: int
    isolated: int


def apply_minimum_unit(classes: NDArray[np.uint16], *, mmu_px: int) -> UnitPatches:
    """Merge 4-connected patches under `mmu_px` cells into their neighbours, the smallest first.

    A patch joins the neighbour with the longest shared border; of equal borders the larger neighbour, then the
    one read first. The patch takes its neighbour's class, and so joins every neighbour of that class.

    Args:
        classes: (rows, columns) uint16 class values, 0 where there is no data.
        mmu_px: the fewest cells that a patch may have; 0 or 1 keeps every patch.

    Returns:
        The patches, labelled.
    """
    labels, sizes = label_patches(classes)
    values = np.zeros(sizes.size, np.uint16)
    values[labels.ravel()] = classes.ravel()
    starts, cells = cells_by_label(labels, sizes, mmu_px)
    standing = np.arange(sizes.size, dtype=np.int32)
    following = np.full(sizes.size, -1, np.int32)
    patches = _Patches(labels, values, sizes, standing, following, standing.copy(), starts, cells)
    _merge_small(patches, mmu_px)
    kept = _renumber(labels, patches.parents)
    return UnitPatches(
        labels=labels,
        values=values[kept],
        sizes=sizes[kept],
        merged=values.size - kept.size,
        isolated=int((sizes[kept][1:] < mmu_px).sum()),
    )


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
    count = _number_roots(parents[: last + 1])
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
                label = _unite(parents, above, left)
            elif label == 0:
                last += 1
                parents[last] = last
                label = last
            labels[row, column] = label
    return last


@njit(cache=True, nogil=True)
def _find(parents: NDArray[np.int32], label: int) -> int:
    while parents[label] != label:
        parents[label] = parents[parents[label]]
        label = int(parents[label])
    return label


@njit(cache=True, nogil=True)
def _unite(parents: NDArray[np.int32], first: int, second: int) -> int:
    first, second = _find(parents, first), _find(parents, second)
    root = min(first, second)
    parents[first] = root
    parents[second] = root
    return root


@njit(cache=True, nogil=True)
def _number_roots(parents: NDArray[np.int32]) -> int:
    """Replace provisional labels by 1..n in place; a root always comes before what it took."""
    count = 0
    for label in range(1, parents.size):
        if parents[label] == label:
            count += 1
            parents[label] = count
        else:
            parents[label] = parents[parents[label]]
    return count


@njit(cache=True, nogil=True)
def cells_by_label(
    labels: NDArray[np.int32], sizes: NDArray[np.int64], below: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the cells of the labels that hold fewer than `below` cells.

    Args:
        labels: (rows, columns) labels 0..n.
        sizes: (n + 1,) cells of each label.
        below: labels of this size or more are left out.

    Returns:
        (n + 2,) where the cells of each label start, and the flat indices of the cells, by label.
    """
    starts = np.zeros(sizes.size + 1, np.int64)
    for label in range(1, sizes.size):
        starts[label + 1] = starts[label] + (sizes[label] if sizes[label] < below else 0)
    cells = np.empty(starts[-1], np.int64)
    filled = starts.copy()
    for cell, owner in enumerate(labels.ravel()):
        if owner != NO_LABEL and sizes[owner] < below:
            cells[filled[owner]] = cell
            filled[owner] += 1
    return starts, cells


@njit(cache=True, nogil=True)
def _merge_small(patches: _Patches, mmu_px: int) -> None:
    """Merge until no patch under the unit has a neighbour; the patches are changed in place.

    Only the cells of patches under the unit are ever visited, so the work grows with the noise of the map.
    """
    sizes, parents = patches.sizes, patches.parents
    waiting = [(sizes[label], label) for label in range(1, sizes.size) if sizes[label] < mmu_px]
    heapq.heapify(waiting)
    borders = np.zeros(sizes.size, np.int64)
    while len(waiting) > 0:
        size, label = heapq.heappop(waiting)
        if parents[label] != label or sizes[label] != size:
            continue  # it has joined another, or grown and waits again
        neighbours = _measure_borders(patches, label, borders)
        winner = _join_longest(patches, label, neighbours, borders)
        if winner != label and sizes[winner] < mmu_px:
            heapq.heappush(waiting, (sizes[winner], winner))
    for label in range(1, sizes.size):
        parents[label] = _find(parents, label)


@njit(cache=True, nogil=True)
def _measure_borders(patches: _Patches, label: int, borders: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the standing neighbours of a patch; the cell sides shared with each are left in `borders`."""
    rows, columns = patches.labels.shape
    neighbours = np.empty(4 * patches.sizes[label], np.int64)
    found = 0
    member = label
    while member >= 0:
        for cell in patches.cells[patches.starts[member] : patches.starts[member + 1]]:
            for row_step, column_step in ((-1, 0), (0, -1), (0, 1), (1, 0)):
                row, column = cell // columns + row_step, cell % columns + column_step
                if row < 0 or column < 0 or row >= rows or column >= columns:
                    continue
                neighbour = _find(patches.parents, patches.labels[row, column])
                if neighbour in (NO_LABEL, label):
                    continue
                if borders[neighbour] == 0:
                    neighbours[found] = neighbour
                    found += 1
                borders[neighbour] += 1
        member = patches.following[member]
    return neighbours[:found]


@njit(cache=True, nogil=True)
def _join_longest(patches: _Patches, label: int, neighbours: NDArray[np.int64], borders: NDArray[np.int64]) -> int:
    """Join a patch to its best neighbour and that one to the neighbours of its class; `borders` is cleared."""
    best = label
    best_rank = (np.int64(0), np.int64(0), np.int64(0))
    for neighbour in neighbours:
        rank = (borders[neighbour], patches.sizes[neighbour], -neighbour)
        if rank > best_rank:
            best, best_rank = neighbour, rank
        borders[neighbour] = 0
    if best == label:
        return label
    _absorb(patches, best, label)
    for neighbour in neighbours:
        if neighbour != best and patches.values[neighbour] == patches.values[best]:
            _absorb(patches, best, neighbour)
    return best


@njit(cache=True, nogil=True)
def _absorb(patches: _Patches, winner: int, taken: int) -> None:
    patches.parents[taken] = winner
    patches.sizes[winner] += patches.sizes[taken]
    patches.following[patches.tails[winner]] = taken
    patches.tails[winner] = patches.tails[taken]


@njit(cache=True, nogil=True)
def _renumber(labels: NDArray[np.int32], parents: NDArray[np.int32]) -> NDArray[np.int64]:
    """Number the standing labels 1..n in place, in reading order; return their former labels, 0 first."""
    numbers = np.zeros(parents.size, np.int32)
    kept = np.zeros(parents.size, np.int64)
    count = 0
    flat = labels.ravel()
    for cell in range(flat.size):
        label = parents[flat[cell]]
        if label != NO_LABEL and numbers[label] == 0:
            count += 1
            numbers[label] = count
            kept[count] = label
        flat[cell] = numbers[label]
    return kept[: count + 1]
