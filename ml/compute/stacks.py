"""The aligned predictors of one year, read by windows as physical values."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ml.compute.errors import RegionFolderError, StackError
from ml.compute.grids import Grid, grid_of, open_raster, require_same_grid
from ml.compute.region.folder import read_predictors
from ml.compute.region.predictors import Predictor

# Two rows of tiles of CHUNK columns and a hundred int16 bands; GDAL's own default grows with the machine.
CACHE_BYTES = 256_000_000
_DATE_BAND = re.compile(r"(\d{4}-?\d{2}-?\d{2})_(.+)")


@dataclass(frozen=True)
class Band:
    """One band of one file; physical value = stored value x scale + offset."""

    path: Path
    index: int
    name: str
    day: date | None
    scale: float
    offset: float
    nodata: float | None

    @property
    def label(self) -> str:
        """As the file describes it: `2021-06-14_B08`, or the predictor's name."""
        return self.name if self.day is None else f"{self.day.isoformat()}_{self.name}"


@dataclass(frozen=True)
class Series:
    """The bands of one name, oldest first; a predictor without date is a series of one."""

    name: str
    bands: tuple[Band, ...]

    @property
    def is_dated(self) -> bool:
        """Whether the bands carry dates."""
        return self.bands[0].day is not None


@dataclass(frozen=True)
class Stack:
    """Aligned rasters of one year; `series` keeps the order of the files, dated ones first."""

    paths: tuple[Path, ...]
    grid: Grid
    series: tuple[Series, ...]

    @property
    def base_year(self) -> int:
        """The year of most dates; days are counted from its first of January. 0 without dates."""
        years = [band.day.year for series in self.series for band in series.bands if band.day]
        return max(sorted(set(years)), key=years.count) if years else 0

    def days(self, series: Series) -> NDArray[np.float64]:
        """Day of each band from the first of January of the base year; 0 for a band without date."""
        origin = date(self.base_year, 1, 1).toordinal() if self.base_year else 0
        return np.array([b.day.toordinal() - origin if b.day else 0 for b in series.bands], float)


class StackReader:
    """The open files of a stack, shared by threads that read in turn.

    Neighbouring windows share tiles: one cache for all threads decompresses each tile about once, where a
    handle per thread would do it once per thread.
    """

    def __init__(self, stack: Stack) -> None:
        """Open every file of the stack."""
        self.stack = stack
        self._lock = threading.Lock()
        self._sources = {path: open_raster(path) for path in stack.paths}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every file."""
        for source in self._sources.values():
            source.close()

    def read(self, window: Window) -> list[NDArray[np.float32]]:
        """Read a window of every series.

        Args:
            window: cells of the stack's grid.

        Returns:
            Per series, float32 (bands, rows, columns) of physical values, NaN where there is no data.

        Raises:
            StackError: a file cannot be read there.
        """
        return [self._read_series(series, window) for series in self.stack.series]

    def _read_series(self, series: Series, window: Window) -> NDArray[np.float32]:
        values = np.empty((len(series.bands), int(window.height), int(window.width)), np.float32)
        for path in {band.path: None for band in series.bands}:
            places = [place for place, band in enumerate(series.bands) if band.path == path]
            indexes = [series.bands[place].index for place in places]
            try:
                with self._lock, rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
                    stored = self._sources[path].read(indexes, window=window)
            except RasterioError as error:
                raise StackError(f"{path}: damaged near row {window.row_off}; copy the file again.") from error
            for place, plane in zip(places, stored, strict=True):
                _to_physical(plane, series.bands[place], values[place])
        return values


def open_stack(paths: Sequence[Path]) -> Stack:
    """Describe a stack from its files.

    Scale, offset and nodata come from the band tags; for a file in `stack/YEAR/` of a region folder that
    says nothing of itself, from the folder's region.toml.

    Args:
        paths: rasters on one grid; their bands are concatenated.

    Returns:
        The stack; nothing is left open.

    Raises:
        StackError: a file is missing, unreadable, on another grid, or repeats a band.
    """
    if not paths:
        raise StackError("The stack has no file; give at least one raster.")
    grid: Grid | None = None
    bands: list[Band] = []
    files = tuple(Path(path) for path in paths)
    for path in files:
        with open_raster(path) as source:
            found = grid_of(source, path)
            bands += _bands_of(source, path)
        grid = grid or found
        require_same_grid(path, found, files[0], grid)
    if grid is None:
        raise StackError("The stack has no file; give at least one raster.")
    return Stack(files, grid, _series_of(bands))


def _series_of(bands: Sequence[Band]) -> tuple[Series, ...]:
    groups: dict[tuple[bool, str], list[Band]] = {}
    for band in bands:
        group = groups.setdefault((band.day is None, band.name), [])
        if any(band.day == other.day for other in group):
            raise StackError(
                f"{band.path}: band {band.index} repeats '{band.label}' of {group[-1].path}; rename or drop one."
            )
        group.append(band)
    ordered = sorted(groups.items(), key=lambda item: item[0][0])
    return tuple(
        Series(name, tuple(sorted(group, key=lambda band: band.day or date.min))) for (_, name), group in ordered
    )


def _bands_of(source: rasterio.DatasetReader, path: Path) -> list[Band]:
    predictor = _predictor_of(path)
    bands = []
    for index in source.indexes:
        description = source.descriptions[index - 1] or f"{path.stem}_{index}"
        name, day = _name_and_day(description)
        scale, offset = _scaling(source, index, predictor)
        nodata = source.nodatavals[index - 1]
        if nodata is None and predictor is not None:
            nodata = predictor.nodata
        bands.append(Band(path, index, name, day, scale, offset, nodata))
    return bands


def _predictor_of(path: Path) -> Predictor | None:
    folder = path.resolve().parent.parent
    if folder.name != "stack" or not (folder.parent / "region.toml").is_file():
        return None
    try:
        predictors = read_predictors(folder.parent)
    except RegionFolderError as error:
        raise StackError(str(error)) from error
    return next((predictor for predictor in predictors if predictor.file == path.name), None)


def _name_and_day(description: str) -> tuple[str, date | None]:
    match = _DATE_BAND.fullmatch(description)
    if match is None:
        return description, None
    try:
        return match.group(2), date.fromisoformat(match.group(1))
    except ValueError:
        return description, None


def _scaling(source: rasterio.DatasetReader, index: int, predictor: Predictor | None) -> tuple[float, float]:
    scale, offset = float(source.scales[index - 1]), float(source.offsets[index - 1])
    if (scale, offset) != (1.0, 0.0):
        return scale, offset
    tags = {**source.tags(), **source.tags(index)}
    if "SCALE" in tags or "OFFSET" in tags:
        try:
            return float(tags.get("SCALE", 1.0)), float(tags.get("OFFSET", 0.0))
        except ValueError as error:
            raise StackError(f"{source.name}: the tag SCALE or OFFSET is no number; correct it.") from error
    return (predictor.scale, predictor.offset) if predictor else (1.0, 0.0)


def _to_physical(plane: NDArray[np.generic], band: Band, out: NDArray[np.float32]) -> None:
    np.multiply(plane, np.float32(band.scale), out=out, casting="unsafe")
    if band.offset:
        out += np.float32(band.offset)
    if band.nodata is not None:
        out[plane == band.nodata] = np.nan
    if plane.dtype.kind == "f":
        out[~np.isfinite(plane)] = np.nan
