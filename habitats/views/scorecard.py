"""The scores of a model version, as its page shows them: dots by class, confusion matrix, differences."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from habitats.models import HabitatType
from habitats.queries import types_of_codes
from ml.models import ModelVersion

# Shades of the matrix: 0 is an empty cell, HEAT_STEPS the fullest.
HEAT_STEPS = 8
MISTAKES_TOLD = 3


@dataclass(frozen=True)
class Dot:
    """One score on the plot of a class: where it stands, from 0% to 100% of the width."""

    name: str
    value: float

    @property
    def place(self) -> str:
        """For an attribute of SVG, whatever the language of the page."""
        return f"{100 * self.value:.1f}%"


@dataclass(frozen=True)
class ClassScore:
    """The scores of one class; `f1_before` is the other version's, on the same blocks."""

    code: str
    habitat_type: HabitatType | None
    f1: float
    precision: float
    recall: float
    support: int
    f1_before: float | None = None

    @property
    def dots(self) -> list[Dot]:
        """What the plot draws, the F1 last so that it lies above."""
        return [Dot("precision", self.precision), Dot("recall", self.recall), Dot("f1", self.f1)]

    @property
    def place_before(self) -> str:
        """Where the other version's F1 stands on the plot."""
        return Dot("before", self.f1_before or 0.0).place

    @property
    def difference(self) -> float | None:
        """F1 less the other version's."""
        return None if self.f1_before is None else self.f1 - self.f1_before


@dataclass(frozen=True)
class ConfusionCell:
    """Test cells of one class that were mapped as another."""

    count: int
    heat: int
    is_right: bool
    column: str


@dataclass(frozen=True)
class ConfusionLine:
    """One reference class of the matrix."""

    code: str
    habitat_type: HabitatType | None
    cells: Sequence[ConfusionCell]

    @property
    def total(self) -> int:
        """Test cells of the class."""
        return sum(cell.count for cell in self.cells)

    @property
    def recognised(self) -> int:
        """Test cells mapped as what they are."""
        return sum(cell.count for cell in self.cells if cell.is_right)

    @property
    def share_recognised(self) -> float | None:
        """The recall, 0 to 1."""
        return self.recognised / self.total if self.total else None

    @property
    def mistakes(self) -> list[ConfusionCell]:
        """What it is most often taken for."""
        wrong = [cell for cell in self.cells if cell.count and not cell.is_right]
        return sorted(wrong, key=lambda cell: -cell.count)[:MISTAKES_TOLD]


@dataclass(frozen=True)
class Scorecard:
    """A version's metrics, read once; a version without some of them shows less, and does not fail."""

    version: ModelVersion

    @property
    def metrics(self) -> Mapping[str, Any]:
        """As `ml.compute.scores` wrote them."""
        return self.version.metrics or {}

    @cached_property
    def _types(self) -> dict[str, HabitatType]:
        return types_of_codes({*self.metrics.get("per_class", {}), *self._labels})

    @property
    def _labels(self) -> list[str]:
        return [str(label) for label in (self.metrics.get("confusion") or {}).get("labels", [])]

    @cached_property
    def classes(self) -> list[ClassScore]:
        """Scores by class, the best first."""
        before = (self.version.comparison or {}).get("per_class") or {}
        scores = [
            ClassScore(
                code=code,
                habitat_type=self._types.get(code),
                f1=row.get("f1") or 0.0,
                precision=row.get("precision") or 0.0,
                recall=row.get("recall") or 0.0,
                support=int(row.get("support") or 0),
                f1_before=(before.get(code) or {}).get("current"),
            )
            for code, row in self.metrics.get("per_class", {}).items()
        ]
        return sorted(scores, key=lambda score: (-score.f1, score.code))

    @property
    def obstacle(self) -> str:
        """Why it has no score, or no comparison."""
        return self.metrics.get("unscored") or (self.version.comparison or {}).get("not_comparable") or ""

    @property
    def is_compared(self) -> bool:
        """Whether the current version was scored on the same blocks."""
        return (self.version.comparison.get("macro_f1") or {}).get("current") is not None

    @property
    def macro_difference(self) -> float | None:
        """Macro-F1 less the current version's, on the same blocks."""
        scores = self.version.comparison.get("macro_f1") or {}
        if scores.get("current") is None or scores.get("candidate") is None:
            return None
        return scores["candidate"] - scores["current"]

    @property
    def labels(self) -> list[str]:
        """The columns of the matrix; cells without data have theirs."""
        return [label or _("no data") for label in self._labels]

    @cached_property
    def confusion(self) -> list[ConfusionLine]:
        """The matrix, a line per class of the test, shaded by share of the line; columns may be more than lines."""
        matrix = (self.metrics.get("confusion") or {}).get("matrix", [])
        return [
            ConfusionLine(code, self._types.get(code), _cells(row, position, self.labels))
            for position, (code, row) in enumerate(zip(self.labels, matrix, strict=False))
        ]

    @property
    def column_totals(self) -> list[int]:
        """Test cells mapped as each class."""
        lines = self.confusion
        return [sum(line.cells[column].count for line in lines) for column in range(len(self._labels))]


def _cells(row: Sequence[int], position: int, labels: Sequence[str]) -> list[ConfusionCell]:
    total = sum(row)
    return [
        ConfusionCell(int(count), _heat(count, total), column == position, labels[column])
        for column, count in enumerate(row)
    ]


def _heat(count: int, total: int) -> int:
    """A cell that holds something is never as pale as an empty one."""
    if not count or not total:
        return 0
    return max(1, round(HEAT_STEPS * count / total))


def side_by_side(left: ModelVersion, right: ModelVersion) -> list[dict[str, Any]]:
    """F1 of each class in two versions, the largest difference first; a class that one lacks has None there."""
    scores = [{row.code: row for row in Scorecard(version).classes} for version in (left, right)]
    lines = []
    for code in {**scores[0], **scores[1]}:
        mine, other = scores[0].get(code), scores[1].get(code)
        known = mine or other
        lines.append(
            {
                "code": code,
                "habitat_type": known.habitat_type if known else None,
                "left": mine.f1 if mine else None,
                "right": other.f1 if other else None,
                "difference": mine.f1 - other.f1 if mine and other else None,
            }
        )
    return sorted(lines, key=lambda line: (-abs(line["difference"] or 0.0), line["code"]))


def parameter_lines(parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters of a training by name; lists and tables on one line, as they were written."""
    return [
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(", ", ": ")))
        for name, value in sorted(parameters.items())
    ]
