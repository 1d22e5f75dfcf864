"""Imagery finer than the region's cells, read in its own pixels, with the cell that each pixel is in."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.grids import Grid, open_raster
from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.places import Bounds, bounds_of
from ml.compute.predictors.sources import WarpedRasters, band_indexes, cell_size_on

# A cell of fewer pixels has no texture.
FEWEST_PIXELS_PER_CELL = 4
# A lattice of windows tells the range of the values; darkest and brightest hundredths are left out.
SURVEY_WINDOWS, SURVEY_PX = 5, 256
LOW_PERCENT, HIGH_PERCENT = 1, 99
# Pixels read around a window, for gradients.
MARGIN = 1

Cells = NDArray[np.int64]


class FineImages:
    """Images of one place; in the region's projection their own pixels are read, else pixels of the same size."""

    def __init__(self, paths: Sequence[Path], grid: Grid, bands: Sequence[str], where: str) -> None:
        """Open the images.

        Args:
            paths: at least one; the first one gives the size of the pixels.
            grid: the region's cells.
            bands: by description, or numbers from 1.
            where: the section's name for messages.

        Raises:
            PredictorError: a band is missing, or the pixels are too coarse.
        """
        with open_raster(paths[0]) as first:
            self._pixels = _fine_grid(first, grid, where)
            is_own = first.crs == grid.crs
        self._grid = grid
        self.pixels_per_cell = (grid.cell_width * grid.cell_height) / (
            self._pixels.cell_width * self._pixels.cell_height
        )
        if self.pixels_per_cell < FEWEST_PIXELS_PER_CELL:
            raise PredictorError(
                f"{where}: the pixels of {paths[0]} are {self._pixels.cell_width:g} m, too coarse for texture in cells "
                f"of {grid.cell_width:g} m; use finer imagery, or [[layers]]."
            )
        # Interpolation would smooth the texture away: pixels are moved only where the projection asks for it.
        resampling = "nearest" if is_own else "bilinear"
        self._images = WarpedRasters(paths, self._pixels, kind="continuous", resampling=resampling)
        self._indexes = [band_indexes(source, bands, where) for source in self._images.sources]
        self._where = where

    def close(self) -> None:
        """Close the images."""
        self._images.close()

    def ranges(self) -> list[tuple[float, float]]:
        """The usual lowest and highest value of each band.

        Raises:
            PredictorError: a band has no value, or one only.
        """
        grid, side = self._pixels, SURVEY_PX
        columns = np.linspace(0, max(0, grid.width - side), SURVEY_WINDOWS).astype(int)
        rows = np.linspace(0, max(0, grid.height - side), SURVEY_WINDOWS).astype(int)
        windows = [
            Window(int(c), int(r), min(side, grid.width - int(c)), min(side, grid.height - int(r)))
            for r in sorted(set(rows))
            for c in sorted(set(columns))
        ]
        seen = [self._images.read(self._indexes, window).reshape(len(self._indexes[0]), -1) for window in windows]
        return [self._range_of(band) for band in np.concatenate(seen, axis=1)]

    def read(self, window: Window) -> tuple[NDArray[np.float32], Cells, Cells]:
        """The pixels of a window of cells.

        Args:
            window: cells of the region's grid.

        Returns:
            float32 (bands, rows, columns) with a margin of one pixel; the row and the column of the cell of each
            pixel within the margin, counted from the window's first, -1 outside.
        """
        pixels, size = self._pixels, (self._pixels.cell_width, self._pixels.cell_height)
        west, south, east, north = bounds_of(self._grid, window)
        left, top = _floor((west - pixels.transform.c) / size[0]), _floor((pixels.transform.f - north) / size[1])
        right, bottom = _ceil((east - pixels.transform.c) / size[0]), _ceil((pixels.transform.f - south) / size[1])
        image = self._images.read(
            self._indexes,
            Window(left - MARGIN, top - MARGIN, right - left + 2 * MARGIN, bottom - top + 2 * MARGIN),
        )
        across = pixels.transform.c + size[0] * (np.arange(left, right) + 0.5) - west
        down = north - pixels.transform.f + size[1] * (np.arange(top, bottom) + 0.5)
        row_of = _cells(down, self._grid.cell_height, int(window.height))
        return image, row_of, _cells(across, self._grid.cell_width, int(window.width))

    def _range_of(self, values: NDArray[np.float32]) -> tuple[float, float]:
        known = values[np.isfinite(values)]
        low, high = np.percentile(known, (LOW_PERCENT, HIGH_PERCENT)) if known.size else (0.0, 0.0)
        if low >= high:
            raise PredictorError(
                f"{self._where}: the imagery has hardly any value on the region; correct it or write 'range'."
            )
        return float(low), float(high)


def _fine_grid(source: rasterio.DatasetReader, grid: Grid, where: str) -> Grid:
    """Pixels of the source's size, on its own lattice, over the region and a margin."""
    if source.crs is None:
        raise PredictorError(f"{where}: {source.name} has no projection; set its EPSG code (gdal_edit -a_srs).")
    if source.crs == grid.crs:
        return _over(grid.bounds, source.transform, grid)
    side = cell_size_on(source, grid)
    return _over(grid.bounds, Affine(side, 0, grid.bounds[0], 0, -side, grid.bounds[3]), grid)


def _over(bounds: Bounds, lattice: Affine, grid: Grid) -> Grid:
    west, south, east, north = bounds
    width, height = float(lattice.a), float(-lattice.e)
    left = _floor((west - lattice.c) / width) - MARGIN
    top = _floor((lattice.f - north) / height) - MARGIN
    right = _ceil((east - lattice.c) / width) + MARGIN
    bottom = _ceil((lattice.f - south) / height) + MARGIN
    transform = Affine(width, 0, lattice.c + left * width, 0, -height, lattice.f - top * height)
    return Grid(right - left, bottom - top, transform, grid.crs)


def _cells(distances: NDArray[np.floating], cell: float, count: int) -> Cells:
    cells = np.floor(distances / cell).astype(np.int64)
    return np.where((cells >= 0) & (cells < count), cells, -1)


# A pixel's edge on a cell's edge, give or take the last digits of a double.
def _floor(number: float) -> int:
    return math.floor(number + 1e-6)


def _ceil(number: float) -> int:
    return math.ceil(number - 1e-6)
