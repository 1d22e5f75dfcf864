"""A forest whose trees each see as many background points as presences."""

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.tree import DecisionTreeClassifier

from ml.compute.forest import PackedForest, pack_forest

TREES = 200
# Finer levels than this tell apart values that no tree of a few thousand points can use.
LEVELS = 4096


class BalancedForest:
    """Trees over levels: each predictor is replaced by its rank among the training values.

    Attributes:
        edges: for each predictor, the sorted values between which its levels lie.
        packed: the trees.
    """

    def __init__(self, edges: list[NDArray[np.float64]], packed: PackedForest) -> None:
        self.edges = edges
        self.packed = packed

    def suitability(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the (n,) share of presences, 0-1, in the leaves of (n, predictors) places."""
        return self.packed.shares(_levels(matrix, self.edges))[:, 1].astype(np.float64)


def fit_balanced_forest(
    matrix: NDArray[np.float64], is_presence: NDArray[np.bool_], *, seed: int, n_jobs: int
) -> BalancedForest:
    """Grow the trees.

    Args:
        matrix: (n, predictors) without missing values.
        is_presence: (n,) whether a point is a presence.
        seed: of the draws; the forest does not depend on `n_jobs`.
        n_jobs: threads.

    Returns:
        The forest.
    """
    edges = [_edges(column) for column in matrix.T]
    levels = _levels(matrix, edges).T
    presences, backgrounds = np.flatnonzero(is_presence), np.flatnonzero(~is_presence)
    drawn = min(presences.size, backgrounds.size)

    def grow(tree_seed: int) -> DecisionTreeClassifier:
        random = np.random.default_rng(tree_seed)
        points = np.concatenate((random.choice(presences, presences.size), random.choice(backgrounds, drawn)))
        tree = DecisionTreeClassifier(max_features="sqrt", random_state=tree_seed)
        return tree.fit(levels[points], is_presence[points])

    seeds = np.random.default_rng(seed).integers(0, 2**31, TREES)
    forest = ExtraTreesClassifier(n_estimators=TREES)  # holds the trees: scikit-learn has no balanced draw
    forest.estimators_ = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(grow)(int(s)) for s in seeds)
    forest.classes_ = np.array([False, True])
    return BalancedForest(edges, pack_forest(forest))


def _edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    different = np.unique(values)
    if different.size > LEVELS:
        different = np.unique(np.quantile(values, np.linspace(0, 1, LEVELS)))
    return (different[1:] + different[:-1]) / 2


def _levels(matrix: NDArray[np.float64], edges: list[NDArray[np.float64]]) -> NDArray[np.int16]:
    """Return (predictors, n) levels."""
    columns = [np.searchsorted(edge, values) for edge, values in zip(edges, matrix.T, strict=True)]
    return np.stack(columns).astype(np.int16)
