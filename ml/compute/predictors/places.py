"""Where predictors are made: the folder, the year, and the cells that every raster of the region shares."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.crs import CRS
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from ml.compute.grids import Grid, name_of, read_grid
from ml.compute.predictors.errors import PredictorError
from ml.compute.region.folder import RegionFolder
from ml.compute.region.keys import text_of, value_of
from ml.compute.region.vectors import read_territory_layers

Bounds = tuple[float, float, float, float]
BOUND_COUNT = 4
WGS_84 = "EPSG:4326"
# More cells on a side than this is a mistake in the bounds, not a region.
LARGEST_SIDE = 200_000


@dataclass(frozen=True)
class Place:
    """A year of a region folder and its grid."""

    folder: Path
    year: int
    grid: Grid

    @property
    def stack(self) -> Path:
        """The folder of the year's rasters."""
        return self.folder / "stack" / str(self.year)

    def find(self, pattern: str) -> list[Path]:
        """Files of a path or pattern relative to the folder, sorted; `{year}` stands for the year."""
        text = pattern.replace("{year}", str(self.year))
        path = Path(text)
        if path.is_absolute():
            return sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        return sorted(self.folder.glob(text))


def grid_of_region(folder: RegionFolder, table: Mapping[str, Any], where: str) -> Grid:
    """The cells that predictors are made on.

    In this order: `like` (a raster), `bounds` (west, south, east, north in the region's CRS, widened to whole
    cells), the first raster of the stack of any year, the outline of the territories.

    Args:
        folder: the region folder.
        table: the section [grid] of the recipe, empty where it has none.
        where: the section's name for messages.

    Raises:
        PredictorError: nothing says where the region is, or `like` is in another projection.
        RasterError: a raster is unreadable.
    """
    if "like" in table:
        return _known_grid(folder.path / text_of(table, "like", where), folder)
    if "bounds" in table:
        return _snapped(_bounds(table, where), folder, where)
    if earlier := sorted((folder.path / "stack").glob("*/*.tif")):
        return _known_grid(earlier[0], folder)
    if folder.territories_file is None:
        raise PredictorError(f"{where}: nothing says where the region is; write bounds = [west, south, east, north].")
    widest = read_territory_layers(folder)[folder.kinds[0]]
    west, south, east, north = (float(side) for side in widest.total_bounds)
    return _snapped((west, south, east, north), folder, str(folder.territories_file))


def bounds_of(grid: Grid, window: Window) -> Bounds:
    """West, south, east, north of a window, in the grid's CRS."""
    west, north = grid.transform @ (window.col_off, window.row_off)
    east, south = grid.transform @ (window.col_off + window.width, window.row_off + window.height)
    return west, south, east, north


def cells_of(grid: Grid, window: Window) -> Grid:
    """The cells of a window, as a grid of their own."""
    transform = grid.transform @ Affine.translation(window.col_off, window.row_off)
    return Grid(int(window.width), int(window.height), transform, grid.crs)


def degrees_of(crs: CRS, bounds: Bounds) -> Bounds:
    """Bounds in longitude and latitude."""
    west, south, east, north = transform_bounds(crs, WGS_84, *bounds, densify_pts=21)
    return west, south, east, north


def latitudes_of(grid: Grid, window: Window) -> NDArray[np.float64]:
    """Latitude in degrees of the middle of each row of a window, (rows,)."""
    rows = window.row_off + 0.5 + np.arange(int(window.height))
    northings = grid.transform.f + grid.transform.e * rows
    eastings = np.full(rows.size, grid.transform.c + grid.transform.a * (window.col_off + window.width / 2))
    transformer = Transformer.from_crs(grid.crs.to_wkt(), WGS_84, always_xy=True)
    return np.asarray(transformer.transform(eastings, northings)[1], np.float64)


def metres_per_unit(grid: Grid) -> float:
    """Metres in a unit of the grid's CRS."""
    return float(grid.crs.linear_units_factor[1])


def grown(grid: Grid, halo: int) -> Grid:
    """The grid with `halo` more cells on each side."""
    transform = grid.transform @ Affine.translation(-halo, -halo)
    return Grid(grid.width + 2 * halo, grid.height + 2 * halo, transform, grid.crs)


def _known_grid(path: Path, folder: RegionFolder) -> Grid:
    grid = read_grid(path)
    if grid.crs != CRS.from_epsg(folder.epsg):
        raise PredictorError(
            f"{path}: projection {name_of(grid.crs)}, but region.toml says 'epsg' {folder.epsg}; "
            "name a raster of the region's own projection."
        )
    return grid


def _bounds(table: Mapping[str, Any], where: str) -> Bounds:
    values = value_of(table, "bounds", list, where)
    numbers = [float(value) for value in values if isinstance(value, (int, float)) and np.isfinite(value)]
    if len(values) != BOUND_COUNT or len(numbers) != BOUND_COUNT:
        raise PredictorError(f"{where}: the key 'bounds' is {values!r}; write four numbers: west, south, east, north.")
    west, south, east, north = numbers
    if west >= east or south >= north:
        raise PredictorError(f"{where}: the key 'bounds' is {values!r}; west must be under east, south under north.")
    return west, south, east, north


def _snapped(bounds: Bounds, folder: RegionFolder, where: str) -> Grid:
    cell = folder.resolution_m
    west, south = (np.floor(side / cell) * cell for side in bounds[:2])
    east, north = (np.ceil(side / cell) * cell for side in bounds[2:])
    width, height = round((east - west) / cell), round((north - south) / cell)
    if max(width, height) > LARGEST_SIDE:
        raise PredictorError(
            f"{where}: {width} x {height} cells of {cell:g} m is no region; write the bounds in EPSG:{folder.epsg}."
        )
    return Grid(width, height, Affine(cell, 0, west, 0, -cell, north), CRS.from_epsg(folder.epsg))
