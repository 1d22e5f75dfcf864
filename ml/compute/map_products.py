"""The published rasters of a map, read together by windows."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.class_rasters import ClassMap, check_same_grid, open_class_map, read_bands
from ml.compute.errors import RasterError
from ml.compute.grids import Grid, grid_of, open_raster

WINDOW = 512
NO_CONFIDENCE = 255
RUNNER_UP_COUNT = 4


@dataclass(frozen=True)
class Hesitation:
    """The three best classes of the cells of a window.

    Attributes:
        window: the cells.
        values: (3, rows, columns) uint16 class values, 0 where there is none.
        percents: (3, rows, columns) uint8 their shares 0-100, 0 where there is none.
    """

    window: Window
    values: NDArray[np.uint16]
    percents: NDArray[np.uint8]

    @property
    def is_mapped(self) -> NDArray[np.bool_]:
        """(rows, columns) whether a cell has a class."""
        return self.values[0] != 0


class MapProducts:
    """Class, confidence and runner-up rasters on one grid."""

    def __init__(self, classes: Path, confidence: Path, runner_ups: Path) -> None:
        """Look at the three files.

        Raises:
            RasterError: one is unreadable, on another grid, or not what it should be.
        """
        self.classes: ClassMap = open_class_map(classes)
        self.confidence, self.runner_ups = Path(confidence), Path(runner_ups)
        for path, count in ((self.confidence, 1), (self.runner_ups, RUNNER_UP_COUNT)):
            self._check(path, count)

    @property
    def grid(self) -> Grid:
        """The cells."""
        return self.classes.grid

    def windows(self, halo: int = 0) -> Iterator[tuple[Window, Hesitation]]:
        """Read the map by windows.

        Args:
            halo: cells read around each window, within the grid.

        Yields:
            The window, and what was read of it and its halo.

        Raises:
            RasterError: a file is damaged.
        """
        with ExitStack() as files:
            opened = [files.enter_context(open_raster(path)) for path in self._paths]
            for window in self.grid.windows(WINDOW):
                yield window, self._read(opened, self.grid.padded(window, halo))

    @property
    def _paths(self) -> tuple[Path, Path, Path]:
        return self.classes.path, self.confidence, self.runner_ups

    def _check(self, path: Path, count: int) -> None:
        with open_raster(path) as source:
            check_same_grid(self.classes.path, self.grid, path, grid_of(source, path))
            if source.count != count or np.dtype(source.dtypes[0]).kind != "u":
                raise RasterError(
                    f"{path}: {source.count} band(s) of {source.dtypes[0]} where {count} of whole numbers belong; "
                    "write it with 'classify --confidence CONF.tif --runner-ups RU.tif'."
                )

    def _read(self, opened: list[rasterio.DatasetReader], window: Window) -> Hesitation:
        classes, confidence, runner_ups = (
            read_bands(source, path, list(source.indexes), window)
            for source, path in zip(opened, self._paths, strict=True)
        )
        is_known = (classes[0] != 0) & (confidence[0] <= 100)
        values = np.stack([classes[0], runner_ups[0], runner_ups[2]]).astype(np.uint16)
        percents = np.stack([confidence[0], runner_ups[1], runner_ups[3]])
        percents = np.where(is_known & (values != 0) & (percents <= 100), percents, 0).astype(np.uint8)
        return Hesitation(window, np.where(is_known, values, 0).astype(np.uint16), percents)
