"""The aligned predictors of one year, read by windows as physical values."""

import re
import threading
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ml.compute.errors import RegionFolderError, StackError
from ml.compute.grids import Grid, grid_of, open_raster, require_same_grid

if TYPE_CHECKING:
    from ml.compute.region.predictors import Predictor

# Two rows of tiles of CHUNK columns and a hundred int16 bands; GDAL's own default grows with the machine.
CACHE_BYTES = 256_000_000
# Enough where windows do not overlap: the tiles under one row of them.
SMALL_CACHE_BYTES = 100_000_000
_NOTHING = np.empty((0, 0), np.int16)
_DATE_BAND = re.compile(r"(\d{4}-?\d{2}-?\d{2})_(.+)")


StoredPlanes = list[NDArray[Any]]


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
    """The open files of a stack, for one thread at a time: another thread waits for its turn.

    Only the bands of the wanted series are read; each file is asked once per window for all of them.
    """

    def __init__(self, stack: Stack, places: Iterable[int] | None = None, *, cache_bytes: int = CACHE_BYTES) -> None:
        """Open the files that hold the wanted series.

        Args:
            stack: the stack.
            places: places of the series wanted; None for all.
            cache_bytes: of decompressed tiles, kept by GDAL for the whole process.
        """
        self.stack = stack
        self._cache_bytes = cache_bytes
        self._places = frozenset(range(len(stack.series)) if places is None else places)
        self._lock = threading.Lock()
        self._bands = _bands_by_file(stack, self._places)
        self._sources = {path: open_raster(path) for path in self._bands}

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
        """Read a window of every wanted series.

        Args:
            window: cells of the stack's grid.

        Returns:
            Per series of the stack, float32 (bands, rows, columns) of physical values, NaN where there is no
            data; no band for a series that is not wanted.

        Raises:
            StackError: a file cannot be read there.
        """
        shape = (int(window.height), int(window.width))
        stored = self.read_stored(window)
        return [
            physical_values(series, planes, shape) for series, planes in zip(self.stack.series, stored, strict=True)
        ]

    def read_stored(self, window: Window) -> list[StoredPlanes]:
        """Read a window of every wanted series as the files hold it.

        Args:
            window: cells of the stack's grid.

        Returns:
            Per series of the stack, a plane (rows, columns) for each band, in the type of its file; no plane
            for a series that is not wanted.

        Raises:
            StackError: a file cannot be read there.
        """
        planes: list[StoredPlanes] = [
            [_NOTHING] * (len(series.bands) if place in self._places else 0)
            for place, series in enumerate(self.stack.series)
        ]
        for path, bands in self._bands.items():
            try:
                with self._lock, rasterio.Env(GDAL_CACHEMAX=self._cache_bytes):
                    stored = self._sources[path].read([band.index for _, _, band in bands], window=window)
            except RasterioError as error:
                raise StackError(f"{path}: damaged near row {window.row_off}; copy the file again.") from error
            for plane, (place, turn, _) in zip(stored, bands, strict=True):
                planes[place][turn] = plane
        return planes


def physical_values(series: Series, planes: StoredPlanes, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Turn the stored planes of a series into physical values.

    Args:
        series: their bands.
        planes: as `StackReader.read_stored` returns them.
        shape: rows and columns.

    Returns:
        float32 (planes, rows, columns), NaN where there is no data.
    """
    values = np.empty((len(planes), *shape), np.float32)
    for plane, band, out in zip(planes, series.bands, values, strict=False):
        _to_physical(plane, band, out)
    return values


def _bands_by_file(stack: Stack, places: Container[int]) -> dict[Path, list[tuple[int, int, Band]]]:
    """By file, place of the series, place in the series and band of all that is wanted of it, in its own order."""
    by_file: dict[Path, list[tuple[int, int, Band]]] = {}
    for place, series in enumerate(stack.series):
        for turn, band in enumerate(series.bands if place in places else ()):
            by_file.setdefault(band.path, []).append((place, turn, band))
    return {path: sorted(bands, key=lambda row: row[2].index) for path, bands in by_file.items()}


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


def _predictor_of(path: Path) -> "Predictor | None":
    folder = path.resolve().parent.parent
    if folder.name != "stack" or not (folder.parent / "region.toml").is_file():
        return None
    # A second and 80 MB of libraries for vector files: only where there is a region folder to read.
    from ml.compute.region.folder import read_predictors

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


def _scaling(source: rasterio.DatasetReader, index: int, predictor: "Predictor | None") -> tuple[float, float]:
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
