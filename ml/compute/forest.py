"""A forest packed into flat arrays and walked by a compiled loop.

Each node is one uint64: child (32 bits) | feature (16 bits) | threshold (16 bits). The second child follows
the first, so a step is `child + (level > threshold)`; a leaf is its own child under a threshold that no
level exceeds. A block of cells descends a tree together, so that the loads of one cell hide behind those of
the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numba import njit
from numpy.typing import NDArray

if TYPE_CHECKING:  # a map is made without scikit-learn, which takes a second to import
    from sklearn.ensemble import ExtraTreesClassifier

BLOCK = 256
_NEVER = 32767
_LEAF_UNIT = 65535
_COARSE_UNITS = 255


@dataclass(frozen=True)
class PackedForest:
    """Trees laid end to end.

    Attributes:
        nodes: (nodes,) uint64, packed as the module says; children are absolute places.
        roots: (trees,) uint64, place of each root.
        leaf_starts: (nodes + 1,) int32, where the leaf of a node begins in the next two arrays.
        leaf_classes: (entries,) uint16, place of a class.
        leaf_shares: (entries,) uint16, its share of the leaf in 65535ths.
        class_count: number of classes.
    """

    nodes: NDArray[np.uint64]
    roots: NDArray[np.uint64]
    leaf_starts: NDArray[np.int32]
    leaf_classes: NDArray[np.uint16]
    leaf_shares: NDArray[np.uint16]
    class_count: int

    def shares(self, levels: NDArray[np.int16]) -> NDArray[np.float32]:
        """The share of each class at each cell.

        Args:
            levels: (features, cells) int16.

        Returns:
            (cells, classes) float32, summing to 1 along the classes.
        """
        votes: NDArray[np.float32] = _walk(
            levels,
            self.nodes,
            self.roots,
            self.leaf_starts,
            self.leaf_classes,
            self.leaf_shares,
            self.class_count,
        )
        return votes


def pack_forest(forest: "ExtraTreesClassifier", *, most_classes: int | None = None) -> PackedForest:
    """Flatten a forest trained on int16 levels.

    Args:
        forest: fitted on (cells, features) levels; classes 0..K-1.
        most_classes: classes kept in a leaf, the likeliest, with shares in 255ths; None for all, exactly.

    Returns:
        The packed forest; thresholds are rounded down, which changes no decision on whole levels.
    """
    nodes, roots, counts, classes, shares = [], [], [], [], []
    start = 0
    for estimator in forest.estimators_:
        tree = estimator.tree_
        order, child = _paired_order(tree.children_left, tree.children_right)
        is_leaf = tree.children_left[order] < 0
        threshold = np.where(is_leaf, _NEVER, np.floor(tree.threshold[order])).astype(np.int64)
        feature = np.where(is_leaf, 0, tree.feature[order]).astype(np.int64)
        nodes.append((child + start) << 32 | feature << 16 | (threshold & 0xFFFF))
        roots.append(start)
        places, which, entries = _leaf_entries(tree.value[order[is_leaf], 0, :], most_classes)
        counts.append(np.bincount(np.flatnonzero(is_leaf)[places], minlength=order.size))
        classes.append(forest.classes_.astype(np.uint16)[which])
        shares.append(entries.astype(np.uint16))
        start += order.size
    starts = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    return PackedForest(
        np.concatenate(nodes).astype(np.uint64),
        np.array(roots, np.uint64),
        starts.astype(np.int32),
        np.concatenate(classes),
        np.concatenate(shares),
        len(forest.classes_),
    )


def _paired_order(left: NDArray[np.int64], right: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Breadth-first order with siblings side by side.

    Returns:
        (nodes,) the old node at each new place, and (nodes,) the new place of its first child (its own
        place for a leaf).
    """
    order = np.empty(left.size, np.int64)
    child = np.arange(left.size)
    order[0] = 0
    level, end = np.array([0]), 1
    while level.size:
        inner = level[left[order[level]] >= 0]
        child[inner] = end + 2 * np.arange(inner.size)
        order[child[inner]] = left[order[inner]]
        order[child[inner] + 1] = right[order[inner]]
        level = np.arange(end, end + 2 * inner.size)
        end += 2 * inner.size
    return order, child


