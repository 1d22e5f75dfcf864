"""Rasters of any projection and cell size, read on the region's grid as physical values."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from ml.compute.grids import Grid, open_raster
from ml.compute.predictors.errors import PredictorError

# A source this many times finer than the grid is averaged, a coarser one is interpolated.
FINER = 0.75
RESAMPLINGS = ("auto", "nearest", "bilinear", "cubic", "average", "mode")
METHODS = {
    # kind: (source coarser than the grid, source finer)
    "continuous": (Resampling.bilinear, Resampling.average),
    "relief": (Resampling.cubic, Resampling.average),
    "category": (Resampling.nearest, Resampling.mode),
}


class WarpedRasters:
    """Rasters warped onto a grid as they are read; the first one that has a value at a cell gives it."""

    def __init__(self, paths: Sequence[Path], grid: Grid, *, kind: str, resampling: str = "auto") -> None:
        """Open the rasters.

        Args:
            paths: at least one.
            grid: the cells to read on.
            kind: 'continuous', 'relief' (continuous, with smooth slopes) or 'category'.
            resampling: 'auto', or the name of a method.

        Raises:
            PredictorError: a raster has no projection.
            RasterError: a raster is unreadable.
        """
        self.grid = grid
        self.sources = [open_raster(path) for path in paths]
        self._warped = []
        for path, source in zip(paths, self.sources, strict=True):
            if source.crs is None:
                self.close()
                raise PredictorError(f"{path}: the raster has no projection; set its EPSG code (gdal_edit -a_srs).")
            method = _method(source, grid, kind) if resampling == "auto" else Resampling[resampling]
            self._warped.append(_warped(source, grid, method))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every file."""
        for source in (*self._warped, *self.sources):
            source.close()

    def read(self, indexes: Sequence[Sequence[int]], window: Window) -> NDArray[np.float32]:
        """Read bands of a window.

        Args:
            indexes: for each raster, its bands counted from 1, in the order wanted.
            window: cells of the grid.

        Returns:
            float32 (bands, rows, columns) of physical values, NaN where no raster has any.

        Raises:
            PredictorError: a raster is damaged there.
        """
        values = np.full((len(indexes[0]), int(window.height), int(window.width)), np.nan, np.float32)
        for number, bands in enumerate(indexes):
            missing = np.isnan(values)
            if not missing.any():
                break
            np.copyto(values, self.read_one(number, bands, window), where=missing)
        return values

    def read_one(self, number: int, bands: Sequence[int], window: Window) -> NDArray[np.float32]:
        """Read bands of one raster, counted from 0, as `read` does."""
        source = self.sources[number]
        return _physical(_read(self._warped[number], bands, window, source.name), source, bands)


def band_indexes(source: rasterio.DatasetReader, names: Sequence[str], where: str) -> list[int]:
    """The bands of a raster by description, whatever their order; a whole number counts from 1.

    Raises:
        PredictorError: a band is not there; those that are there are named.
    """
    described = [text or "" for text in source.descriptions]
    indexes = []
    for name in names:
        if name in described:
            indexes.append(described.index(name) + 1)
        elif name.isdecimal() and 1 <= int(name) <= source.count:
            indexes.append(int(name))
        else:
            there = ", ".join(text for text in described if text) or f"numbers 1 to {source.count}"
            raise PredictorError(f"{where}: {source.name} has no band '{name}'; it has {there}.")
    return indexes


def cell_size_on(source: rasterio.DatasetReader, grid: Grid) -> float:
    """Side of the source's middle cell, in units of the grid's CRS."""
    column, row = source.width / 2, source.height / 2
    corners = [source.transform @ corner for corner in ((column, row), (column + 1, row), (column, row + 1))]
    easts, norths = zip(*corners, strict=True)
    if source.crs != grid.crs:
        transformer = Transformer.from_crs(source.crs.to_wkt(), grid.crs.to_wkt(), always_xy=True)
        easts, norths = transformer.transform(easts, norths)
    across = (easts[1] - easts[0], norths[1] - norths[0])
    down = (easts[2] - easts[0], norths[2] - norths[0])
    return float(np.sqrt(abs(across[0] * down[1] - across[1] * down[0])))


def _method(source: rasterio.DatasetReader, grid: Grid, kind: str) -> Resampling:
    coarser, finer = METHODS[kind]
    return finer if cell_size_on(source, grid) < FINER * grid.cell_width else coarser


def _warped(source: rasterio.DatasetReader, grid: Grid, method: Resampling) -> WarpedVRT:
    return WarpedVRT(
        source,
        crs=grid.crs,
        transform=grid.transform,
        width=grid.width,
        height=grid.height,
        resampling=method,
        src_nodata=np.nan if source.nodata is None else source.nodata,
        nodata=np.nan,
        dtype="float32",
        # Else GDAL takes a cell for data as soon as one of its bands has any.
        UNIFIED_SRC_NODATA="NO",
    )


def _read(warped: WarpedVRT, bands: Sequence[int], window: Window, name: str) -> NDArray[np.float32]:
    try:
        return np.asarray(warped.read(list(bands), window=window), np.float32)
    except RasterioError as error:
        raise PredictorError(f"{name}: damaged near row {window.row_off}; copy the file again.") from error


def _physical(stored: NDArray[np.float32], source: rasterio.DatasetReader, bands: Sequence[int]) -> NDArray[np.float32]:
    for plane, index in zip(stored, bands, strict=True):
        plane *= np.float32(source.scales[index - 1])
        plane += np.float32(source.offsets[index - 1])
    stored[~np.isfinite(stored)] = np.nan
    return stored
