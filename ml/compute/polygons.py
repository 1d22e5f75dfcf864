"""Polygons of a map: the class raster as a valid coverage, with what the model knew of each polygon."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numba import njit
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.blocks import majority_blocks
from ml.compute.class_rasters import ClassMap, check_same_grid, metre_of, open_class_map, read_bands
from ml.compute.errors import RasterError
from ml.compute.grids import grid_of, open_raster
from ml.compute.minimum_unit import UnitMap, merge_small_patches
from ml.compute.outlines import Outlines, draw_outlines, outline_patches, rules_for
from ml.compute.patch_labels import MapPatches, Strips, find_patches, label_patches, values_of_labels
from ml.compute.patch_votes import PatchTally, PatchVotes
from ml.compute.small_features import SmallFeatureRules, find_small_features

RUNNER_UP_BANDS = 4
CELLS_AT_ONCE = 2_000_000
POLYGONS_AT_ONCE = 50_000


@dataclass(frozen=True)
class DrawnMap:
    """The polygons of a map, ready to be written a part at a time.

    Attributes:
        class_map: the class raster.
        mapped: its patches.
        unit: those that hold the minimum unit, and what became of the others.
        outlines: their outlines.
        confidence: (n,) mean over the cells of each patch, 0-100, NaN where unknown.
        runner_ups: the classes that came next.
    """

    class_map: ClassMap
    mapped: MapPatches
    unit: UnitMap
    outlines: Outlines
    confidence: NDArray[np.float64]
    runner_ups: PatchVotes

    def __len__(self) -> int:
        return self.unit.patches.sizes.size - 1

    def frames(self, polygons: int = POLYGONS_AT_ONCE) -> Iterator[gpd.GeoDataFrame]:
        """Yield the polygons in reading order, so many at a time; an empty map gives one empty frame."""
        for first in range(1, max(len(self), 1) + 1, polygons):
            yield self._frame(first, min(first + polygons - 1, len(self)))

    def small_features(self, confidence_path: Path | None, rules: SmallFeatureRules) -> gpd.GeoDataFrame:
        """What the minimum unit took and is worth keeping."""
        known = _strips_beside(self.class_map, confidence_path, 1)
        return find_small_features(self.class_map, (self.mapped, self.unit), known, rules)

    def _frame(self, first: int, last: int) -> gpd.GeoDataFrame:
        here, votes = slice(first - 1, last), self.runner_ups
        shapes = self.outlines.polygons(first, last, self.class_map.grid)
        columns = {
            "code": _codes(self.unit.patches.values[first : last + 1], self.class_map),
            "confidence": self.confidence[here],
            "runner_up_1": _codes(votes.first[here], self.class_map),
            "runner_up_1_share": votes.first_share[here],
            "runner_up_2": _codes(votes.second[here], self.class_map),
            "runner_up_2_share": votes.second_share[here],
            "area_m2": shapely.area(shapes) * metre_of(self.class_map.grid, self.class_map.path) ** 2,
        }
        return gpd.GeoDataFrame(columns, geometry=shapes, crs=self.class_map.grid.crs)


def polygonise_map(
    classes_path: Path,
    *,
    mmu_px: int,
    simplify_m: float,
    confidence_path: Path | None = None,
    runner_ups_path: Path | None = None,
) -> gpd.GeoDataFrame:
    """Turn a class raster into polygons without gap, overlap or invalid ring.

    Args:
        classes_path: class raster, 0 = no data.
        mmu_px: fewest cells of a polygon.
        simplify_m: tolerance in metres: the root of the largest triangle that goes with its vertex; 0 keeps cell sides.
        confidence_path: uint8 raster 0-100, 255 = no data.
        runner_ups_path: uint16 raster of 4 bands: value of the first runner-up, its share, the second, its share.

    Returns:
        One row per polygon in reading order, in the CRS of the raster: `code` (str), `confidence` (mean over the
        cells, 0-100, NaN where unknown), `runner_up_1`, `runner_up_2` (str or None), `runner_up_1_share`,
        `runner_up_2_share` (int 0-100, mean over the cells), `area_m2` (of the geometry), `geometry`. What became
        of patches under the unit is in `attrs["minimum_unit"]`: `merged`, and `isolated` by no data and kept.

    Raises:
        RasterError: a raster is missing, unreadable, in degrees, or not on the grid of the classes.
    """
    drawn = draw_map(
        open_class_map(classes_path),
        mmu_px=mmu_px,
        simplify_m=simplify_m,
        confidence_path=confidence_path,
        runner_ups_path=runner_ups_path,
    )
    frame = next(drawn.frames(max(len(drawn), 1)))
    frame.attrs["minimum_unit"] = {"merged": drawn.unit.merged, "isolated": drawn.unit.isolated}
    return frame


def draw_map(
    class_map: ClassMap,
    *,
    mmu_px: int,
    simplify_m: float,
    confidence_path: Path | None = None,
    runner_ups_path: Path | None = None,
) -> DrawnMap:
    """Draw the polygons of a class raster, read strip by strip and never whole.

    Patches under the minimum unit join a neighbour first. Each line between two patches is then thinned once,
    and no patch that holds the unit is thinned under it.

    Args:
        class_map: class raster.
        mmu_px: fewest cells of a polygon.
        simplify_m: tolerance in metres; 0 keeps cell sides.
        confidence_path: uint8 raster 0-100, 255 = no data.
        runner_ups_path: uint16 raster of 4 bands.

    Returns:
        The polygons; what is held of the map is a bit by cell, ten bytes by patch that the classifier drew, and
        the vertices of the polygons.

    Raises:
        RasterError: a raster is missing, unreadable, in degrees, or not on the grid of the classes.
    """
    grid, metre = class_map.grid, metre_of(class_map.grid, class_map.path)
    known = _strips_beside(class_map, confidence_path, 1), _strips_beside(class_map, runner_ups_path, RUNNER_UP_BANDS)
    mapped = find_patches(strips_of(class_map))
    unit = merge_small_patches(mapped, mmu_px=mmu_px)
    tally, sides = _count(unit.patches, *known)
    rules = rules_for(len(sides) - 1, grid, tolerance=simplify_m / metre)
    if mmu_px > 1:
        rules = rules._replace(slack=_slack(unit.patches.sizes, mmu_px), sides=sides)
    strips = ((first, labels) for first, _classes, labels in unit.patches.labelled())
    outlines = draw_outlines(strips, grid.width, grid.height, rules)
    return DrawnMap(class_map, mapped, unit, outlines, tally.mean_confidence(), tally.runner_ups())


def generalise_map(classes_path: Path, *, factor: int, simplify_m: float | None = None) -> gpd.GeoDataFrame:
    """Turn a class raster into coarse polygons, for small scales.

    Each block of `factor` x `factor` cells takes the class most frequent in it (the smallest value of equal
    ones), or no data where more than half of it has none. Blocks are dissolved by 4-connected patch.

    Args:
        classes_path: class raster, 0 = no data.
        factor: cells of a block, on each side.
        simplify_m: tolerance in metres; by default the side of a block.

    Returns:
        `code` and `geometry`, a valid coverage in the CRS of the raster.

    Raises:
        RasterError: the raster is missing, unreadable or in degrees.
    """
    class_map = open_class_map(classes_path)
    metre = metre_of(class_map.grid, class_map.path)
    rows = max(1, rows_at_once(class_map) // factor) * factor
    blocks = np.concatenate([majority_blocks(classes, factor) for _first, classes in class_map.strips(rows)])
    labels, sizes = label_patches(blocks)
    values = values_of_labels(labels, blocks, sizes.size)
    side = class_map.grid.cell_width * factor
    tolerance = side if simplify_m is None else simplify_m / metre
    outlines = outline_patches(labels, class_map.grid, factor=factor, tolerance=tolerance)
    return gpd.GeoDataFrame({"code": _codes(values[1:], class_map)}, geometry=outlines, crs=class_map.grid.crs)


def strips_of(class_map: ClassMap) -> Strips:
    """Read a class raster strip by strip, as often as asked."""
    return lambda: class_map.strips(rows_at_once(class_map))


def rows_at_once(class_map: ClassMap) -> int:
    """How many rows make a strip."""
    return max(1, CELLS_AT_ONCE // class_map.grid.width)


def _count(
    patches: MapPatches,
    confidence: Iterator[NDArray[np.uint16] | None],
    runner_ups: Iterator[NDArray[np.uint16] | None],
) -> tuple[PatchTally, NDArray[np.int64]]:
    """Count in one pass what the model knew of each patch, and the cell sides around it."""
    tally, sides = PatchTally(patches), np.zeros(patches.sizes.size, np.int64)
    above = None
    for (_first, classes, labels), known, others in zip(patches.labelled(), confidence, runner_ups, strict=False):
        tally.add(labels, classes, None if known is None else known[0], others)
        _count_sides(np.zeros_like(labels[0]) if above is None else above, labels, sides)
        above = labels[-1].copy()
    if above is not None:
        _count_sides(above, np.zeros_like(above[None]), sides)
    return tally, sides


@njit(cache=True, nogil=True)
def _count_sides(above: NDArray[np.int32], labels: NDArray[np.int32], sides: NDArray[np.int64]) -> None:
    """Add the sides of a strip's cells that part two patches, those on its upper edge included."""
    columns = labels.shape[1]
    for row in range(labels.shape[0]):
        higher = labels[row - 1] if row > 0 else above
        for column in range(columns + 1):
            label = labels[row, column] if column < columns else 0
            left = labels[row, column - 1] if column > 0 else 0
            if label != left:
                sides[label] += 1
                sides[left] += 1
            if column < columns and label != higher[column]:
                sides[label] += 1
                sides[higher[column]] += 1


