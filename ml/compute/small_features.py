"""Hedges, streams, ponds: what the minimum unit would lose, kept in a layer of its own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from shapely.geometry.base import BaseGeometry

from ml.compute.class_rasters import ClassMap, metre_of
from ml.compute.minimum_unit import UnitMap
from ml.compute.patch_labels import MapPatches
from ml.compute.strands import longest_way

LINEAR, SMALL = "linear", "small"
COLUMNS = ("code", "kind", "length_m", "width_m", "area_m2", "confidence")
UNKNOWN = 255
FULL_SHARE = 100
FEWEST_CELLS = 2
# Beside a cell, the neighbours that come after it in reading order, as (row step, column step).
LATER_NEIGHBOURS = ((0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True)
class SmallFeatureRules:
    """What is kept of the ground under the minimum unit.

    Attributes:
        keep_codes: codes of which every feature of two cells or more is kept, whatever its shape.
        least_length_cells: a linear feature is at least so long.
        least_elongation: and so many times longer than wide.
        least_confidence: mean over its cells, of any feature; ignored where it is unknown.
    """

    keep_codes: frozenset[str] = field(default_factory=frozenset)
    least_length_cells: float = 6.0
    least_elongation: float = 4.0
    least_confidence: float = 50.0


class _Cells(NamedTuple):
    """Cells under the unit, in reading order: (n,) row, column, class value and confidence of each."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    values: NDArray[np.uint16]
    confidence: NDArray[np.uint16]

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> "_Cells":
        """Some of the cells."""
        return _Cells(self.rows[which], self.columns[which], self.values[which], self.confidence[which])

    def followed_by(self, later: "_Cells") -> "_Cells":
        """These cells and later ones."""
        return _Cells(
            np.concatenate([self.rows, later.rows]),
            np.concatenate([self.columns, later.columns]),
            np.concatenate([self.values, later.values]),
            np.concatenate([self.confidence, later.confidence]),
        )


def find_small_features(
    class_map: ClassMap,
    drawn: tuple[MapPatches, UnitMap],
    confidence: Iterator[NDArray[np.uint16] | None],
    rules: SmallFeatureRules,
) -> gpd.GeoDataFrame:
    """Find what is worth keeping among the patches that joined a neighbour.

    Patches of one class that touch by a side or a corner make one feature. Its length is that of the longest of
    the shortest ways through its cells, its width its area by its length.

    Args:
        class_map: the class raster.
        drawn: its patches before and after the minimum unit.
        confidence: (1, rows, columns) of each strip, 0-100, more where unknown; or None.
        rules: what is kept.

    Returns:
        In reading order, COLUMNS and the geometry: the middle line of a `linear` feature, the outline of a `small` one.
    """
    is_lost = _lost_patches(*drawn)
    height, width = class_map.grid.height, class_map.grid.width
    none = np.zeros(0, np.int64)
    waiting = _Cells(none, none, none.astype(np.uint16), none.astype(np.uint16))
    found = []
    for (first, classes, labels), known in zip(drawn[0].labelled(), confidence, strict=False):
        waiting = waiting.followed_by(_cells_of(first, classes, is_lost[labels], known))
        groups = _touching(waiting, width)
        end = first + len(labels)
        goes_on = np.isin(groups, groups[waiting.rows == end - 1]) & (end < height)
        found += _features(waiting.take(~goes_on), groups[~goes_on], class_map, rules)
        waiting = waiting.take(goes_on)
    found.sort(key=lambda feature: feature["first"])
    if not found:
        return no_small_features(class_map.grid.crs)
    columns = {name: [feature[name] for feature in found] for name in COLUMNS}
    shapes = [feature["geometry"] for feature in found]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs=class_map.grid.crs)


def no_small_features(crs: Any) -> gpd.GeoDataFrame:
    """The empty layer of a map that has none, in a CRS or EPSG code."""
    columns = {name: np.zeros(0, object if name in ("code", "kind") else np.float64) for name in COLUMNS}
    return gpd.GeoDataFrame(columns, geometry=[], crs=crs)


