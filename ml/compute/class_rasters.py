"""Class rasters: whole numbers by cell, 0 where there is no data, and the code that each number stands for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ml.compute.classmaps import HIGHEST_VALUE, tagged_codes
from ml.compute.errors import RasterError
from ml.compute.grids import Grid, grid_of, open_raster


@dataclass(frozen=True)
class ClassMap:
    """A class raster on disk.

    Attributes:
        path: the file.
        grid: its cells.
        codes: the code of each value as the CLASSES tag says; a value without an entry is its own code.
    """

    path: Path
    grid: Grid
    codes: dict[int, str]

    def code_of(self, value: int) -> str:
        """The code that a cell value stands for."""
        return self.codes.get(int(value), str(int(value)))

    @property
    def cell_area_m2(self) -> float:
        """Area of one cell.

        Raises:
            RasterError: the projection is in degrees.
        """
        return metre_of(self.grid, self.path) ** 2 * self.grid.cell_width * self.grid.cell_height

    def read(self, window: Window | None = None) -> NDArray[np.uint16]:
        """Read the classes of a window, or of the whole map.

        Returns:
            (rows, columns) uint16, 0 where there is no data.

        Raises:
            RasterError: a value is outside 0..65535 and is not the file's nodata.
        """
        with open_raster(self.path) as source:
            return _read_values(source, window, self.path)

    def strips(self, rows: int) -> Iterator[tuple[int, NDArray[np.uint16]]]:
        """Read the map from top to bottom, `rows` rows at a time, as (first row, classes)."""
        with open_raster(self.path) as source:
            for first in range(0, self.grid.height, rows):
                window = Window(0, first, self.grid.width, min(rows, self.grid.height - first))
                yield first, _read_values(source, window, self.path)


def open_class_map(path: Path) -> ClassMap:
    """Read what a class raster says of itself.

    Raises:
        RasterError: missing, without projection, not one band of whole numbers, or an unreadable CLASSES tag.
    """
    path = Path(path)
    with open_raster(path) as source:
        kind = np.dtype(source.dtypes[0])
        if source.count != 1 or kind.kind not in "iu":
            raise RasterError(
                f"{path}: {source.count} band(s) of {kind}; a class map has one band of whole numbers, "
                "save the classes alone as uint8 or uint16."
            )
        return ClassMap(path=path, grid=grid_of(source, path), codes=tagged_codes(source, path) or {})


def check_same_grid(first: Path, first_grid: Grid, second: Path, second_grid: Grid) -> None:
    """Refuse two rasters whose cells differ.

    Raises:
        RasterError: naming both files and what differs.
    """
    difference = first_grid.difference(second_grid)
    if difference:
        raise RasterError(
            f"{second} does not lie on the grid of {first}: {difference}; warp it to that grid (gdalwarp -te -tr)."
        )


def common_values(maps: Sequence[Mapping[int, str]]) -> dict[str, int]:
    """One value for each code of several maps.

    Args:
        maps: codes by value, of each map.

    Returns:
        The maps' own values where they agree, else 1..K in the order of the codes.
    """
    pairs = {(value, code) for codes in maps for value, code in codes.items()}
    codes = sorted({code for _value, code in pairs})
    if len({value for value, _code in pairs}) == len(pairs) == len(codes):
        return {code: value for value, code in sorted(pairs)}
    return {code: value for value, code in enumerate(codes, 1)}


def metre_of(grid: Grid, path: Path) -> float:
    """Metres in one unit of the grid's projection.

    Raises:
        RasterError: the projection is in degrees, where areas mean nothing.
    """
    if not grid.crs.is_projected:
        raise RasterError(f"{path}: the projection is in degrees; warp it to a projection in metres (gdalwarp).")
    return float(grid.crs.linear_units_factor[1])


def read_bands(source: rasterio.DatasetReader, path: Path, bands: list[int], window: Window | None = None) -> NDArray:
    """Read bands of an open raster, as (bands, rows, columns).

    Raises:
        RasterError: the file is damaged.
    """
    try:
        return np.asarray(source.read(bands, window=window))
    except RasterioError as error:
        raise RasterError(f"{path}: the raster breaks off or is damaged; copy or make it again.") from error


def _read_values(source: rasterio.DatasetReader, window: Window | None, path: Path) -> NDArray[np.uint16]:
    values = read_bands(source, path, [1], window)[0]
    if source.nodata:
        values[values == source.nodata] = 0
    if values.dtype != np.uint8 and values.size and not 0 <= values.min() <= values.max() <= HIGHEST_VALUE:
        wrong = int(values.min()) if values.min() < 0 else int(values.max())
        raise RasterError(
            f"{path}: class value {wrong} is outside 0..{HIGHEST_VALUE}; recode it or declare it as nodata."
        )
    return np.asarray(values, np.uint16)
