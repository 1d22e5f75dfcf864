"""The cells that every raster of a stack shares."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ml.compute.errors import RasterError, StackError

# A hundredth of a cell over the whole width: more is another grid, less is rounding by some writer.
ALIGNMENT_CELLS = 0.01
# Columns worked through from top to bottom before the next ones; a multiple of every usual tile.
CHUNK = 1024


@dataclass(frozen=True)
class Grid:
    """North-up cells: `height` rows by `width` columns, `transform` from (column, row) to metres."""

    width: int
    height: int
    transform: Affine
    crs: CRS

    @property
    def cell_width(self) -> float:
        """Width of a cell, in units of the CRS."""
        return float(self.transform.a)

    @property
    def cell_height(self) -> float:
        """Height of a cell, in units of the CRS (positive)."""
        return float(-self.transform.e)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        west, north = self.transform.c, self.transform.f
        return (
            west,
            north - self.height * self.cell_height,
            west + self.width * self.cell_width,
            north,
        )

    def difference(self, other: "Grid") -> str:
        """What differs from another grid, in words; empty where the cells are the same."""
        if self.crs != other.crs:
            return f"projection {name_of(other.crs)} instead of {name_of(self.crs)}"
        if (self.width, self.height) != (other.width, other.height):
            return f"{other.width} x {other.height} cells instead of {self.width} x {self.height}"
        corners = ((0, 0), (self.width, self.height))
        shifts = [
            max(abs(mine - theirs) for mine, theirs in zip(self.transform @ c, other.transform @ c, strict=True))
            for c in corners
        ]
        if max(shifts) > ALIGNMENT_CELLS * self.cell_width:
            return f"cells shifted or sized otherwise, by up to {max(shifts):.3f} m"
        return ""

    def windows(self, size: int) -> Iterator[Window]:
        """Square windows of `size` cells, cut at the right and lower edges.

        They go row by row within bands of CHUNK columns, so that the tiles under two rows of windows fit a
        cache of bounded size however wide the grid is.
        """
        for first in range(0, self.width, CHUNK):
            for row in range(0, self.height, size):
                for column in range(first, min(first + CHUNK, self.width), size):
                    width, height = min(size, self.width - column), min(size, self.height - row)
                    yield Window(column, row, width, height)

    def padded(self, window: Window, halo: int) -> Window:
        """The window grown by `halo` cells on each side, within the grid."""
        left, top = max(0, window.col_off - halo), max(0, window.row_off - halo)
        right = min(self.width, window.col_off + window.width + halo)
        bottom = min(self.height, window.row_off + window.height + halo)
        return Window(left, top, right - left, bottom - top)


def read_grid(path: Path) -> Grid:
    """The grid of a raster.

    Raises:
        RasterError: unreadable, without projection, or not north-up.
    """
    with open_raster(path) as source:
        return grid_of(source, path)


def open_raster(path: Path) -> rasterio.DatasetReader:
    """Open a raster for reading.

    Raises:
        RasterError: missing or unreadable.
    """
    if not Path(path).is_file():
        raise RasterError(f"{path}: the raster is missing; add it or correct the path.")
    try:
        return rasterio.open(path)
    except RasterioError as error:
        raise RasterError(f"{path}: not readable as a raster; export it again as GeoTIFF.") from error


def grid_of(source: rasterio.DatasetReader, path: Path) -> Grid:
    """The grid of an open raster.

    Raises:
        RasterError: without projection, or not north-up.
    """
    if source.crs is None:
        raise RasterError(f"{path}: the raster has no projection; set its EPSG code (gdal_edit -a_srs).")
    transform = source.transform
    is_north_up = math.isclose(transform.b, 0) and math.isclose(transform.d, 0)
    if not is_north_up or transform.a <= 0 or transform.e >= 0:
        raise RasterError(f"{path}: the raster is not north-up; warp it to its projection (gdalwarp).")
    return Grid(source.width, source.height, transform, source.crs)


def require_same_grid(path: Path, grid: Grid, first_path: Path, first: Grid) -> None:
    """Raise StackError, with the way out, where a raster of a stack is not on the grid of its first one."""
    if difference := first.difference(grid):
        raise StackError(
            f"{path}: not on the grid of {first_path}: {difference}; warp it onto that grid (gdalwarp -tr -te -t_srs)."
        )


def name_of(crs: CRS) -> str:
    """'EPSG:2154' where EPSG knows the projection, else its own name."""
    epsg = crs.to_epsg()
    return f"EPSG:{epsg}" if epsg else str(crs.to_dict().get("proj", crs.to_wkt()[:60]))
