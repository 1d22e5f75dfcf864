"""The tree of a legend: which class lies within which, and how well a map does at each level."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.compute.region.legend import LegendRow
from ml.compute.scores import score_labels


@dataclass(frozen=True)
class Hierarchy:
    """Parents by code, as the legend gives them; a code that it does not hold has none."""

    parents: Mapping[str, str]

    @classmethod
    def of_legend(cls, rows: Sequence[LegendRow]) -> "Hierarchy":
        """The tree of a legend; a parent that is no row of it cannot be shown, and counts as none."""
        codes = {row.code for row in rows}
        return cls({row.code: row.parent_code for row in rows if row.parent_code in codes})

    def lineage(self, code: str) -> tuple[str, ...]:
        """The code, its parent, the parent of that one, up to the top."""
        line = [code]
        while parent := self.parents.get(line[-1]):
            line.append(parent)
        return tuple(line)

    def at_level(self, code: str, level: int) -> str:
        """The ancestor at a level, 1 being the top; a code that ends higher stands for itself."""
        line = self.lineage(code)
        return line[max(0, len(line) - level)]

    def depth(self, codes: Sequence[str]) -> int:
        """How many levels these codes span; 1 without parents."""
        return max((len(self.lineage(code)) for code in codes), default=1)

    def are_related(self, first: str, second: str) -> bool:
        """Whether one is the other, or lies within it: they do not contradict each other."""
        return first in self.lineage(second) or second in self.lineage(first)

    def relations(self, codes: Sequence[str]) -> NDArray[np.bool_]:
        """(codes, codes) whether two codes are related."""
        return np.array([[self.are_related(one, other) for other in codes] for one in codes], bool)


NO_HIERARCHY = Hierarchy({})


@dataclass(frozen=True)
class LevelScore:
    """Scores at one level, 1 being the top of the legend; `classes` counts those present in the truth."""

    level: int
    classes: int
    macro_f1: float
    overall_accuracy: float

    def as_json(self) -> dict[str, Any]:
        """Plain numbers, rounded."""
        return {name: round(value, 4) if isinstance(value, float) else value for name, value in asdict(self).items()}


def score_levels(truth: NDArray[Any], predicted: NDArray[Any], hierarchy: Hierarchy) -> list[LevelScore]:
    """Score labels at every level of the legend, each code replaced by its ancestor there.

    Args:
        truth: (cells,) true codes.
        predicted: (cells,) predicted codes; the empty text where there is none.
        hierarchy: the legend's tree.

    Returns:
        One score a level, from the top to the codes themselves.
    """
    codes = sorted(set(truth.tolist()) | set(predicted.tolist()))
    scores = []
    for level in range(1, hierarchy.depth(codes) + 1):
        raised = {code: hierarchy.at_level(code, level) for code in codes}
        labels = score_labels(_raised(truth, raised), _raised(predicted, raised))
        scores.append(LevelScore(level, len(labels.per_class), labels.macro_f1, labels.overall_accuracy))
    return scores


def labels_of_confusion(confusion: Mapping[str, Any]) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    """The true and the predicted label of every cell that a confusion matrix counted.

    Args:
        confusion: `labels` and `matrix` (rows: true labels, the first of `labels`; columns: predicted ones).
    """
    labels = np.array(confusion["labels"], object)
    rows, columns = np.nonzero(confusion["matrix"])
    counts = np.array(confusion["matrix"])[rows, columns]
    return np.repeat(labels[rows], counts), np.repeat(labels[columns], counts)


def _raised(labels: NDArray[Any], ancestors: Mapping[str, str]) -> NDArray[np.object_]:
    return np.array([ancestors[label] for label in labels.tolist()], object)