def _slack(sizes: NDArray[np.int64], mmu_px: int) -> NDArray[np.float64]:
    """Twice the cells that each patch may lose without falling under the unit; no data may lose all."""
    slack = 2.0 * np.maximum(sizes - mmu_px, 0)
    slack[0] = np.inf
    return slack


def _codes(values: NDArray[np.uint16], class_map: ClassMap) -> pd.Series:
    """Return the code of each value, None for 0 (the object dtype keeps None apart from NaN)."""
    present, where = np.unique(values, return_inverse=True)
    codes = np.array([class_map.code_of(value) if value else None for value in present], dtype=object)
    return pd.Series(codes[where], dtype=object)


def _strips_beside(class_map: ClassMap, path: Path | None, bands: int) -> Iterator[NDArray[np.uint16] | None]:
    """The first bands of a raster on the grid of the classes, by the same strips; None for ever without a raster.

    Raises:
        RasterError: the raster cannot be used; at once, before anything is computed.
    """
    if path is None:
        return repeat(None)
    with open_raster(path) as source:
        check_same_grid(class_map.path, class_map.grid, path, grid_of(source, path))
        if source.count < bands:
            raise RasterError(f"{path}: {source.count} band(s) instead of {bands}; classify again to make it.")
    return _read_strips(class_map, path, bands)


def _read_strips(class_map: ClassMap, path: Path, bands: int) -> Iterator[NDArray[np.uint16]]:
    height, width, rows = class_map.grid.height, class_map.grid.width, rows_at_once(class_map)
    with open_raster(path) as source:
        for first in range(0, height, rows):
            window = Window(0, first, width, min(rows, height - first))
            yield np.asarray(read_bands(source, path, list(range(1, bands + 1)), window), np.uint16)