def _leaf_entries(
    values: NDArray[np.float64], most_classes: int | None
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.int64]]:
    """The classes of each leaf and their shares.

    Args:
        values: (leaves, classes) weights.
        most_classes: as in `pack_forest`.

    Returns:
        Place of the leaf, class and share in 65535ths of each entry.
    """
    totals = values.sum(axis=1, keepdims=True)
    shares = values / np.where(totals > 0, totals, 1)
    if most_classes is None:
        units = np.rint(shares * _LEAF_UNIT).astype(np.int64)
    else:
        if most_classes < shares.shape[1]:
            others = np.argpartition(-shares, most_classes, axis=1)[:, most_classes:]
            np.put_along_axis(shares, others, 0, axis=1)
        shares /= shares.sum(axis=1, keepdims=True)
        units = np.rint(shares * _COARSE_UNITS).astype(np.int64) * (_LEAF_UNIT // _COARSE_UNITS)
    leaves, classes = np.nonzero(units)
    return leaves, classes, units[leaves, classes]


def join_forests(forests: Sequence[PackedForest]) -> PackedForest:
    """One forest of the trees of several, over the same classes and features."""
    node_starts = np.cumsum([0, *(forest.nodes.size for forest in forests)]).astype(np.uint64)
    entry_starts = np.cumsum([0, *(forest.leaf_classes.size for forest in forests)])
    pairs = list(zip(forests, node_starts[:-1], strict=True))
    starts = [one.leaf_starts[:-1] + start for one, start in zip(forests, entry_starts[:-1], strict=True)]
    return PackedForest(
        np.concatenate([one.nodes + (start << np.uint64(32)) for one, start in pairs]),
        np.concatenate([one.roots + start for one, start in pairs]),
        np.concatenate([*starts, entry_starts[-1:]]).astype(np.int32),
        np.concatenate([one.leaf_classes for one in forests]),
        np.concatenate([one.leaf_shares for one in forests]),
        forests[0].class_count,
    )


@njit(cache=True, nogil=True)
def _walk(  # noqa: PLR0913 - compiled: the arrays of PackedForest, one by one
    levels: NDArray[np.int16],
    nodes: NDArray[np.uint64],
    roots: NDArray[np.uint64],
    leaf_starts: NDArray[np.int32],
    leaf_classes: NDArray[np.uint16],
    leaf_shares: NDArray[np.uint16],
    class_count: int,
) -> NDArray[np.float32]:
    features, cells = levels.shape
    shares = np.empty((cells, class_count), np.float32)
    block = np.empty(BLOCK * features, np.int16)
    places = np.empty(BLOCK, np.uint64)
    walking = np.empty(BLOCK, np.uint64)
    votes = np.zeros((BLOCK, class_count), np.uint32)
    for start in range(0, cells, BLOCK):
        size = min(BLOCK, cells - start)
        _gather(levels, start, size, block)
        for root in roots:
            _descend(block, features, nodes, root, places, walking, size)
            for i in range(size):
                for entry in range(leaf_starts[places[i]], leaf_starts[places[i] + np.uint64(1)]):
                    votes[i, leaf_classes[entry]] += leaf_shares[entry]
        _settle(votes, shares, start, size)
    return shares


@njit(cache=True, nogil=True)
def _settle(votes: NDArray[np.uint32], shares: NDArray[np.float32], start: int, size: int) -> None:
    """Write the votes of a block as shares, and clear them for the next one."""
    for i in range(size):
        total = np.uint64(0)
        for k in range(votes.shape[1]):
            total += np.uint64(votes[i, k])
        for k in range(votes.shape[1]):
            shares[start + i, k] = votes[i, k] / total
            votes[i, k] = 0


@njit(cache=True, nogil=True)
def _gather(levels: NDArray[np.int16], start: int, size: int, block: NDArray[np.int16]) -> None:
    """Lay the levels of a block cell after cell, so that one cell's levels share cache lines."""
    features = levels.shape[0]
    for first in range(0, features, 16):
        for i in range(size):
            for feature in range(first, min(features, first + 16)):
                block[i * features + feature] = levels[feature, start + i]


@njit(cache=True, nogil=True)
def _descend(  # noqa: PLR0913 - compiled, called per tree and block
    block: NDArray[np.int16],
    features: int,
    nodes: NDArray[np.uint64],
    root: np.uint64,
    places: NDArray[np.uint64],
    walking: NDArray[np.uint64],
    count: int,
) -> None:
    """Send the cells of a block down a tree; those that reach a leaf leave the list of walking ones.

    Unsigned integers spare the compiler the check for negative indices.
    """
    for i in range(count):
        places[i] = root
        walking[i] = i
    while count > 0:
        left = 0
        for turn in range(count):
            i = walking[turn]
            node = nodes[places[i]]
            feature = (node >> np.uint64(16)) & np.uint64(0xFFFF)
            level = np.int64(block[i * np.uint64(features) + feature])
            threshold = np.int64(np.int16(node & np.uint64(0xFFFF)))
            place = (node >> np.uint64(32)) + np.uint64(level > threshold)
            walking[left] = i
            left += place != places[i]
            places[i] = place
        count = left
