"""From labelled audit points to the figures that a release publishes.

Points that nobody could interpret are left out and counted; a class with too few points is assessed with the other
classes of its parent in the legend.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd

from ml.compute.assessment import (
    FEWEST_POINTS,
    FEWEST_POINTS_OF_A_STRATUM,
    NOT_ASSESSABLE,
    Assessment,
    ClassAssessment,
    assess_points,
)
from ml.compute.errors import AuditError

NOT_INTERPRETABLE = ""


def report_audit(
    points: pd.DataFrame,
    strata_areas: Mapping[str, float],
    *,
    parents: Mapping[str, str],
    fewest_points: int = FEWEST_POINTS,
) -> dict[str, Any]:
    """Accuracy and areas of a map from its audit sample, with 95 % intervals.

    Args:
        points: `stratum`, `map`, `reference` (codes; an empty reference is a point that nobody could interpret).
        strata_areas: m² of each stratum.
        parents: parent of each code of the legend, empty where it has none; its codes are listed even without points.
        fewest_points: under it a figure reads 'not assessable'.

    Returns:
        JSON values, the same for the same points whatever their order.

    Raises:
        AuditError: no point could be interpreted, or a stratum has no area.
    """
    seen = points[points["reference"] != NOT_INTERPRETABLE]
    if len(seen) < FEWEST_POINTS_OF_A_STRATUM:
        raise AuditError(f"{len(seen)} point(s) could be interpreted: nothing can be said of this map.")
    seen, areas, joined = _join_thin_strata(seen, strata_areas)
    assessment = assess_points(seen, areas, fewest_points=fewest_points)
    classes = _with_absent_ones(assessment, parents)
    groups = _assess_parents(seen, areas, parents, fewest_points)
    report = assessment.as_json()
    report["classes"] = {
        code: _row_of(figures) | {"assessed_at": _assessed_at(code, figures, parents, groups)}
        for code, figures in sorted(classes.items())
    }
    asked = {row["assessed_at"] for row in report["classes"].values()} - {None}
    report["parents"] = {
        code: _row_of(groups[code]) | {"classes": sorted(one for one in classes if code in _ancestors(one, parents))}
        for code in sorted(asked)
    }
    return report | {
        "fewest_points": fewest_points,
        "area_unit": "m2",
        "points_drawn": len(points),
        "points_not_interpretable": len(points) - len(seen),
        "strata": _strata_rows(points, strata_areas),
        "strata_joined": joined,
        "confusion": _confusion(seen),
    }


def _join_thin_strata(
    points: pd.DataFrame, strata_areas: Mapping[str, float]
) -> tuple[pd.DataFrame, dict[str, float], dict[str, str]]:
    """Strata left with one point or none, joined to the one where a point stands for the nearest area."""
    areas, joined = dict(strata_areas), {}
    found = points["stratum"].value_counts()
    counts = {name: int(found.get(name, 0)) for name in areas}
    for stratum in sorted(areas):
        if counts[stratum] >= FEWEST_POINTS_OF_A_STRATUM or len(areas) == 1:
            continue
        weight = areas[stratum] / max(1, counts[stratum])
        others = [name for name in sorted(areas) if name != stratum and counts[name]]
        host = min(others, key=lambda name: abs(areas[name] / counts[name] - weight))
        areas[host] += areas.pop(stratum)
        counts[host] += counts[stratum]
        points = points.assign(stratum=points["stratum"].replace(stratum, host))
        joined[stratum] = host
    return points, areas, joined


def _with_absent_ones(assessment: Assessment, parents: Mapping[str, str]) -> dict[str, ClassAssessment]:
    """The classes of the points, and those of the legend that no point met."""
    headings = set(parents.values())
    absent = {code: ClassAssessment(0, 0, None, None, None) for code in parents if code not in headings}
    return absent | assessment.classes


def _assess_parents(
    points: pd.DataFrame, areas: Mapping[str, float], parents: Mapping[str, str], fewest_points: int
) -> dict[str, ClassAssessment]:
    """Each heading of the legend as one class that holds all those under it."""
    groups = {}
    for heading in sorted({parent for parent in parents.values() if parent}):
        members = {code for code in {*points["map"], *points["reference"]} if heading in _ancestors(code, parents)}
        recoded = points.assign(
            **{axis: points[axis].where(~points[axis].isin(members), heading) for axis in ("map", "reference")}
        )
        found = assess_points(recoded, areas, fewest_points=fewest_points).classes.get(heading)
        if found is not None:
            groups[heading] = found
    return groups


def _ancestors(code: str, parents: Mapping[str, str]) -> list[str]:
    """The headings above a code, nearest first."""
    chain: list[str] = []
    while (parent := parents.get(code, "")) and parent not in chain:
        chain.append(parent)
        code = parent
    return chain


def _assessed_at(
    code: str, figures: ClassAssessment, parents: Mapping[str, str], groups: Mapping[str, ClassAssessment]
) -> str | None:
    """The nearest heading with enough points; None where the class itself has them, or where no heading has."""
    if _is_whole(figures):
        return None
    return next((one for one in _ancestors(code, parents) if one in groups and _is_whole(groups[one])), None)


def _is_whole(figures: ClassAssessment) -> bool:
    return None not in (figures.users_accuracy, figures.producers_accuracy, figures.area)


def _row_of(figures: ClassAssessment) -> dict[str, Any]:
    row = {name: NOT_ASSESSABLE if value is None else value for name, value in asdict(figures).items()}
    return {**row, "assessable": _is_whole(figures)}


def _strata_rows(points: pd.DataFrame, strata_areas: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    drawn = points["stratum"].value_counts()
    unseen = points.loc[points["reference"] == NOT_INTERPRETABLE, "stratum"].value_counts()
    return {
        name: {"area": area, "points": int(drawn.get(name, 0)), "not_interpretable": int(unseen.get(name, 0))}
        for name, area in sorted(strata_areas.items())
    }


def _confusion(points: pd.DataFrame) -> list[dict[str, Any]]:
    counted = points.groupby(["map", "reference"], as_index=False).size()
    rows = zip(counted["map"], counted["reference"], counted["size"], strict=True)
    return [{"map": str(mapped), "reference": str(true), "points": int(count)} for mapped, true, count in rows]
