"""How a forest is set, chosen by spatial blocks inside the training samples alone."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from ml.compute.growing import ForestSetting, TrainingCells, fit_forest
from ml.compute.scores import score_labels
from ml.compute.sharpness import fit_sharpness

FOLDS = 3
# Enough trees to rank settings; the final forest has more.
TRIAL_TREES = 40
# More cells than this do not change which setting wins, only how long it takes to know.
TRIAL_CELLS, TRIAL_CELLS_PER_CLASS = 3000, 30
# On little data one draw of the folds says little: several are averaged.
LITTLE_DATA, LITTLE_DATA_DRAWS = 1500, 3

Splits = list[tuple[NDArray[np.intp], NDArray[np.intp]]]

# The first is kept unless another one beats it by more than the folds' own noise.
MARGIN = 0.015
SETTINGS = (
    ForestSetting(5, 1.0),
    ForestSetting(2, 0.5),
    ForestSetting(8, 1.0),
    ForestSetting(1, 0.25),
)


@dataclass(frozen=True)
class Selection:
    """The setting chosen, and the macro-F1 of each one over held-out blocks."""

    setting: ForestSetting
    macro_f1: dict[ForestSetting, float]


@dataclass(frozen=True)
class HeldOut:
    """One cut of the training cells by groups: places that teach, and places that judge."""

    learned: NDArray[np.intp]
    judging: NDArray[np.intp]

    def judge(self, classes: NDArray[np.intp], shares: NDArray[np.float32]) -> tuple[float, float]:
        """Score the shares of the judging cells.

        Args:
            classes: (judging cells,) their true classes.
            shares: (judging cells, classes).

        Returns:
            Macro-F1 over the classes among them, and the sharpness that fits.
        """
        score = _macro_f1(classes, shares, sorted(set(classes.tolist())))
        return score, fit_sharpness(shares, classes)


def hold_out(cells: TrainingCells, *, seed: int) -> HeldOut | None:
    """Cut the training cells once, by groups; every class keeps cells that teach.

    Args:
        cells: what there is to learn from.
        seed: of the cut.

    Returns:
        The cut; None where fewer than two classes are found in two groups or more.
    """
    if len(_classes_in_several_groups(cells)) < 2:
        return None
    learned, held = _splits(cells, seed)[0]
    judging = held[np.isin(cells.classes[held], cells.classes[learned])]
    if not judging.size:
        return None
    return HeldOut(np.setdiff1d(np.arange(cells.classes.size), judging), judging)


def select_setting(cells: TrainingCells, *, seed: int) -> Selection:
    """Compare the settings over held-out groups of the training cells.

    Args:
        cells: what to learn from; test cells are not among them.
        seed: of the folds and forests.

    Returns:
        The setting of the best macro-F1 over the classes found in two groups or more; the first setting
        where none beats it by MARGIN, or where fewer than two classes can be compared.
    """
    trial = cells.at(_trial_places(cells, seed))
    scored = _classes_in_several_groups(trial)
    if len(scored) < 2:
        return Selection(SETTINGS[0], {})
    draws = LITTLE_DATA_DRAWS if trial.classes.size <= LITTLE_DATA else 1
    macro_f1 = {}
    splits = [(seed + draw, _splits(trial, seed + draw)) for draw in range(draws)]
    for setting in SETTINGS:
        shares = [_held_out_shares(trial, setting, one, folds) for one, folds in splits]
        macro_f1[setting] = float(np.mean([_macro_f1(trial.classes, one, scored) for one in shares]))
    best = max(SETTINGS, key=lambda setting: round(macro_f1[setting], 4))
    if macro_f1[best] < macro_f1[SETTINGS[0]] + MARGIN:
        best = SETTINGS[0]
    return Selection(best, macro_f1)


def _trial_places(cells: TrainingCells, seed: int) -> NDArray[np.intp]:
    """A share of the cells of each class, the rare ones whole."""
    counts = np.bincount(cells.classes)
    most = max(TRIAL_CELLS, TRIAL_CELLS_PER_CLASS * counts.size)
    if cells.classes.size <= most:
        return np.arange(cells.classes.size)
    cap = _cap(counts, most)
    shuffled = np.random.default_rng(seed).permutation(cells.classes.size)
    kept = [shuffled[cells.classes[shuffled] == place][:cap] for place in range(counts.size)]
    return np.sort(np.concatenate(kept))


def _cap(counts: NDArray[np.intp], total: int) -> int:
    """The most that each may keep so that all together keep about `total`; at least 1."""
    low, high = 1, int(counts.max())
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if np.minimum(counts, middle).sum() <= total else (low, middle - 1)
    return low


def _classes_in_several_groups(cells: TrainingCells) -> list[int]:
    pairs = np.unique(np.column_stack([cells.classes, cells.groups]), axis=0)
    return np.flatnonzero(np.bincount(pairs[:, 0]) > 1).tolist()


def _splits(cells: TrainingCells, seed: int) -> Splits:
    """Places learned from and held out, fold by fold; a group is on one side."""
    folds = min(FOLDS, np.unique(cells.groups).size)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Rare classes have fewer groups than folds; they are scored on the folds they reach.
        warnings.simplefilter("ignore", UserWarning)
        return list(splitter.split(cells.levels, cells.classes, cells.groups))


def _held_out_shares(cells: TrainingCells, setting: ForestSetting, seed: int, splits: Splits) -> NDArray[np.float32]:
    """Class shares of each cell from a forest that did not see its group: (cells, classes).

    On one thread: for small forests joblib's pool costs more than it gains.
    """
    shares = np.zeros((cells.classes.size, int(cells.classes.max()) + 1), np.float32)
    for learned, held_out in splits:
        forest = fit_forest(cells.at(learned), setting, trees=TRIAL_TREES, seed=seed, jobs=1)
        known = forest.predict_proba(cells.levels[held_out].astype(np.float32))
        shares[np.ix_(held_out, forest.classes_)] = known
    return shares


def _macro_f1(classes: NDArray[np.intp], shares: NDArray[np.float32], scored: Sequence[int]) -> float:
    scores = score_labels(classes, shares.argmax(axis=1), labels=list(scored))
    return scores.macro_f1
