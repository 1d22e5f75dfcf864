"""Polygons of a map: the class raster as a valid coverage, with what the model knew of each polygon."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numba import njit
from numpy.typing import NDArray

from ml.compute.class_rasters import ClassMap, check_same_grid, metre_of, open_class_map, read_bands
from ml.compute.errors import RasterError
from ml.compute.grids import grid_of, open_raster
from ml.compute.minimum_unit import apply_minimum_unit, label_patches
from ml.compute.outlines import outline_patches
from ml.compute.patch_votes import PatchVotes, mean_confidence, vote_runner_ups

RUNNER_UP_BANDS = 4


def polygonise_map(
    classes_path: Path,
    *,
    mmu_px: int,
    simplify_m: float,
    confidence_path: Path | None = None,
    runner_ups_path: Path | None = None,
) -> gpd.GeoDataFrame:
    """Turn a class raster into polygons without gap, overlap or invalid ring.

    Patches under the minimum unit join a neighbour first; outlines are then simplified once for both sides.

    Args:
        classes_path: class raster, 0 = no data.
        mmu_px: fewest cells of a polygon.
        simplify_m: tolerance in metres (the root of the smallest triangle kept at a vertex); 0 keeps cell sides.
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
    class_map = open_class_map(classes_path)
    metre = metre_of(class_map.grid, class_map.path)
    classes = class_map.read()
    patches = apply_minimum_unit(classes, mmu_px=mmu_px)
    outlines = _outline(patches.labels, class_map, simplify_m / metre)
    confidence = None if confidence_path is None else _read_beside(class_map, confidence_path, bands=1)[0]
    runner_ups = None if runner_ups_path is None else _read_beside(class_map, runner_ups_path, bands=RUNNER_UP_BANDS)
    votes = vote_runner_ups(patches, classes, confidence, runner_ups)
    columns = {
        "code": _codes(patches.values[1:], class_map),
        "confidence": mean_confidence(patches, confidence),
        **_runner_up_columns(votes, class_map),
        "area_m2": shapely.area(outlines) * metre**2,
    }
    frame = gpd.GeoDataFrame(columns, geometry=outlines, crs=class_map.grid.crs)
    frame.attrs["minimum_unit"] = {"merged": patches.merged, "isolated": patches.isolated}
    return frame


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
    blocks = majority_blocks(class_map.read(), factor)
    labels, sizes = label_patches(blocks)
    values = np.zeros(sizes.size, np.uint16)
    values[labels.ravel()] = blocks.ravel()
    side = class_map.grid.cell_width * factor
    outlines = _outline(labels, class_map, side if simplify_m is None else simplify_m / metre, factor)
    return gpd.GeoDataFrame({"code": _codes(values[1:], class_map)}, geometry=outlines, crs=class_map.grid.crs)


@njit(cache=True, nogil=True)
def majority_blocks(classes: NDArray[np.uint16], factor: int) -> NDArray[np.uint16]:
    """Return the majority class of each block of `factor` x `factor` cells; blocks at the edges may be cut.

    Args:
        classes: (rows, columns) class values, 0 where there is no data.
        factor: cells of a block, on each side.

    Returns:
        (ceil(rows / factor), ceil(columns / factor)) class values.
    """
    rows, columns = classes.shape
    blocks = np.zeros((-(-rows // factor), -(-columns // factor)), np.uint16)
    counts = np.zeros(65536, np.int64)
    for row in range(blocks.shape[0]):
        for column in range(blocks.shape[1]):
            block = classes[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            blocks[row, column] = _majority(block.copy().ravel(), counts)
    return blocks


@njit(cache=True, nogil=True)
def _majority(block: NDArray[np.uint16], counts: NDArray[np.int64]) -> int:
    """Return the most frequent value; `counts` is a scratch of zeros, left so."""
    for value in block:
        counts[value] += 1
    best = 0
    if 2 * counts[0] <= block.size:
        counts[0] = 0
        for value in block:
            if counts[value] > counts[best] or (counts[value] == counts[best] and value < best):
                best = int(value)
    counts[0] = 0
    for value in block:
        counts[value] = 0
    return best


def _outline(labels: NDArray[np.int32], class_map: ClassMap, tolerance: float, factor: int = 1) -> NDArray[np.object_]:
    outlines = outline_patches(labels, class_map.grid, factor=factor)
    if tolerance > 0 and outlines.size:
        outlines = shapely.coverage_simplify(outlines, tolerance)
    return outlines


def _codes(values: NDArray[np.uint16], class_map: ClassMap) -> pd.Series:
    """Return the code of each value, None for 0 (the object dtype keeps None apart from NaN)."""
    present, where = np.unique(values, return_inverse=True)
    codes = np.array([class_map.code_of(value) if value else None for value in present], dtype=object)
    return pd.Series(codes[where], dtype=object)


def _runner_up_columns(votes: PatchVotes, class_map: ClassMap) -> dict[str, pd.Series | NDArray[np.int64]]:
    return {
        "runner_up_1": _codes(votes.first, class_map),
        "runner_up_1_share": votes.first_share,
        "runner_up_2": _codes(votes.second, class_map),
        "runner_up_2_share": votes.second_share,
    }


def _read_beside(class_map: ClassMap, path: Path, *, bands: int) -> NDArray[np.uint16]:
    """Read the first `bands` bands of a raster on the grid of the classes, as (bands, rows, columns)."""
    with open_raster(path) as source:
        check_same_grid(class_map.path, class_map.grid, path, grid_of(source, path))
        if source.count < bands:
            raise RasterError(f"{path}: {source.count} band(s) instead of {bands}; classify again to make it.")
        return np.asarray(read_bands(source, path, list(range(1, bands + 1))), np.uint16)
