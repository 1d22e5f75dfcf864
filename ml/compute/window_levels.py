"""The levels of the cells of a window, by the shortest way that the recipe allows.

Textures and indices need planes of physical values. A plain recipe does not: where a band has no gap, its stored
numbers become levels in one pass, with the very result of the long way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ml.compute.features import Levels, SeriesSource, feature_planes, features_by_series, filled_series, has_data
from ml.compute.planes import HIGHEST, LOWEST
from ml.compute.recipes import Recipe
from ml.compute.stacks import Band, Stack, StoredPlanes, physical_values


@dataclass(frozen=True)
class WindowLevels:
    """What a classifier reads of a window.

    Attributes:
        seen: (cells,) whether a cell has data.
        levels: (features, seen cells) int16.
    """

    seen: NDArray[np.bool_]
    levels: NDArray[np.int16]


@dataclass(frozen=True)
class LevelMaker:
    """A recipe bound to a stack, and how its features become levels."""

    stack: Stack
    recipe: Recipe
    sources: tuple[SeriesSource, ...]
    levels: Levels

    def of_window(
        self, stored: Sequence[StoredPlanes], shape: tuple[int, int], inner: tuple[slice, slice]
    ) -> WindowLevels:
        """Compute the levels of the inner cells of a window.

        Args:
            stored: as `StackReader.read_stored` returns them, the halo of the recipe included.
            shape: rows and columns that were read.
            inner: the rows and columns wanted; all of them for a plain recipe, which has no halo.

        Returns:
            The cells with data, and their levels.
        """
        if self.recipe.is_plain:
            return self._plain(stored, shape)
        values = [physical_values(one, p, shape) for one, p in zip(self.stack.series, stored, strict=True)]
        seen = has_data(values, self.sources)[inner].reshape(-1)
        places = np.arange(shape[0] * shape[1]).reshape(shape)[inner].reshape(-1)[seen]
        levels = np.empty((len(self.recipe.features), places.size), np.int16)
        if places.size:
            for feature, plane in feature_planes(values, self.recipe, self.sources):
                self.levels.write(feature, plane, places, levels[feature])
        return WindowLevels(seen, levels)

    def _plain(self, stored: Sequence[StoredPlanes], shape: tuple[int, int]) -> WindowLevels:
        cells = shape[0] * shape[1]
        levels = np.empty((len(self.recipe.features), cells), np.int16)
        dated = [source for source in self.sources if source.is_dated] or list(self.sources)
        names = {source.name for source in dated}
        wanted = features_by_series(self.recipe)
        is_whole = False
        for source in self.sources:
            steps = [(place, int(feature.source)) for place, feature in wanted.get(source.name, [])]
            has_no_gap = self._write_direct(stored[source.place], source, steps, levels)
            if steps and not has_no_gap and source.is_dated:
                self._write_filled(stored[source.place], source, steps, (levels, shape))
            is_whole |= has_no_gap and source.name in names
        seen = np.ones(cells, bool) if is_whole else self._seen(stored, dated, shape)
        return WindowLevels(seen, levels if seen.all() else np.ascontiguousarray(levels[:, seen]))

    def _write_direct(
        self, planes: StoredPlanes, source: SeriesSource, steps: Sequence[tuple[int, int]], levels: NDArray[np.int16]
    ) -> bool:
        """Write the levels of a series without gaps; false, at the first gap, where that cannot be.

        A missing value of a predictor without date is the scene's usual one: the answer is false, and it is written.
        """
        bands = self.stack.series[source.place].bands
        if not steps or (source.is_dated and not np.array_equal(source.days, source.targets)):
            return False
        has_no_gap = True
        for place, step in steps:
            band = int(source.usable[step])
            scaling = (float(self.levels.low[place]), 1 / float(self.levels.width[place]))
            missing = _write_band(planes[band], bands[band], float(source.usual[step]), scaling, levels[place])
            has_no_gap &= missing == 0
            if missing and source.is_dated:
                return False
        return has_no_gap

    def _write_filled(
        self,
        planes: StoredPlanes,
        source: SeriesSource,
        steps: Sequence[tuple[int, int]],
        target: tuple[NDArray[np.int16], tuple[int, int]],
    ) -> None:
        levels, shape = target
        values = physical_values(self.stack.series[source.place], planes, shape)
        filled, everywhere = filled_series(values, source, shape, 0), np.arange(levels.shape[1])
        for place, step in steps:
            self.levels.write(place, filled[step], everywhere, levels[place])

    def _seen(
        self, stored: Sequence[StoredPlanes], dated: Sequence[SeriesSource], shape: tuple[int, int]
    ) -> NDArray[np.bool_]:
        seen = np.zeros(shape, bool)
        for source in dated:
            series = self.stack.series[source.place]
            for plane in physical_values(series, stored[source.place], shape):
                seen |= ~np.isnan(plane)
                if seen.all():
                    break
        return seen.reshape(-1)


def _write_band(
    plane: NDArray[Any], band: Band, usual: float, scaling: tuple[float, float], out: NDArray[np.int16]
) -> int:
    """Write the levels of a stored plane, the usual value where it is missing; how many were missing."""
    has_nodata = band.nodata is not None and _holds(plane.dtype, band.nodata)
    nodata = plane.dtype.type(band.nodata if has_nodata else 0)
    low, per_unit = scaling
    physical = (np.float32(band.scale), np.float32(band.offset), np.float32(usual))
    return int(_level_plane(plane.reshape(-1), (nodata, has_nodata), physical, (low, per_unit), out))


def _holds(dtype: np.dtype[Any], value: float) -> bool:
    """Whether a type holds a value; NaN is told by itself."""
    if dtype.kind == "f" or np.isnan(value):
        return not np.isnan(value)
    limits = np.iinfo(dtype)
    return float(value).is_integer() and bool(limits.min <= value <= limits.max)


@njit(cache=True, nogil=True)
def _level_plane(
    stored: NDArray[Any],
    hole: tuple[Any, bool],
    physical: tuple[np.float32, np.float32, np.float32],
    scaling: tuple[float, float],
    out: NDArray[np.int16],
) -> int:
    nodata, has_nodata = hole
    scale, offset, usual = physical
    low, per_unit = scaling
    missing = 0
    for i in range(stored.size):
        value = np.float32(stored[i]) * scale + offset
        is_missing = (has_nodata and stored[i] == nodata) or not np.isfinite(value)
        missing += is_missing
        level = np.rint((np.float64(usual if is_missing else value) - low) * per_unit)
        out[i] = np.int16(min(max(level, 0.0), HIGHEST - LOWEST) + LOWEST)
    return missing
