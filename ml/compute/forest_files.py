"""A packed forest as a few small arrays: what can be told from the rest is not written."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.compute.forest import PackedForest

_NEVER = 32767
# Shares are written in 255ths.
_SHARE_STEP = 257
ARRAYS = ("sizes", "leaves", "features", "high", "low_bytes", "counts", "classes", "shares")


def forest_arrays(forest: PackedForest) -> dict[str, NDArray[Any]]:
    """What to write of a forest whose shares are whole 255ths.

    Args:
        forest: as `grow_forest` makes it.

    Returns:
        Arrays by name, those of ARRAYS: nodes per tree, a bit for each leaf, feature and both bytes of the
        threshold of each inner node, and of each leaf the number of classes, the classes and their shares.
    """
    is_leaf = _children(forest) == np.arange(forest.nodes.size, dtype=np.uint64)
    inner = forest.nodes[~is_leaf]
    features = (inner >> np.uint64(16) & np.uint64(0xFFFF)).astype(np.uint16)
    thresholds = (inner & np.uint64(0xFFFF)).astype(np.uint16)
    counts = np.diff(forest.leaf_starts)[is_leaf]
    is_mixed = np.repeat(counts, counts) > 1
    return {
        "sizes": np.diff(np.append(forest.roots, np.uint64(forest.nodes.size))).astype(np.uint32),
        "leaves": np.packbits(is_leaf),
        "features": _narrow(features),
        "high": (thresholds >> 8).astype(np.uint8),
        "low_bytes": (thresholds & 0xFF).astype(np.uint8),
        "counts": _narrow(counts.astype(np.uint16)),
        "classes": _narrow(forest.leaf_classes),
        # A leaf of one class holds it wholly.
        "shares": (forest.leaf_shares[is_mixed] // _SHARE_STEP).astype(np.uint8),
    }


def forest_of_arrays(arrays: Mapping[str, NDArray[Any]], class_count: int) -> PackedForest:
    """The inverse of `forest_arrays`.

    Args:
        arrays: those of ARRAYS.
        class_count: number of classes.
    """
    sizes = arrays["sizes"].astype(np.int64)
    is_leaf = np.unpackbits(arrays["leaves"], count=int(sizes.sum())).astype(bool)
    nodes = np.arange(is_leaf.size, dtype=np.uint64) << np.uint64(32) | np.uint64(_NEVER)
    thresholds = arrays["high"].astype(np.uint64) << np.uint64(8) | arrays["low_bytes"].astype(np.uint64)
    words = arrays["features"].astype(np.uint64) << np.uint64(16) | thresholds
    roots = np.cumsum(sizes) - sizes
    # Trees are laid breadth first: the children of the n-th inner node are the n-th pair after the root.
    order = np.cumsum(~is_leaf) - 1
    before = np.repeat((np.cumsum(~is_leaf) - ~is_leaf)[roots], sizes)
    first_child = np.repeat(roots, sizes) + 1 + 2 * (order - before)
    nodes[~is_leaf] = first_child[~is_leaf].astype(np.uint64) << np.uint64(32) | words
    counts = np.zeros(is_leaf.size, np.int64)
    counts[is_leaf] = arrays["counts"]
    entries = np.repeat(counts, counts)
    shares = np.full(entries.size, 255 * _SHARE_STEP, np.uint16)
    shares[entries > 1] = arrays["shares"].astype(np.uint16) * _SHARE_STEP
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    classes = arrays["classes"].astype(np.uint16)
    return PackedForest(nodes, roots.astype(np.uint64), starts, classes, shares, class_count)


def _children(forest: PackedForest) -> NDArray[np.uint64]:
    return forest.nodes >> np.uint64(32)


def _narrow(values: NDArray[np.uint16]) -> NDArray[Any]:
    """As bytes where they fit."""
    return values.astype(np.uint8) if values.size and values.max() < 256 else values
