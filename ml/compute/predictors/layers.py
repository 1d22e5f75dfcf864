"""Climate, soil, geology: rasters of any grid brought onto the region's, quantities and categories each their way."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.windows import Window

from ml.compute.grids import Grid
from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.outputs import LEVELS, OutputBand, OutputFile, finest_step, levels_of
from ml.compute.predictors.places import Place
from ml.compute.predictors.recipe_keys import (
    choice_of,
    file_of,
    renamed_bands_of,
    require_known_keys,
    window_of,
)
from ml.compute.predictors.sections import Levels, as_plain
from ml.compute.predictors.sources import RESAMPLINGS, WarpedRasters, band_indexes
from ml.compute.region.keys import positive_of, text_of

KINDS = ("continuous", "category")
KEYS = ("file", "source", "bands", "kind", "resampling", "scale", "unit", "licence", "window_px")


@dataclass(frozen=True)
class LayersSection:
    """One [[layers]]: `bands` gives, for each name in the stack, the band of the source."""

    file: str
    source: str
    bands: Mapping[str, str]
    kind: str
    resampling: str
    scale: float | None
    unit: str
    licence: str
    window_px: int
    where: str

    def parameters(self) -> dict[str, Any]:
        """All that decides its values."""
        kept = {key: value for key, value in asdict(self).items() if key not in ("where", "window_px", "licence")}
        return as_plain(kept)

    def local_inputs(self, place: Place) -> list[Path]:
        """The rasters; the first one that has a value at a cell gives it.

        Raises:
            PredictorError: no file has that name.
        """
        paths = place.find(self.source)
        if not paths:
            raise PredictorError(f"{self.where}: no file is called '{self.source}'; correct the key 'source'.")
        return paths

    def open(self, place: Place) -> "OpenLayers":
        """Open the rasters."""
        return OpenLayers(self, place)


def layers_section(table: Mapping[str, Any], where: str) -> LayersSection:
    """Read a [[layers]] section.

    Raises:
        PredictorError: a key is missing or wrong.
    """
    require_known_keys(table, KEYS, where)
    kind = choice_of(table, "kind", KINDS, where, "continuous")
    resampling = choice_of(table, "resampling", RESAMPLINGS, where, "auto")
    if kind == "category" and resampling not in ("auto", "nearest", "mode"):
        raise PredictorError(
            f"{where}: the key 'resampling' is '{resampling}', which mixes codes; use nearest or mode for categories."
        )
    return LayersSection(
        file=file_of(table, where),
        source=text_of(table, "source", where),
        bands=renamed_bands_of(table, where),
        kind=kind,
        resampling=resampling,
        scale=positive_of(table, "scale", where) if "scale" in table else None,
        unit=text_of(table, "unit", where, ""),
        licence=text_of(table, "licence", where, "unknown"),
        window_px=window_of(table, where, 512),
        where=where,
    )


class OpenLayers:
    """The rasters of a section, open on the region's grid."""

    remote_inputs: tuple[dict[str, Any], ...] = ()

    def __init__(self, section: LayersSection, place: Place) -> None:
        """Open the rasters and learn their range.

        Raises:
            PredictorError: a raster or a band is missing, or the values do not fit int16.
        """
        paths = section.local_inputs(place)
        self._rasters = WarpedRasters(paths, place.grid, kind=section.kind, resampling=section.resampling)
        names = tuple(section.bands.values())
        self._indexes = [band_indexes(source, names, section.where) for source in self._rasters.sources]
        ranges = self._ranges(place.grid, section.window_px)
        bands = tuple(_output_band(section, name, *found) for name, found in zip(section.bands, ranges, strict=True))
        overviews = "average" if section.kind == "continuous" else "mode"
        self.files = (OutputFile(section.file, bands, overviews=overviews),)

    def close(self) -> None:
        """Close the rasters."""
        self._rasters.close()

    def levels(self, window: Window) -> Sequence[Levels]:
        """The bands of a window."""
        return [levels_of(list(self._rasters.read(self._indexes, window)), self.files[0])]

    def _ranges(self, grid: Grid, window_px: int) -> list[tuple[float, float]]:
        """Lowest and highest value of each band on the grid; (inf, -inf) where it has none."""
        lows = np.full(len(self._indexes[0]), np.inf)
        highs = -lows
        for window in grid.windows(window_px):
            values = self._rasters.read(self._indexes, window).reshape(lows.size, -1)
            known = np.isfinite(values)
            lows = np.minimum(lows, np.where(known, values, np.inf).min(axis=1))
            highs = np.maximum(highs, np.where(known, values, -np.inf).max(axis=1))
        return [(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]


def _output_band(section: LayersSection, name: str, low: float, high: float) -> OutputBand:
    if low > high:
        raise PredictorError(
            f"{section.where}: the band '{name}' of '{section.source}' has no value on the region; "
            "correct the source or its nodata value."
        )
    if section.kind == "category":
        _require_codes(section, name, low, high)
        return OutputBand(name, 1.0, unit="code")
    scale = section.scale or quiet_scale(low, high)
    band = OutputBand(name, scale, quiet_offset(low, high, scale), section.unit)
    if (high - low) / scale > 2 * LEVELS:
        raise PredictorError(
            f"{section.where}: '{name}' goes from {low:g} to {high:g}, too much for levels of {scale:g}; "
            "write a larger 'scale' or leave it out."
        )
    return band


def _require_codes(section: LayersSection, name: str, low: float, high: float) -> None:
    if low < -LEVELS or high > LEVELS:
        raise PredictorError(
            f"{section.where}: the codes of '{name}' go from {low:g} to {high:g}; "
            f"number them within -{LEVELS} and {LEVELS}."
        )


def quiet_scale(low: float, high: float) -> float:
    """The finest of 1, 2 and 5 times a power of ten whose levels hold a range with room on both sides.

    The room keeps next year's values, a little beyond this year's, within the levels.
    """
    return finest_step(max(high - low, abs(high) * 1e-6, 1e-9) / LEVELS)


def quiet_offset(low: float, high: float, scale: float) -> float:
    """0 where the levels hold the range without an offset, else its middle, rounded to a thousand levels."""
    if max(abs(low), abs(high)) <= LEVELS * scale:
        return 0.0
    step = 1000 * scale
    return round(math.fsum((low, high)) / 2 / step) * step
