"""What changed between the class rasters of two releases, as patches that say why."""

from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from ml.compute.class_rasters import ClassMap, check_same_grid, open_class_map
from ml.compute.outlines import outline_patches
from ml.compute.patch_labels import label_patches
from ml.compute.zonal import number_values

CHANGES_LAYER = "changes"
CORRECTION, NEW_VINTAGE, BOTH = "correction", "new_vintage", "both"
COLUMNS = ("from_code", "to_code", "cause", "area_m2")


@dataclass(frozen=True)
class Corrected:
    """Where people changed one of the two maps.

    Attributes:
        outlines: polygons in the CRS of the rasters; corrections of the earlier or of the later map.
        same_model: whether both maps come from one classification, so that every change is a correction.
    """

    outlines: NDArray[np.object_]
    same_model: bool


def changed_patches(earlier: Path, later: Path, *, corrected: Corrected, mmu_px: int) -> gpd.GeoDataFrame:
    """Draw the patches where two class maps of one grid differ.

    Patches under the minimum unit are noise of two classifications and left out, unless a correction made them.

    Args:
        earlier: class raster of the release before.
        later: class raster of this release, on the same grid.
        corrected: where people changed one of them.
        mmu_px: fewest cells of a patch.

    Returns:
        COLUMNS and the geometry, in reading order, in the CRS of the rasters.

    Raises:
        RasterError: a raster is unreadable, or the grids differ.
    """
    before, after = open_class_map(earlier), open_class_map(later)
    check_same_grid(before.path, before.grid, after.path, after.grid)
    pairs, names = _numbered_pairs(before, after)
    labels, sizes = label_patches(pairs)
    shares = _corrected_shares(labels, sizes, corrected, after)
    kept = (sizes >= mmu_px) | (shares > 0)
    kept[0] = False
    number = np.where(kept, np.cumsum(kept), 0).astype(np.int32)
    values = np.zeros(sizes.size, np.uint16)
    values[labels.ravel()] = pairs.ravel()
    found = [names[value] for value in values[kept]]
    return gpd.GeoDataFrame(
        {
            "from_code": [earlier_code for earlier_code, _later_code in found],
            "to_code": [later_code for _earlier_code, later_code in found],
            "cause": [_cause(share) for share in shares[kept]],
            "area_m2": np.round(sizes[kept] * after.cell_area_m2, 2),
        },
        geometry=outline_patches(number[labels], after.grid) if found else [],
        crs=after.grid.crs,
    )


def no_changes(epsg: int) -> gpd.GeoDataFrame:
    """The empty layer of a first release."""
    empty = {name: np.zeros(0, float if name == "area_m2" else object) for name in COLUMNS}
    return gpd.GeoDataFrame(empty, geometry=[], crs=epsg)


def _numbered_pairs(before: ClassMap, after: ClassMap) -> tuple[NDArray[np.uint16], dict[int, tuple[str, str]]]:
    """Number each pair (code before, code after) that differs, 0 elsewhere; and what each number stands for."""
    earlier, earlier_values = number_values(before.read())
    later, later_values = number_values(after.read())
    pairs = earlier * np.int32(later_values.size) + later
    of_pair = np.zeros(earlier_values.size * later_values.size, np.uint16)
    names: dict[int, tuple[str, str]] = {}
    for pair in np.flatnonzero(np.bincount(pairs.ravel(), minlength=of_pair.size)):
        values = earlier_values[pair // later_values.size], later_values[pair % later_values.size]
        codes = before.code_of(values[0]), after.code_of(values[1])
        if all(values) and codes[0] != codes[1]:
            names[len(names) + 1] = codes
            of_pair[pair] = len(names)
    return of_pair[pairs], names


def _corrected_shares(
    labels: NDArray[np.int32], sizes: NDArray[np.int64], corrected: Corrected, grid_of: ClassMap
) -> NDArray[np.float64]:
    """Share of each patch that lies on corrected ground."""
    if corrected.same_model:
        return np.ones(sizes.size)
    shapes = [outline for outline in corrected.outlines if not shapely.is_empty(outline)]
    if not shapes:
        return np.zeros(sizes.size)
    ground = rasterize(shapes, out_shape=labels.shape, transform=grid_of.grid.transform, dtype="uint8")
    cells = np.bincount(labels.ravel(), weights=ground.ravel(), minlength=sizes.size)
    return np.asarray(cells / np.maximum(sizes, 1))


def _cause(share: float) -> str:
    if share <= 0:
        return NEW_VINTAGE
    return CORRECTION if share >= 1 else BOTH
