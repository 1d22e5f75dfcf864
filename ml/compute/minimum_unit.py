"""The minimum mapping unit: patches too small to be shown join the neighbour they share most border with."""

import heapq
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ml.compute.patch_labels import NO_LABEL, MapPatches, Strips, find, find_patches, number_roots, unite

LABEL_BITS = 32
LABEL_MASK = (1 << LABEL_BITS) - 1


class _Borders(NamedTuple):
    """Borders of patches under the unit.

    Attributes:
        keys: (pairs,) sorted; a patch under the unit in the upper 32 bits, its neighbour in the lower ones.
        lengths: (pairs,) cell sides they share.
    """

    keys: NDArray[np.int64]
    lengths: NDArray[np.int64]


class _Graph(NamedTuple):
    """Patches of groups that are whole; those under the unit come first, large ones stand once in each group.

    Attributes:
        patches: (nodes,) the patch of each node.
        values: (nodes,) class value.
        sizes: (nodes,) cells.
        starts: (small + 1,) where the borders of each small node start.
        neighbours: (borders,) nodes.
        lengths: (borders,) cell sides.
    """

    patches: NDArray[np.int64]
    values: NDArray[np.uint16]
    sizes: NDArray[np.int64]
    starts: NDArray[np.int64]
    neighbours: NDArray[np.int64]
    lengths: NDArray[np.int64]


class _Nodes(NamedTuple):
    """Nodes while they merge; a merged node is the linked list of the nodes that make it up.

    Attributes:
        parents: (nodes,) the node each node has joined, itself while it stands.
        following: (nodes,) next node of the linked list, -1 at its end.
        tails: (nodes,) last node of the linked list.
    """

    parents: NDArray[np.int32]
    following: NDArray[np.int32]
    tails: NDArray[np.int32]


@dataclass(frozen=True)
class UnitMap:
    """The patches of a map that hold the minimum unit, and what became of the others.

    Attributes:
        patches: those left, in reading order of their first cell.
        merged: how many patches of the class map joined a neighbour.
        isolated: how many patches under the unit were kept, having no neighbour to join.
    """

    patches: MapPatches
    merged: int
    isolated: int


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
    """Merge the small patches of a map held in memory, as `merge_small_patches` does.

    Args:
        classes: (rows, columns) uint16 class values, 0 where there is no data.
        mmu_px: the fewest cells that a patch may have; 0 or 1 keeps every patch.

    Returns:
        The patches, labelled.
    """
    unit = merge_small_patches(find_patches(as_one_strip(classes)), mmu_px=mmu_px)
    _first, _classes, labels = next(unit.patches.labelled())
    return UnitPatches(labels, unit.patches.values, unit.patches.sizes, unit.merged, unit.isolated)


def as_one_strip(classes: NDArray[np.uint16]) -> Strips:
    """A map held in memory, as strips."""
    return lambda: iter([(0, classes)])


def merge_small_patches(patches: MapPatches, *, mmu_px: int) -> UnitMap:
    """Merge 4-connected patches under `mmu_px` cells into their neighbours, the smallest first.

    A patch joins the neighbour with the longest shared border; of equal borders the larger neighbour, then the
    one read first. The patch takes its neighbour's class, and so joins every neighbour of that class. Small
    patches that touch make a group; each group is merged by itself, among large neighbours as they were
    mapped: no group waits for another, so the answer does not depend on how the map is cut into strips.

    Args:
        patches: the patches of a class map.
        mmu_px: the fewest cells that a patch may have; 0 or 1 keeps every patch.

    Returns:
        The patches that are left.
    """
    joined = np.arange(patches.sizes.size, dtype=np.int32)
    values = patches.values.copy()
    if (patches.sizes[1:] < mmu_px).any():
        _merge_groups(patches, mmu_px, joined, values)
    count = number_roots(joined)
    kept_values = np.zeros(count + 1, np.uint16)
    kept_values[joined[::-1]] = values[::-1]  # the first of those joined, their root, has the last word
    kept_sizes = np.bincount(joined, weights=patches.sizes, minlength=count + 1).astype(np.int64)
    left = MapPatches(patches.strips, patches.starts, joined[patches.numbers], kept_values, kept_sizes)
    return UnitMap(left, patches.sizes.size - 1 - count, int((kept_sizes[1:] < mmu_px).sum()))


