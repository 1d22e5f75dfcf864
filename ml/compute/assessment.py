"""Accuracy and areas of a map from a stratified probability sample, with their intervals.

One ratio estimator gives every figure (Stehman 2014, International Journal of Remote Sensing 35, 4923-4939);
where the strata are the classes of the map it is that of Olofsson et al. (2014, Remote Sensing of Environment
148, 42-57). No finite population correction: audit points are few beside the cells of a map.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.compute.errors import AuditError
from ml.compute.hierarchy import Hierarchy

CONFIDENCE = 0.95
DEVIATIONS = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
# Under this many points an interval spans so much that the figure would mislead.
FEWEST_POINTS = 10
FEWEST_POINTS_OF_A_STRATUM = 2
NOT_ASSESSABLE = "not assessable"


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval.

    Attributes:
        estimate: the figure.
        standard_error: its standard error.
        half_width_95: half of the 95 % interval, before it is cut.
        low_95: lower end, not under 0.
        high_95: upper end, not over the largest value possible.
    """

    estimate: float
    standard_error: float
    half_width_95: float
    low_95: float
    high_95: float


@dataclass(frozen=True)
class ClassAssessment:
    """What the sample says of one class; None where it has too few points.

    Attributes:
        points_mapped: points that the map puts in the class.
        points_reference: points that are of the class.
        users_accuracy: share of the mapped class that is right.
        producers_accuracy: share of the true class that is mapped.
        area: true area of the class, in the unit of the strata's areas.
    """

    points_mapped: int
    points_reference: int
    users_accuracy: Estimate | None
    producers_accuracy: Estimate | None
    area: Estimate | None


@dataclass(frozen=True)
class Assessment:
    """Accuracy of a map.

    Attributes:
        strata_are_map_classes: whether each point's stratum is its map class (Olofsson et al. 2014).
        points: points of the sample.
        total_area: of all strata.
        overall_accuracy: share of the area that is right.
        classes: by code.
    """

    strata_are_map_classes: bool
    points: int
    total_area: float
    overall_accuracy: Estimate
    classes: dict[str, ClassAssessment]

    def as_json(self) -> dict[str, Any]:
        """The assessment as JSON values; a figure with too few points reads 'not assessable'."""
        classes = {}
        for code, figures in self.classes.items():
            row = {name: NOT_ASSESSABLE if value is None else value for name, value in asdict(figures).items()}
            classes[code] = {**row, "assessable": NOT_ASSESSABLE not in row.values()}
        return {
            "method": "Olofsson et al. 2014" if self.strata_are_map_classes else "Stehman 2014",
            "confidence": CONFIDENCE,
            "points": self.points,
            "total_area": self.total_area,
            "overall_accuracy": asdict(self.overall_accuracy),
            "classes": classes,
        }


@dataclass(frozen=True)
class _Sample:
    """Points counted by stratum, map class and reference class.

    Attributes:
        strata: (m,) index of the stratum.
        mapped: (m,) map class.
        reference: (m,) reference class.
        counts: (m,) points.
        areas: (strata,) area of each stratum.
        sizes: (strata,) points of each stratum.
    """

    strata: NDArray[np.int64]
    mapped: NDArray[np.object_]
    reference: NDArray[np.object_]
    counts: NDArray[np.int64]
    areas: NDArray[np.float64]
    sizes: NDArray[np.float64]

    def estimate_ratio(
        self, numerator: NDArray[np.bool_], denominator: NDArray[np.bool_], largest: float = 1.0
    ) -> Estimate:
        """Estimate the share of the area of `denominator` that is in `numerator`, times `largest`."""
        share = self._total(numerator) / self._total(denominator)
        residuals = numerator - share * denominator
        means = self._means(residuals)
        squares = np.bincount(self.strata, self.counts * (residuals - means[self.strata]) ** 2)
        variance = (self.areas**2 * squares / (self.sizes - 1) / self.sizes).sum()
        error = largest * float(np.sqrt(variance)) / self._total(denominator)
        figure, half = largest * share, DEVIATIONS * error
        return Estimate(figure, error, half, max(0.0, figure - half), min(largest, figure + half))

    def points_where(self, condition: NDArray[np.bool_]) -> int:
        return int(self.counts[condition].sum())

    def _means(self, values: NDArray) -> NDArray[np.float64]:
        return np.bincount(self.strata, self.counts * values) / self.sizes

    def _total(self, values: NDArray[np.bool_]) -> float:
        return float((self.areas * self._means(values)).sum())


