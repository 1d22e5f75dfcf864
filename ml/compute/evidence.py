"""What two years' maps say of a place: whether the ground has become something else, beyond doubt."""

from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from ml.compute.class_rasters import ClassMap, check_same_grid, open_class_map, read_bands
from ml.compute.grids import grid_of, open_raster
from ml.compute.samples import cells_of_samples


@dataclass(frozen=True)
class CellChange:
    """Shares of the cells of a place.

    Attributes:
        cells: how many cells both years have seen.
        changed: share that became a class which nobody had said, with the confidence asked for.
        became: code of most of the changed cells; empty where none changed.
    """

    cells: int
    changed: float
    became: str


class YearPair:
    """Two years' class rasters on one grid, and the confidence of the later one."""

    def __init__(self, before_path: Path, after_path: Path, confidence_path: Path) -> None:
        self.before, self.after = open_class_map(before_path), open_class_map(after_path)
        check_same_grid(self.before.path, self.before.grid, self.after.path, self.after.grid)
        with open_raster(confidence_path) as source:
            check_same_grid(self.after.path, self.after.grid, confidence_path, grid_of(source, confidence_path))
        self.confidence_path = confidence_path

    def change_at(self, outline: BaseGeometry, *, said: Set[str], least_confidence: int) -> CellChange:
        """How much of a place has become a third habitat.

        Args:
            outline: the place, in the projection of the rasters.
            said: codes that do not count as change: the one decided, and the one that stood before it.
            least_confidence: 0-100, of the later raster, for a cell to count.
        """
        grid = self.after.grid
        cells = cells_of_samples(gpd.GeoDataFrame(geometry=[outline], crs=grid.crs), grid)
        if not cells.rows.size:
            return CellChange(0, 0.0, "")
        top, left = int(cells.rows.min()), int(cells.columns.min())
        window = Window(left, top, int(cells.columns.max()) - left + 1, int(cells.rows.max()) - top + 1)
        at = (cells.rows - top, cells.columns - left)
        before, after = self.before.read(window)[at], self.after.read(window)[at]
        with open_raster(self.confidence_path) as source:
            confidence = read_bands(source, self.confidence_path, [1], window)[0][at]
        seen = (before != 0) & (after != 0)
        earlier, later = _codes(self.before, before), _codes(self.after, after)
        changed = seen & (earlier != later) & (confidence >= least_confidence) & ~np.isin(later, sorted(said))
        if not changed.any():
            return CellChange(int(seen.sum()), 0.0, "")
        became, counts = np.unique(later[changed], return_counts=True)
        return CellChange(int(seen.sum()), float(changed.sum() / seen.sum()), str(became[counts.argmax()]))


def _codes(class_map: ClassMap, values: np.ndarray) -> np.ndarray:
    present, where = np.unique(values, return_inverse=True)
    return np.array([class_map.code_of(value) for value in present], dtype=str)[where]