def _merge_groups(patches: MapPatches, unit: int, joined: NDArray[np.int32], values: NDArray[np.uint16]) -> None:
    """Merge each group of small patches once the strip that ends it is read; `joined` and `values` change."""
    is_small = patches.sizes < unit
    borders = _Borders(np.zeros(0, np.int64), np.zeros(0, np.int64))
    above: NDArray[np.int32] | None = None
    for _first, _classes, labels in patches.labelled():
        cells = labels if above is None else np.vstack([above, labels])
        above = labels[-1:].copy()
        borders = _added(borders, _sides_of_small(cells, is_small, 0 if cells is labels else 1))
        groups = _groups(borders, is_small)
        is_last = np.zeros(is_small.size, np.bool_)
        is_last[above] = True
        goes_on = _goes_on(borders, groups, is_last)
        _merge_whole_groups(patches, _taken(borders, ~goes_on), groups[~goes_on], (joined, values), unit)
        borders = _taken(borders, goes_on)
    _merge_whole_groups(patches, borders, _groups(borders, is_small), (joined, values), unit)


def _added(borders: _Borders, sides: NDArray[np.int64]) -> _Borders:
    """Add single cell sides to borders."""
    keys = np.concatenate([borders.keys, np.sort(sides)])
    lengths = np.concatenate([borders.lengths, np.ones(sides.size, np.int64)])
    if borders.keys.size:
        order = np.argsort(keys, kind="stable")
        keys, lengths = keys[order], lengths[order]
    firsts = _firsts(keys)
    return _Borders(keys[firsts], np.add.reduceat(lengths, firsts) if firsts.size else lengths[:0])


