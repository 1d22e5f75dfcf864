"""Images already on this machine, with bands described DATE_BAND, read on the region's grid."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from rasterio.windows import Window

from ml.compute.grids import Grid
from ml.compute.predictors.clouds import usable_cells
from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.sources import WarpedRasters
from ml.compute.predictors.stac_images import MaskRule

Planes = NDArray[np.float32]


class FileWords(Protocol):
    """What a recipe says of files."""

    @property
    def scale(self) -> float:
        """Multiplies what they hold."""

    @property
    def where(self) -> str:
        """The section's name for messages."""


class DatedFiles:
    """Bands of local rasters by day; rasters of one day are mosaicked, the first one that has a value gives it."""

    # An open raster serves one reader.
    readers = 1

    def __init__(
        self, paths: Sequence[Path], grid: Grid, bands: Sequence[str], mask: MaskRule, source: FileWords
    ) -> None:
        """Open the rasters.

        Args:
            paths: at least one.
            grid: the region's cells.
            bands: names after the date.
            mask: which cells are left out; its asset is a band's name.
            source: their scale, and the section's name for messages.

        Raises:
            PredictorError: no date has all the bands.
        """
        self._grid, self._mask, self._scale = grid, mask, np.float32(source.scale)
        self._bands = WarpedRasters(paths, grid, kind="continuous")
        self._scenes = WarpedRasters(paths, grid, kind="category") if mask.asset else None
        names = [*bands, *([mask.asset] if mask.asset else [])]
        self._places = _places_by_day([source.descriptions for source in self._bands.sources], names)
        if not self._places:
            self.close()
            raise PredictorError(
                f"{source.where}: no date of {paths[0]} and its fellows has all of {', '.join(names)}; "
                "describe the bands as 2024-06-14_B04."
            )
        self.days = tuple(sorted(self._places))
        self._count = len(bands)

    def close(self) -> None:
        """Close the rasters."""
        self._bands.close()
        if self._scenes is not None:
            self._scenes.close()

    def read(self, day: date, window: Window) -> Planes:
        """Values of a day, float32 (bands, rows, columns), NaN where there is no data or it is masked."""
        places = self._places[day]
        values = np.full((self._count, int(window.height), int(window.width)), np.nan, np.float32)
        for number, indexes in places.items():
            usable = self._usable(number, indexes, window)
            missing = np.isnan(values) & usable
            if missing.any():
                found = self._bands.read_one(number, indexes[: self._count], window) * self._scale
                np.copyto(values, found, where=missing)
        return values

    def _usable(self, number: int, indexes: Sequence[int], window: Window) -> NDArray[np.bool_]:
        if self._scenes is None:
            return np.ones((int(window.height), int(window.width)), bool)
        around = self._grid.padded(window, int(np.ceil(self._mask.dilation_px)))
        scene = np.nan_to_num(self._scenes.read_one(number, indexes[self._count :], around)[0]).astype(np.uint8)
        usable = usable_cells(scene, self._mask.classes, self._mask.dilation_px)
        top, left = int(window.row_off - around.row_off), int(window.col_off - around.col_off)
        return usable[top : top + int(window.height), left : left + int(window.width)]


def _places_by_day(
    descriptions: Sequence[Sequence[str | None]], names: Sequence[str]
) -> dict[date, dict[int, list[int]]]:
    """For each day, the rasters that have all the bands, and where in them."""
    days: dict[date, dict[int, list[int]]] = {}
    for number, described in enumerate(descriptions):
        found: dict[date, dict[str, int]] = {}
        for index, description in enumerate(described, 1):
            day, _, name = (description or "").partition("_")
            try:
                found.setdefault(date.fromisoformat(day), {})[name] = index
            except ValueError:
                continue
        for day_found, bands in found.items():
            if all(name in bands for name in names):
                days.setdefault(day_found, {})[number] = [bands[name] for name in names]
    return days