def _lost_patches(patches: MapPatches, unit: UnitMap) -> NDArray[np.bool_]:
    """Patches whose class is gone from their ground."""
    became = np.zeros(patches.sizes.size, np.int64)
    became[patches.numbers] = unit.patches.numbers
    return np.asarray(unit.patches.values[became] != patches.values)


def _cells_of(
    first: int, classes: NDArray[np.uint16], where: NDArray[np.bool_], known: NDArray[np.uint16] | None
) -> _Cells:
    rows, columns = np.nonzero(where)
    confidence = np.full(rows.size, UNKNOWN, np.uint16) if known is None else known[0][rows, columns]
    return _Cells(rows + first, columns, classes[rows, columns], confidence)


def _touching(cells: _Cells, width: int) -> NDArray[np.int64]:
    """Number the features: cells of one value that touch by a side or a corner."""
    count = cells.rows.size
    if not count:
        return np.zeros(0, np.int64)
    stride = width + 2  # a cell at the end of a row is no neighbour of one at the start of the next
    places = cells.rows * stride + cells.columns
    ends = []
    for row_step, column_step in LATER_NEIGHBOURS:
        wanted = places + row_step * stride + column_step
        other = np.minimum(np.searchsorted(places, wanted), count - 1)
        alike = np.flatnonzero((places[other] == wanted) & (cells.values[other] == cells.values))
        ends.append(np.stack([alike, other[alike]]))
    one, two = np.hstack(ends)
    links = coo_array((np.ones(one.size, np.int8), (one, two)), shape=(count, count))
    return np.asarray(connected_components(links, directed=False)[1], np.int64)


def _features(
    cells: _Cells, groups: NDArray[np.int64], class_map: ClassMap, rules: SmallFeatureRules
) -> list[dict[str, Any]]:
    order = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
    found = []
    for members in np.split(order, starts[1:]) if order.size else []:
        if members.size >= FEWEST_CELLS:
            feature = _feature(cells.take(members), class_map, rules)
            found += [] if feature is None else [feature]
    return found


def _feature(cells: _Cells, class_map: ClassMap, rules: SmallFeatureRules) -> dict[str, Any] | None:
    known = cells.confidence[cells.confidence <= FULL_SHARE]
    confidence = float(known.mean()) if known.size else np.nan
    code = class_map.code_of(int(cells.values[0]))
    is_kept_code = code in rules.keep_codes
    is_long = cells.rows.size * np.sqrt(2) >= rules.least_length_cells
    if confidence < rules.least_confidence or not (is_kept_code or is_long):
        return None
    way, length = longest_way(cells.rows, cells.columns)
    width = cells.rows.size / length
    is_linear = length >= rules.least_length_cells and length >= rules.least_elongation * width
    if not (is_linear or is_kept_code):
        return None
    metre = metre_of(class_map.grid, class_map.path)
    side = np.sqrt(class_map.grid.cell_width * class_map.grid.cell_height) * metre
    return {
        "first": (int(cells.rows[0]), int(cells.columns[0])),
        "code": code,
        "kind": LINEAR if is_linear else SMALL,
        "length_m": round(length * side, 1),
        "width_m": round(width * side, 1),
        "area_m2": round(cells.rows.size * class_map.cell_area_m2, 2),
        "confidence": round(confidence, 1),
        "geometry": _middle_line(cells, way, class_map) if is_linear else _outline(cells, class_map),
    }


def _middle_line(cells: _Cells, way: NDArray[np.int64], class_map: ClassMap) -> BaseGeometry:
    """The way through the middles of the cells, without the steps of the grid."""
    grid = class_map.grid
    west, _south, _east, north = grid.bounds
    across = west + (cells.columns[way] + 0.5) * grid.cell_width
    down = north - (cells.rows[way] + 0.5) * grid.cell_height
    return shapely.LineString(np.column_stack((across, down))).simplify(0.75 * grid.cell_width)


def _outline(cells: _Cells, class_map: ClassMap) -> BaseGeometry:
    grid = class_map.grid
    west, _south, _east, north = grid.bounds
    left, top = west + cells.columns * grid.cell_width, north - cells.rows * grid.cell_height
    return shapely.union_all(shapely.box(left, top - grid.cell_height, left + grid.cell_width, top))
