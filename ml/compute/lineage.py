"""Which polygon of a map became which polygon of the next one: one pass over the cells that both cover."""

from collections.abc import Iterator
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import rasterize

from ml.compute.errors import LineageError
from ml.compute.vectors import in_crs

SAME, MODIFIED, SPLIT, MERGED = "same", "modified", "split", "merged"
APPEARED, VANISHED = "appeared", "vanished"
COLUMNS = ("from_polygon", "to_polygon", "relation", "from_code", "to_code", "overlap_m2", "iou", "stable_id")
LINEAGE_TABLE = "lineage"
CELLS_AT_ONCE = 4_000_000


@dataclass(frozen=True)
class LineageRule:
    """When two polygons are kin.

    Attributes:
        same_iou: overlap over union from which two outlines are the same.
        most: share of one polygon that must lie in the other for the two to be kin.
        least_part: a part of a polygon under this share is no heir of it: it appeared, or vanished.
    """

    same_iou: float = 0.9
    most: float = 0.5
    least_part: float = 0.1


@dataclass(frozen=True)
class PolygonLayer:
    """The polygons of a vintage.

    Attributes:
        polygons: a coverage, with its projection.
        code_field: column of the habitat.
        id_field: column of the identifiers; None for the place of the row, from 1.
    """

    polygons: gpd.GeoDataFrame
    code_field: str = "code"
    id_field: str | None = None

    def identifiers(self) -> NDArray:
        """(n,) identifiers, one for each polygon.

        Raises:
            LineageError: no such column, or an identifier stands twice.
        """
        if self.id_field is None:
            return np.arange(1, len(self.polygons) + 1)
        if self.id_field not in self.polygons:
            raise LineageError(_no_column(self.polygons, self.id_field))
        values = self.polygons[self.id_field]
        if values.isna().any() or values.duplicated().any():
            place = int((values.isna() | values.duplicated()).to_numpy().argmax()) + 1
            raise LineageError(f"Row {place}: '{self.id_field}' is empty or stands twice; give each polygon its own.")
        return values.to_numpy()

    def codes(self) -> NDArray[np.object_]:
        """(n,) habitats.

        Raises:
            LineageError: no such column.
        """
        if self.code_field not in self.polygons:
            raise LineageError(_no_column(self.polygons, self.code_field))
        return self.polygons[self.code_field].astype(str).to_numpy(dtype=object)


def trace_lineage(
    before: PolygonLayer, after: PolygonLayer, *, cell_m: float, rule: LineageRule | None = None
) -> pd.DataFrame:
    """Say what became of each polygon.

    Args:
        before: polygons of the earlier vintage.
        after: polygons of the later one; of another projection, they are reprojected to the earlier one's.
        cell_m: side of the cells that are counted, in units of the projection.
        rule: when two polygons are kin.

    Returns:
        COLUMNS, one row per pair of kin, per polygon that appeared (no `from_polygon`) and that vanished (no
        `to_polygon`). `same`: one outline and one habitat; `modified`: one heir and one ancestor, of another outline or
        habitat; `split`: one ancestor, several heirs; `merged`: several ancestors, one heir. `stable_id` is the
        earlier polygon's identifier where they are the same, else empty.

    Raises:
        LineageError: a layer has no polygon, no projection or lacks a field.
    """
    rule = rule or LineageRule()
    names, codes = (before.identifiers(), after.identifiers()), (before.codes(), after.codes())
    pairs = pd.concat(list(_count_pairs(before, after, cell_m)), ignore_index=True)
    pairs = pairs.groupby(["before", "after"], sort=True)["cells"].sum().reset_index()
    kin = _relate(_with_shares(pairs, len(names[0]), len(names[1])), codes, rule)
    return _as_table(kin, names, codes, cell_m**2)


def no_lineage() -> pd.DataFrame:
    """The empty table of a first map."""
    measured = ("overlap_m2", "iou")
    return pd.DataFrame({name: np.zeros(0, np.float64 if name in measured else object) for name in COLUMNS})