def _firsts(ordered: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each value of a sorted array comes first."""
    return np.flatnonzero(np.diff(ordered, prepend=-1))


def _taken(borders: _Borders, which: NDArray[np.bool_]) -> _Borders:
    return _Borders(borders.keys[which], borders.lengths[which])


def _groups(borders: _Borders, is_small: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number the groups of small patches that touch, for each border."""
    small = borders.keys >> LABEL_BITS
    other = borders.keys & LABEL_MASK
    if not small.size:
        return np.zeros(0, np.int64)
    members = small[_firsts(small)]
    between = is_small[other]
    ends = np.searchsorted(members, small[between]), np.searchsorted(members, other[between])
    links = coo_array((np.ones(ends[0].size, np.int8), ends), shape=(members.size, members.size))
    groups = connected_components(links, directed=False)[1]
    return np.asarray(groups[np.searchsorted(members, small)], np.int64)


def _goes_on(borders: _Borders, groups: NDArray[np.int64], is_last: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the group of each border has a patch that is in the last row, and so may go on in the next strip."""
    goes_on = np.zeros(int(groups.max(initial=-1)) + 1, np.bool_)
    goes_on[groups[is_last[borders.keys >> LABEL_BITS]]] = True
    return goes_on[groups]


@njit(cache=True, nogil=True)
def _sides_of_small(labels: NDArray[np.int32], is_small: NDArray[np.bool_], first_row: int) -> NDArray[np.int64]:
    """List the cell sides between a small patch and another, one by one, as keys of `_Borders`.

    Sides within rows before `first_row` belong to the strip before.
    """
    sides = np.empty(1024, np.int64)
    found = 0
    rows, columns = labels.shape
    for row in range(rows):
        for column in range(columns):
            label = labels[row, column]
            right = labels[row, column + 1] if column + 1 < columns and row >= first_row else NO_LABEL
            below = labels[row + 1, column] if row + 1 < rows else NO_LABEL
            for other in (right, below):
                if label in (other, NO_LABEL) or other == NO_LABEL:
                    continue
                if found + 2 > sides.size:
                    sides = np.concatenate((sides, np.empty(sides.size, np.int64)))
                if is_small[label]:
                    sides[found] = np.int64(label) << LABEL_BITS | other
                    found += 1
                if is_small[other]:
                    sides[found] = np.int64(other) << LABEL_BITS | label
                    found += 1
    return sides[:found]


def _merge_whole_groups(
    patches: MapPatches,
    borders: _Borders,
    groups: NDArray[np.int64],
    answer: tuple[NDArray[np.int32], NDArray[np.uint16]],
    unit: int,
) -> None:
    if borders.keys.size:
        graph = _graph(patches, borders, groups, unit)
        _merge_nodes(graph, unit, *answer)


def _graph(patches: MapPatches, borders: _Borders, groups: NDArray[np.int64], unit: int) -> _Graph:
    small = borders.keys >> LABEL_BITS
    other = borders.keys & LABEL_MASK
    starts = _firsts(small)
    members = small[starts]
    is_large = patches.sizes[other] >= unit
    in_group = groups[is_large] << LABEL_BITS | other[is_large]
    large, where = np.unique(in_group, return_inverse=True)
    neighbours = np.empty(other.size, np.int64)
    neighbours[~is_large] = np.searchsorted(members, other[~is_large])
    neighbours[is_large] = members.size + where
    numbers = np.concatenate([members, large & LABEL_MASK])
    return _Graph(
        patches=numbers,
        values=patches.values[numbers],
        sizes=patches.sizes[numbers],
        starts=np.append(starts, small.size).astype(np.int64),
        neighbours=neighbours,
        lengths=borders.lengths,
    )


@njit(cache=True, nogil=True)
def _merge_nodes(graph: _Graph, unit: int, joined: NDArray[np.int32], values: NDArray[np.uint16]) -> None:
    """Merge until no node under the unit has a neighbour, and unite the patches of the map accordingly."""
    count = graph.patches.size
    standing = np.arange(count).astype(np.int32)
    nodes = _Nodes(standing, np.full(count, -1, np.int32), standing.copy())
    sizes = graph.sizes
    waiting = [(sizes[node], node) for node in range(graph.starts.size - 1)]
    heapq.heapify(waiting)
    borders = np.zeros(count, np.int64)
    while len(waiting) > 0:
        size, node = heapq.heappop(waiting)
        if nodes.parents[node] != node or sizes[node] != size:
            continue  # it has joined another, or grown and waits again
        neighbours = _measure_borders(graph, nodes, node, borders)
        winner = _join_longest(graph, nodes, node, neighbours, borders)
        if winner != node and sizes[winner] < unit:
            heapq.heappush(waiting, (sizes[winner], winner))
    for node in range(count):
        root = find(nodes.parents, node)
        values[unite(joined, graph.patches[node], graph.patches[root])] = graph.values[root]


@njit(cache=True, nogil=True)
def _measure_borders(graph: _Graph, nodes: _Nodes, node: int, borders: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the standing neighbours of a node; the cell sides shared with each are left in `borders`."""
    neighbours = np.empty(4 * graph.sizes[node], np.int64)
    found = 0
    member = node
    while member >= 0:
        for border in range(graph.starts[member], graph.starts[member + 1]):
            neighbour = find(nodes.parents, graph.neighbours[border])
            if neighbour == node:
                continue
            if borders[neighbour] == 0:
                neighbours[found] = neighbour
                found += 1
            borders[neighbour] += graph.lengths[border]
        member = nodes.following[member]
    return neighbours[:found]


@njit(cache=True, nogil=True)
def _join_longest(
    graph: _Graph, nodes: _Nodes, node: int, neighbours: NDArray[np.int64], borders: NDArray[np.int64]
) -> int:
    """Join a node to its best neighbour and that one to the neighbours of its class; `borders` is cleared."""
    best = node
    best_rank = (np.int64(0), np.int64(0), np.int64(0))
    for neighbour in neighbours:
        rank = (borders[neighbour], graph.sizes[neighbour], -graph.patches[neighbour])
        if rank > best_rank:
            best, best_rank = neighbour, rank
        borders[neighbour] = 0
    if best == node:
        return node
    _absorb(graph, nodes, best, node)
    for neighbour in neighbours:
        if neighbour != best and graph.values[neighbour] == graph.values[best]:
            _absorb(graph, nodes, best, neighbour)
    return best


@njit(cache=True, nogil=True)
def _absorb(graph: _Graph, nodes: _Nodes, winner: int, taken: int) -> None:
    nodes.parents[taken] = winner
    graph.sizes[winner] += graph.sizes[taken]
    nodes.following[nodes.tails[winner]] = taken
    nodes.tails[winner] = nodes.tails[taken]
