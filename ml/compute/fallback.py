"""A class where the model is sure of it, its parent where it is not: the rule, and how its threshold is chosen."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.compute.hierarchy import Hierarchy

RELIABILITY = 0.8
# A class that is less likely than not is never asserted, however right the map is on the whole.
LOWEST_THRESHOLD = 50
# Under so many held-out cells kept at their class, their share of right ones says nothing.
FEWEST_KEPT = 30
# Asks for a whole: no child is ever sure enough, every cell goes to the top of its branch.
NEVER = 101


@dataclass(frozen=True)
class Branches:
    """Classes and their ancestors by place.

    Attributes:
        codes: the classes in the order given, then their ancestors.
        lineages: (classes, steps) place of the class itself, of its parent, ... the top repeated to the end.
        is_under: (classes, codes) whether a class is a code or lies within it.
    """

    codes: tuple[str, ...]
    lineages: NDArray[np.intp]
    is_under: NDArray[np.bool_]

    @classmethod
    def of_classes(cls, classes: Sequence[str], hierarchy: Hierarchy) -> "Branches":
        """The branches of the tree that hold these classes."""
        lines = [hierarchy.lineage(code) for code in classes]
        codes = tuple(dict.fromkeys([*classes, *(code for line in lines for code in line)]))
        place_of = {code: place for place, code in enumerate(codes)}
        steps = max(map(len, lines))
        lineages = [[place_of[line[min(step, len(line) - 1)]] for step in range(steps)] for line in lines]
        is_under = np.zeros((len(lines), len(codes)), bool)
        for place, line in enumerate(lines):
            is_under[place, [place_of[code] for code in line]] = True
        return cls(codes, np.array(lineages, np.intp), is_under)


@dataclass(frozen=True)
class FallbackRule:
    """When a cell keeps its class.

    Attributes:
        threshold: least percent that a code needs, LOWEST_THRESHOLD-100; NEVER sends every cell to its top parent.
        reliability: share of right cells that was asked for among those that keep a class with a parent.
        kept: share of held-out cells that keep it under this threshold; None where nothing was held out.
        right: share of right ones among those; None where too few are kept.
        right_as_published: share of held-out cells whose published code holds their true class.
    """

    threshold: int
    reliability: float
    kept: float | None
    right: float | None
    right_as_published: float | None

    def as_json(self) -> dict[str, Any]:
        """For the report of a model."""
        figures = {"kept": self.kept, "right": self.right, "right_as_published": self.right_as_published}
        rounded = {name: None if value is None else round(value, 4) for name, value in figures.items()}
        return {"threshold": self.threshold, "reliability": self.reliability, **rounded}


def fall_back(
    ranks: NDArray[np.intp], percents: NDArray[np.uint8], branches: Branches, threshold: int
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Go up from the best class until the classes within a code have the threshold together.

    At the top of a branch nothing is wider: the code stays there, whatever its support.

    Args:
        ranks: (cells, ranks) place of the best classes among `branches.codes`, -1 where there is none.
        percents: (cells, ranks) their shares 0-100.
        branches: the tree.
        threshold: percent.

    Returns:
        (cells,) place of the published code (-1 without a class), and (cells,) its support 0-100.
    """
    codes = np.where(ranks[:, 0] < 0, -1, branches.lineages[ranks[:, 0], 0])
    support = np.where(codes < 0, 0, percents[:, 0].astype(np.int64))
    for step in range(1, branches.lineages.shape[1]):
        unsure = np.flatnonzero((codes >= 0) & (support < threshold))
        wider = branches.lineages[ranks[unsure, 0], step]
        codes[unsure] = wider
        within = branches.is_under[ranks[unsure], wider[:, None]] & (ranks[unsure] >= 0)
        support[unsure] = np.minimum((percents[unsure] * within.astype(np.int64)).sum(axis=1), 100)
    return codes, support


def choose_threshold(
    ranks: NDArray[np.intp],
    percents: NDArray[np.uint8],
    truth: NDArray[np.intp],
    branches: Branches,
    *,
    reliability: float = RELIABILITY,
) -> FallbackRule:
    """The lowest threshold, from LOWEST_THRESHOLD, under which the cells that keep their class are right often enough.

    Only cells whose best class has a parent count: the others have nowhere to fall back to.

    Args:
        ranks: (cells, ranks) best classes of held-out cells, as for `fall_back`.
        percents: (cells, ranks) calibrated shares 0-100.
        truth: (cells,) place of the true class.
        branches: the tree.
        reliability: share of right cells asked for, 0-1.

    Returns:
        The rule; the threshold is the reliability itself where too little was held out to choose.
    """
    asked = round(100 * reliability)
    can_fall = branches.lineages[ranks[:, 0], 0] != branches.lineages[ranks[:, 0], -1]
    if can_fall.sum() < FEWEST_KEPT:
        return FallbackRule(asked, reliability, None, None, None)
    best, right = percents[can_fall, 0], (ranks[:, 0] == truth)[can_fall]
    cells, hits = _cells_above(best, right)
    good = (cells >= FEWEST_KEPT) & (hits >= reliability * cells)
    good[: LOWEST_THRESHOLD - 1] = False
    threshold = int(np.argmax(good)) + 1 if good.any() else NEVER
    published, _ = fall_back(ranks, percents, branches, threshold)
    return FallbackRule(
        threshold,
        reliability,
        kept=float((best >= threshold).mean()),
        right=float(hits[threshold - 1] / cells[threshold - 1]) if good.any() else None,
        right_as_published=float(branches.is_under[truth, published].mean()),
    )


def _cells_above(percents: NDArray[np.uint8], right: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Cells, and right ones, at or above each threshold 1..100."""
    counts = np.bincount(percents, minlength=101)
    hits = np.bincount(percents, right.astype(float), 101)
    return counts[::-1].cumsum()[::-1][1:], hits[::-1].cumsum()[::-1][1:]
