"""Finished windows of files being made, kept so that a stopped run goes on where it was."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.files import written_aside
from ml.compute.grids import Grid
from ml.compute.predictors.outputs import profile_of
from ml.compute.predictors.places import cells_of
from ml.compute.publishing.manifest import canonical_json

KEY = "key.json"


class WindowParts:
    """A folder with one raster for each finished window, all made in the same way."""

    def __init__(self, folder: Path, grid: Grid, key: Any) -> None:
        """Open the folder; what was made in another way is dropped.

        Args:
            folder: where the parts lie.
            grid: the cells that the windows are of.
            key: all that decides the values, as plain JSON.
        """
        self.folder, self._grid = folder, grid
        text = canonical_json(key)
        if folder.is_dir() and _read(folder / KEY) != text:
            shutil.rmtree(folder)
        if not folder.is_dir():
            with written_aside(folder / KEY) as aside:
                aside.write_text(text, encoding="utf-8")

    def has(self, window: Window) -> bool:
        """Whether a window is finished."""
        return self._path(window).is_file()

    def keep(self, window: Window, levels: Sequence[NDArray[np.int16]]) -> None:
        """Keep a window: int16 (bands, rows, columns) for each file."""
        bands = np.concatenate(levels)
        profile = profile_of(cells_of(self._grid, window), len(bands))
        with written_aside(self._path(window)) as aside, rasterio.open(aside, "w", **profile) as target:
            target.write(bands)

    def read(self, window: Window, counts: Sequence[int]) -> list[NDArray[np.int16]]:
        """A finished window, cut into the bands of each file."""
        with rasterio.open(self._path(window)) as source:
            bands = source.read()
        return np.split(bands, np.cumsum(counts)[:-1])

    def drop(self) -> None:
        """Remove the folder, and the one around it when it is empty."""
        shutil.rmtree(self.folder)
        if not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()

    def _path(self, window: Window) -> Path:
        return self.folder / f"{window.row_off}_{window.col_off}.tif"


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""