def assess_points(
    points: pd.DataFrame, strata_areas: Mapping[str, float], *, fewest_points: int = FEWEST_POINTS
) -> Assessment:
    """Estimate the accuracy of a map and the areas of its classes.

    Args:
        points: `stratum`, `map`, `reference` (codes) and optionally `points`, how many points a row stands for.
        strata_areas: area of each stratum, in any unit.
        fewest_points: a class with fewer points mapped has no user's accuracy; one with fewer reference points
            has no producer's accuracy and no area.

    Returns:
        The figures with 95 % intervals.

    Raises:
        AuditError: no point, a stratum without area or with fewer than two points.
    """
    sample = _count(points, strata_areas)
    everything = np.ones(sample.counts.size, bool)
    right = sample.mapped == sample.reference
    classes = {
        str(code): _assess_class(sample, code, fewest_points) for code in sorted({*sample.mapped, *sample.reference})
    }
    names = sorted(strata_areas)
    return Assessment(
        strata_are_map_classes=all(
            names[stratum] == code for stratum, code in zip(sample.strata, sample.mapped, strict=True)
        ),
        points=int(sample.counts.sum()),
        total_area=float(sample.areas.sum()),
        overall_accuracy=sample.estimate_ratio(right, everything),
        classes=classes,
    )


def assess_levels(
    points: pd.DataFrame,
    strata_areas: Mapping[str, float],
    hierarchy: Hierarchy,
    *,
    fewest_points: int = FEWEST_POINTS,
) -> list[dict[str, Any]]:
    """Assess a map at every level of its legend: a class too rare to judge is judged within its parent.

    The strata stay those of the draw.

    Returns:
        `level` (1 being the top) and the assessment as JSON values, from the top to the codes themselves.
    """
    depth = hierarchy.depth([*points["map"], *points["reference"]])
    return [
        {
            "level": level,
            **assess_points(_at_level(points, hierarchy, level), strata_areas, fewest_points=fewest_points).as_json(),
        }
        for level in range(1, depth + 1)
    ]


def _at_level(points: pd.DataFrame, hierarchy: Hierarchy, level: int) -> pd.DataFrame:
    raised = {name: [hierarchy.at_level(code, level) for code in points[name]] for name in ("map", "reference")}
    return points.assign(**raised)


def _assess_class(sample: _Sample, code: str, fewest_points: int) -> ClassAssessment:
    mapped, true = sample.mapped == code, sample.reference == code
    everything = np.ones(mapped.size, bool)
    points_mapped, points_reference = sample.points_where(mapped), sample.points_where(true)
    enough_mapped = points_mapped >= max(1, fewest_points)
    enough_true = points_reference >= max(1, fewest_points)
    total = float(sample.areas.sum())
    return ClassAssessment(
        points_mapped=points_mapped,
        points_reference=points_reference,
        users_accuracy=sample.estimate_ratio(mapped & true, mapped) if enough_mapped else None,
        producers_accuracy=sample.estimate_ratio(mapped & true, true) if enough_true else None,
        area=sample.estimate_ratio(true, everything, largest=total) if enough_true else None,
    )


def _count(points: pd.DataFrame, strata_areas: Mapping[str, float]) -> _Sample:
    if "points" not in points:
        points = points.assign(points=1)
    counted = points[points["points"] > 0].groupby(["stratum", "map", "reference"])["points"].sum().reset_index()
    names = sorted(strata_areas)
    for stratum in counted["stratum"].unique():
        if stratum not in strata_areas:
            raise AuditError(f"Stratum '{stratum}' has points but no area; add its area.")
    strata = np.searchsorted(names, counted["stratum"].to_numpy(dtype=str))
    sizes = np.bincount(strata, counted["points"], minlength=len(names)).astype(float)
    for name, size in zip(names, sizes, strict=True):
        if size < FEWEST_POINTS_OF_A_STRATUM:
            raise AuditError(
                f"Stratum '{name}' has {size:.0f} point(s) and needs {FEWEST_POINTS_OF_A_STRATUM}; "
                "label more points there or join it to another stratum."
            )
    return _Sample(
        strata=strata,
        mapped=counted["map"].to_numpy(dtype=object),
        reference=counted["reference"].to_numpy(dtype=object),
        counts=counted["points"].to_numpy(),
        areas=np.array([float(strata_areas[name]) for name in names]),
        sizes=sizes,
    )
