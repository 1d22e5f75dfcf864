"""Trees grown a few at a time and packed at once, so that many classes never need much memory.

scikit-learn keeps a value per class in every node while a tree grows; a packed leaf keeps its likeliest classes.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.compute.errors import SampleError
from ml.compute.forest import PackedForest, join_forests, pack_forest

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesClassifier

# Memory that growing trees may hold, in bytes.
GROWING_BYTES = 400_000_000
# Classes kept in a leaf: the next ones together hold less than what a tree mistakes anyway.
LEAF_CLASSES = 4
_BYTES_PER_VALUE = 8
# Leaves are seldom as small as they may be.
_NODES_PER_SMALLEST_LEAF = 1.5


@dataclass(frozen=True)
class ForestSetting:
    """`leaf_cells`: fewest cells in a leaf; `balance`: 0 leaves classes as they come, 1 weighs them alike."""

    leaf_cells: int
    balance: float


@dataclass(frozen=True)
class TrainingCells:
    """What a forest learns from.

    Attributes:
        levels: (cells, features) int16.
        classes: (cells,) place of the class.
        groups: (cells,) cells of one group never stand on both sides of a split.
        weights: (cells,) weight given with the samples.
    """

    levels: NDArray[np.int16]
    classes: NDArray[np.intp]
    groups: NDArray[np.intp]
    weights: NDArray[np.float64]

    def at(self, places: NDArray[np.intp]) -> "TrainingCells":
        """The cells at these places."""
        return TrainingCells(self.levels[places], self.classes[places], self.groups[places], self.weights[places])

    def on(self, features: NDArray[np.intp]) -> "TrainingCells":
        """The same cells with these features alone."""
        return TrainingCells(self.levels[:, features], self.classes, self.groups, self.weights)


@dataclass(frozen=True)
class GrownForest:
    """A packed forest, and how much each feature serves it: (features,) summing to 1."""

    packed: PackedForest
    importances: NDArray[np.float64]


def fit_forest(
    cells: TrainingCells, setting: ForestSetting, *, trees: int, seed: "int | np.random.RandomState", jobs: int = 2
) -> "ExtraTreesClassifier":
    """Grow an extra-trees forest by scikit-learn.

    Args:
        cells: what to learn from.
        setting: leaf size and class balance.
        trees: number of trees.
        seed: of the draws.
        jobs: threads; the forest does not depend on it.

    Returns:
        The fitted forest, with classes numbered as in `cells`.
    """
    from sklearn.ensemble import ExtraTreesClassifier

    forest = ExtraTreesClassifier(
        trees, min_samples_leaf=setting.leaf_cells, max_features="sqrt", random_state=seed, n_jobs=jobs
    )
    counts = np.bincount(cells.classes, weights=cells.weights)
    balance = (counts[cells.classes] / counts.max()) ** -setting.balance
    return forest.fit(cells.levels.astype(np.float32), cells.classes, sample_weight=cells.weights * balance)


def grow_forest(
    cells: TrainingCells, setting: ForestSetting, *, trees: int, seed: int, memory: int = GROWING_BYTES
) -> GrownForest:
    """Grow an extra-trees forest in batches, each packed before the next one grows.

    Args:
        cells: what to learn from.
        setting: leaf size and class balance.
        trees: number of trees.
        seed: of the draws; the trees do not depend on the batches.
        memory: bytes that growing trees may hold.

    Returns:
        The forest.

    Raises:
        SampleError: a single tree would not fit the memory.
    """
    batch = min(trees, _trees_at_once(cells, setting, memory))
    # One stream of draws through all batches: the very trees that a single fit would grow.
    draws = np.random.RandomState(seed)
    parts: list[PackedForest] = []
    importances = np.zeros(cells.levels.shape[1])
    for start in range(0, trees, batch):
        forest = fit_forest(cells, setting, trees=min(batch, trees - start), seed=draws)
        parts.append(pack_forest(forest, most_classes=LEAF_CLASSES))
        importances += forest.feature_importances_ * len(forest.estimators_)
    return GrownForest(join_forests(parts), importances / trees)


def _trees_at_once(cells: TrainingCells, setting: ForestSetting, memory: int) -> int:
    classes = int(cells.classes.max()) + 1
    nodes = _NODES_PER_SMALLEST_LEAF * cells.classes.size / setting.leaf_cells
    tree_bytes = nodes * classes * _BYTES_PER_VALUE
    if tree_bytes > memory:
        raise SampleError(
            f"{classes} classes over {cells.classes.size} cells need {tree_bytes / 1e9:.1f} GB for one tree, more than "
            f"the {memory / 1e9:.1f} GB allowed; merge classes, or learn from fewer or smaller samples."
        )
    return int(memory // tree_bytes)
