"""What a learner says of cells whose spatial block it has not seen."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from ml.compute.growing import ForestSetting, TrainingCells, fit_forest

FOLDS = 5
TREES = 60
# Enough to know how reliable shares are; every sample keeps some of its cells.
MOST_CELLS = 6000

Shares = NDArray[np.float32]
Predict = Callable[[NDArray[np.int16]], Shares]
Learn = Callable[[TrainingCells], Predict]


@dataclass(frozen=True)
class CrossValidated:
    """Cross-validated shares.

    Attributes:
        places: (judged,) place of each judged cell among the training cells; only cells whose own class was
            learned in another block can be judged.
        shares: (judged, classes) shares of a learner that did not see the cell's group, 0 for classes that it
            did not see either.
        classes: (judged,) place of the class written with the sample.
        groups: (judged,) the group of each cell.
    """

    places: NDArray[np.intp]
    shares: Shares
    classes: NDArray[np.intp]
    groups: NDArray[np.intp]

    @property
    def top(self) -> NDArray[np.intp]:
        """(judged,) the class with the largest share."""
        return self.shares.argmax(axis=1)


def cross_validate(cells: TrainingCells, learn: Learn, *, seed: int, folds: int = FOLDS) -> CrossValidated:
    """Learn without each fold of groups in turn, and ask about it.

    Args:
        cells: what to learn from.
        learn: gives, for training cells, a function from (cells, features) levels to (cells, classes) shares.
        seed: of the folds.
        folds: at most the number of groups.

    Returns:
        The shares of the cells that could be judged; none where there is a single group.
    """
    shares = np.zeros((cells.classes.size, int(cells.classes.max(initial=0)) + 1), np.float32)
    is_judged = np.zeros(cells.classes.size, bool)
    for learned, held in _splits(cells, seed, folds):
        known = np.unique(cells.classes[learned])
        if known.size < 2:
            continue
        renamed = np.searchsorted(known, cells.classes[learned])
        lesson = TrainingCells(cells.levels[learned], renamed, cells.groups[learned], cells.weights[learned])
        shares[np.ix_(held, known)] = learn(lesson)(cells.levels[held])
        is_judged[held] = np.isin(cells.classes[held], known)
    places = np.flatnonzero(is_judged)
    return CrossValidated(places, shares[places], cells.classes[places], cells.groups[places])


def forest_learner(setting: ForestSetting, *, seed: int, trees: int = TREES) -> Learn:
    """A learner that grows an extra-trees forest with a setting."""

    def learn(cells: TrainingCells) -> Predict:
        forest = fit_forest(cells, setting, trees=trees, seed=seed, jobs=1)

        def predict(levels: NDArray[np.int16]) -> Shares:
            shares: Shares = forest.predict_proba(levels.astype(np.float32)).astype(np.float32)
            return shares

        return predict

    return learn


def few_of_each(samples: NDArray[np.intp], *, most: int, seed: int, each: int | None = None) -> NDArray[np.intp]:
    """A few cells of every sample, so that small samples count beside large ones.

    Args:
        samples: (cells,) the sample of each cell.
        most: cells to keep; the same number of each sample, as far as they have them.
        seed: of the draw.
        each: cells to keep of one sample at most; None for no such limit.

    Returns:
        (kept,) places, ascending.
    """
    shuffled = np.random.default_rng(seed).permutation(samples.size)
    by_sample = shuffled[np.argsort(samples[shuffled], kind="stable")]
    counts = np.bincount(samples)
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    turns = np.arange(samples.size) - starts
    within = np.argsort(turns, kind="stable")[:most]
    return np.sort(by_sample[within if each is None else within[turns[within] < each]])


def _splits(cells: TrainingCells, seed: int, folds: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    folds = min(folds, np.unique(cells.groups).size)
    if folds < 2:
        return []
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Rare classes have fewer groups than folds.
        warnings.simplefilter("ignore", UserWarning)
        return list(splitter.split(cells.levels, cells.classes, cells.groups))
