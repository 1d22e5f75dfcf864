"""The maps of several years on one grid, read by strips as what each of them says of each cell."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.class_rasters import ClassMap, check_same_grid, open_class_map, read_bands
from ml.compute.errors import RasterError
from ml.compute.grids import Grid, grid_of, open_raster
from ml.compute.stability import FULL_SHARE, Evidence

RUNNER_UP_BANDS = 4
VALUE_COUNT = 65536
STRIP_ROWS = 512
# Share of the mapped class, in percent, where nothing says how sure a map is.
ASSUMED_SHARE = 85
CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class YearMap:
    """What the map of one year left on disk.

    Attributes:
        classes: class raster, 0 = no data.
        confidence: 0-100, 255 = no data; None where unknown.
        runner_ups: value of the second class, its share 0-100, value of the third, its share; None where unknown.
    """

    classes: Path
    confidence: Path | None = None
    runner_ups: Path | None = None


@dataclass(frozen=True)
class YearSeries:
    """Maps of successive years on one grid, with one numbering of their classes.

    Attributes:
        years: the maps, in order.
        maps: their class rasters, opened.
        codes: every code that stands in one of them; the number of a class is its place from 1.
        numbers: (65536,) number of each value, for each map; 0 for no data and for values never mapped.
    """

    years: tuple[YearMap, ...]
    maps: tuple[ClassMap, ...]
    codes: tuple[str, ...]
    numbers: tuple[NDArray[np.uint16], ...]

    @property
    def grid(self) -> Grid:
        """The cells."""
        return self.maps[0].grid

    def read(self, window: Window) -> Evidence:
        """What each map says of the cells of a window.

        Returns:
            (years, 3, cells) class numbers and (years, 3, cells) shares in percent, as `weigh_years` takes them.

        Raises:
            RasterError: a raster is damaged.
        """
        cells = int(window.height) * int(window.width)
        classes = np.zeros((len(self.years), 3, cells), np.uint16)
        shares = np.zeros(classes.shape, np.uint8)
        for place, (year, class_map) in enumerate(zip(self.years, self.maps, strict=True)):
            classes[place, 0] = self.numbers[place][class_map.read(window)].ravel()
            shares[place, 0] = _confidence(year, window)
            if year.runner_ups is not None:
                self._read_runner_ups(year.runner_ups, window, classes[place], shares[place], self.numbers[place])
        return classes, shares

    @staticmethod
    def _read_runner_ups(
        path: Path,
        window: Window,
        classes: NDArray[np.uint16],
        shares: NDArray[np.uint8],
        numbers: NDArray[np.uint16],
    ) -> None:
        with open_raster(path) as source:
            bands = read_bands(source, path, [1, 2, 3, 4], window).reshape(RUNNER_UP_BANDS, -1)
        for rank, (values, percents) in enumerate(((bands[0], bands[1]), (bands[2], bands[3])), 1):
            classes[rank] = numbers[values]
            shares[rank] = np.where(classes[rank] > 0, np.minimum(percents, FULL_SHARE), 0)

    def windows(self) -> Iterator[Window]:
        """Strips of whole rows, from top to bottom."""
        rows = max(1, CELLS_AT_ONCE // self.grid.width)
        for first in range(0, self.grid.height, rows):
            yield Window(0, first, self.grid.width, min(rows, self.grid.height - first))

    def sample(self, cells: int) -> Evidence:
        """What the maps say of strips spread over the grid, about so many cells; of all where there are few."""
        windows = list(self.windows())
        wanted = max(1, cells // (int(windows[0].height) * self.grid.width))
        chosen = np.unique(np.linspace(0, len(windows) - 1, min(wanted, len(windows))).round().astype(int))
        read = [self.read(windows[place]) for place in chosen]
        return np.concatenate([one for one, _ in read], axis=2), np.concatenate([two for _, two in read], axis=2)


def open_year_maps(years: Sequence[YearMap]) -> YearSeries:
    """Open the maps of successive years, and number the classes that they show.

    Raises:
        RasterError: a raster is missing, unreadable, has other bands, or lies on another grid; fewer than two years.
    """
    if len(years) < 2:
        raise RasterError("One map alone says nothing of change: give the maps of two years or more.")
    maps = tuple(open_class_map(year.classes) for year in years)
    for year, class_map in zip(years, maps, strict=True):
        check_same_grid(maps[0].path, maps[0].grid, class_map.path, class_map.grid)
        _check_companion(year.confidence, class_map, 1)
        _check_companion(year.runner_ups, class_map, RUNNER_UP_BANDS)
    known = [_codes_present(class_map) for class_map in maps]
    codes = tuple(sorted({code for one in known for code in one.values()}))
    number_of = {code: number for number, code in enumerate(codes, 1)}
    numbers = []
    for one in known:
        table = np.zeros(VALUE_COUNT, np.uint16)
        for value, code in one.items():
            table[value] = number_of[code]
        numbers.append(table)
    return YearSeries(tuple(years), maps, codes, tuple(numbers))


def _check_companion(path: Path | None, class_map: ClassMap, bands: int) -> None:
    if path is None:
        return
    with open_raster(path) as source:
        if source.count != bands:
            raise RasterError(
                f"{path}: {source.count} band(s) instead of {bands}; give the raster that classify wrote."
            )
        check_same_grid(class_map.path, class_map.grid, path, grid_of(source, path))


def _codes_present(class_map: ClassMap) -> dict[int, str]:
    """Codes by value: those of the tag, and every value that some cell carries."""
    counts = np.zeros(VALUE_COUNT, np.int64)
    for _first, values in class_map.strips(STRIP_ROWS):
        counts += np.bincount(values.ravel(), minlength=VALUE_COUNT)
    present = {int(value): class_map.code_of(int(value)) for value in np.flatnonzero(counts) if value}
    return {**class_map.codes, **present}


def _confidence(year: YearMap, window: Window) -> NDArray[np.uint8]:
    """(cells,) share of the mapped class in percent."""
    if year.confidence is None:
        return np.full(int(window.height) * int(window.width), ASSUMED_SHARE, np.uint8)
    with open_raster(year.confidence) as source:
        values = read_bands(source, year.confidence, [1], window)[0].ravel()
    return np.where(values <= FULL_SHARE, values, ASSUMED_SHARE).astype(np.uint8)