def _count_pairs(before: PolygonLayer, after: PolygonLayer, cell_m: float) -> Iterator[pd.DataFrame]:
    """Cells by place of the polygon before and after, from 1; 0 outside a map."""
    for layer in (before, after):
        if layer.polygons.empty:
            raise LineageError("One of the maps has no polygon; give two maps with polygons.")
        if layer.polygons.crs is None:
            raise LineageError("One of the maps has no projection; set its EPSG code.")
    if not before.polygons.crs.is_projected:
        raise LineageError("The earlier map is in degrees, where areas mean nothing; reproject it to metres.")
    outlines = [before.polygons.geometry, in_crs(after.polygons, before.polygons.crs).geometry]
    west, south, east, north = np.stack([one.total_bounds for one in outlines]).T
    width = max(1, int(np.ceil((east.max() - west.min()) / cell_m)))
    height = max(1, int(np.ceil((north.max() - south.min()) / cell_m)))
    rows = max(1, CELLS_AT_ONCE // width)
    for first in range(0, height, rows):
        count = min(rows, height - first)
        transform = Affine(cell_m, 0, west.min(), 0, -cell_m, north.max() - first * cell_m)
        numbers = [_rasterised(one, (count, width), transform) for one in outlines]
        yield _pairs_of(numbers[0], numbers[1])


def _rasterised(outlines: gpd.GeoSeries, shape: tuple[int, int], transform: Affine) -> NDArray[np.int64]:
    """(rows, columns) place of the polygon that holds each cell's centre, from 1; 0 outside."""
    height, width = shape
    box = (transform.c, transform.f + height * transform.e, transform.c + width * transform.a, transform.f)
    places = np.sort(outlines.sindex.query(shapely.box(*box)))
    if not places.size:
        return np.zeros(shape, np.int64)
    shapes = ((outlines.iloc[place], int(place) + 1) for place in places)
    return np.asarray(rasterize(shapes, out_shape=shape, transform=transform, fill=0, dtype="int32"), np.int64)


def _pairs_of(before: NDArray[np.int64], after: NDArray[np.int64]) -> pd.DataFrame:
    width = int(after.max()) + 1
    values, cells = np.unique(before * width + after, return_counts=True)
    table = pd.DataFrame({"before": values // width, "after": values % width, "cells": cells})
    return table[(table["before"] > 0) | (table["after"] > 0)]


def _with_shares(pairs: pd.DataFrame, count_before: int, count_after: int) -> pd.DataFrame:
    """Overlaps with the share of each polygon that they make, and overlap over union."""
    size_before = np.bincount(pairs["before"], weights=pairs["cells"], minlength=count_before + 1)
    size_after = np.bincount(pairs["after"], weights=pairs["cells"], minlength=count_after + 1)
    overlaps = pairs[(pairs["before"] > 0) & (pairs["after"] > 0)].reset_index(drop=True)
    cells = overlaps["cells"].to_numpy(float)
    first, second = size_before[overlaps["before"]], size_after[overlaps["after"]]
    return overlaps.assign(share_before=cells / first, share_after=cells / second, iou=cells / (first + second - cells))


def _relate(overlaps: pd.DataFrame, codes: tuple[NDArray, NDArray], rule: LineageRule) -> pd.DataFrame:
    """Keep the pairs of kin and name their relation."""
    is_heir = (overlaps["share_after"] >= rule.most) & (overlaps["share_before"] >= rule.least_part)
    is_ancestor = (overlaps["share_before"] >= rule.most) & (overlaps["share_after"] >= rule.least_part)
    kin = overlaps[is_heir | is_ancestor].copy()
    heirs = kin.groupby("before")["after"].transform("size")
    ancestors = kin.groupby("after")["before"].transform("size")
    one_code = codes[0][kin["before"] - 1] == codes[1][kin["after"] - 1]
    is_same = ((kin["iou"] >= rule.same_iou) & one_code).to_numpy()
    names = np.select([is_same, (heirs > 1).to_numpy(), (ancestors > 1).to_numpy()], [SAME, SPLIT, MERGED], MODIFIED)
    return kin.assign(relation=names)


def _as_table(
    kin: pd.DataFrame, names: tuple[NDArray, NDArray], codes: tuple[NDArray, NDArray], cell_area: float
) -> pd.DataFrame:
    vanished = np.setdiff1d(np.arange(1, len(names[0]) + 1), kin["before"])
    appeared = np.setdiff1d(np.arange(1, len(names[1]) + 1), kin["after"])
    lost = pd.DataFrame({"before": vanished, "after": 0, "cells": 0, "iou": 0.0, "relation": VANISHED})
    new = pd.DataFrame({"before": 0, "after": appeared, "cells": 0, "iou": 0.0, "relation": APPEARED})
    parts = [part for part in (kin, lost, new) if not part.empty]
    rows = pd.concat(parts, ignore_index=True).sort_values(["before", "after"], ignore_index=True)
    return pd.DataFrame(
        {
            "from_polygon": _looked_up(names[0], rows["before"]),
            "to_polygon": _looked_up(names[1], rows["after"]),
            "relation": rows["relation"],
            "from_code": _looked_up(codes[0], rows["before"]),
            "to_code": _looked_up(codes[1], rows["after"]),
            "overlap_m2": (rows["cells"] * cell_area).round(2),
            "iou": rows["iou"].round(4),
            "stable_id": _looked_up(names[0], rows["before"].where(rows["relation"] == SAME, 0)),
        }
    )


def _looked_up(values: NDArray, places: pd.Series) -> NDArray[np.object_]:
    """The value at each place from 1; None at 0."""
    return np.concatenate([np.array([None], object), values.astype(object)])[places.to_numpy(np.int64)]


def _no_column(polygons: gpd.GeoDataFrame, field: str) -> str:
    present = ", ".join(str(column) for column in polygons.columns.drop(polygons.geometry.name))
    return f"The polygons have no column '{field}' (they have: {present}); name another."
