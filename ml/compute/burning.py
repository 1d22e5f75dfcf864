"""Decided ground on class rasters: the cells of corrections take their codes, every other cell stays as mapped."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.windows import Window
from shapely.geometry.base import BaseGeometry

from ml.compute.class_rasters import ClassMap, check_same_grid, open_class_map, read_bands
from ml.compute.classmaps import HIGHEST_PALETTE_VALUE, HIGHEST_VALUE, TAG, dtype_of, palette_of, tagged_codes
from ml.compute.cogs import written_as_cog
from ml.compute.errors import RasterError
from ml.compute.grids import grid_of, open_raster
from ml.compute.samples import cells_of_samples
from ml.compute.zonal import rows_at_once

DECIDED_CONFIDENCE = 100
NO_CONFIDENCE = 255


@dataclass(frozen=True)
class Burn:
    """Ground, in the projection of the raster, and the code that was decided for it."""

    outline: BaseGeometry
    code: str


@dataclass(frozen=True)
class BurnOutputs:
    """The rasters to write."""

    classes: Path
    confidence: Path


@dataclass(frozen=True)
class _Burnt:
    """Places of the cells that burns cover, in the flattened grid, sorted, and their new values."""

    places: NDArray[np.intp]
    values: NDArray[np.uint16]
    codes: dict[int, str]

    def rows(self, first: int, count: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.uint16]]:
        """Places from the start of some rows, and values, of the cells in these rows."""
        start, end = np.searchsorted(self.places, [first * width, (first + count) * width])
        return self.places[start:end] - first * width, self.values[start:end]


def burn_corrections(
    classes_path: Path,
    confidence_path: Path,
    burns: Sequence[Burn],
    outputs: BurnOutputs,
    *,
    colors: Mapping[str, str] | None = None,
) -> int:
    """Write a class raster and its confidence with corrections burnt in.

    A cell belongs to a burn that holds its centre; the last burn wins. A cell without data stays without. The
    confidence of a burnt cell is 100: it was decided, not guessed.

    Args:
        classes_path: class raster, 0 = no data.
        confidence_path: uint8 raster 0-100 on the same grid, 255 = no data.
        burns: in the order of the decisions.
        outputs: the rasters to write.
        colors: `#rrggbb` by code, for codes that the raster did not have.

    Returns:
        How many cells changed their class.

    Raises:
        RasterError: a raster is unreadable, the grids differ, or there is no value left for a new code.
    """
    class_map = open_class_map(classes_path)
    with open_raster(confidence_path) as source:
        check_same_grid(class_map.path, class_map.grid, confidence_path, grid_of(source, confidence_path))
    burnt = _burnt(class_map, burns)
    changed = _write_classes(class_map, burnt, outputs.classes, colors or {})
    _write_confidence(class_map, burnt, confidence_path, outputs.confidence)
    return changed


def _burnt(class_map: ClassMap, burns: Sequence[Burn]) -> _Burnt:
    codes = {**_codes_of(class_map)}
    value_of = {code: value for value, code in codes.items()}
    for code in dict.fromkeys(burn.code for burn in burns):
        if code not in value_of:
            value_of[code] = _new_value(code, codes, class_map)
            codes[value_of[code]] = code
    outlines = gpd.GeoDataFrame(geometry=[burn.outline for burn in burns], crs=class_map.grid.crs)
    cells = cells_of_samples(outlines, class_map.grid)
    values = np.array([value_of[burn.code] for burn in burns], np.uint16)[cells.samples]
    # Of a cell under several burns the last one is kept: np.unique gives the first of the turned order.
    places, last = np.unique(cells.places(class_map.grid.width)[::-1], return_index=True)
    return _Burnt(places, values[::-1][last], codes)


def _codes_of(class_map: ClassMap) -> dict[int, str]:
    """The codes by value; without a tag, every value that is found is its own code."""
    if class_map.codes:
        return dict(class_map.codes)
    found = {
        int(value) for _row, classes in class_map.strips(rows_at_once(class_map.grid)) for value in np.unique(classes)
    }
    return {value: str(value) for value in sorted(found - {0})}


def _new_value(code: str, codes: Mapping[int, str], class_map: ClassMap) -> int:
    """A free value for a code the model never drew: its own number where the map's codes are numbers."""
    is_numbered = all(str(value) == known for value, known in codes.items())
    if is_numbered and code.isascii() and code.isdigit() and 0 < int(code) <= HIGHEST_VALUE:
        return int(code)
    value = max(codes, default=0) + 1
    if value > HIGHEST_VALUE:
        raise RasterError(f"{class_map.path}: no value is left for the class {code}; renumber its classes.")
    return value


def _write_classes(class_map: ClassMap, burnt: _Burnt, out: Path, colors: Mapping[str, str]) -> int:
    changed = 0
    dtype = np.dtype(dtype_of(list(burnt.codes)))
    with (
        open_raster(class_map.path) as source,
        written_as_cog(out, class_map.grid, dtype=dtype.name, nodata=0) as target,
    ):
        target.descriptions = source.descriptions
        target.update_tags(**source.tags())
        target.update_tags(**{TAG: json.dumps({str(v): c for v, c in burnt.codes.items()}, ensure_ascii=False)})
        if palette := _palette(class_map, source, burnt, colors):
            target.write_colormap(1, palette)
        for first, classes in class_map.strips(rows_at_once(class_map.grid)):
            flat = classes.reshape(-1)
            places, values = burnt.rows(first, len(classes), class_map.grid.width)
            seen = flat[places] != 0
            changed += int((flat[places[seen]] != values[seen]).sum())
            flat[places[seen]] = values[seen]
            target.write(classes.astype(dtype), 1, window=_rows(first, classes))
    return changed


def _palette(
    class_map: ClassMap, source: rasterio.DatasetReader, burnt: _Burnt, colors: Mapping[str, str]
) -> dict[int, tuple[int, ...]] | None:
    """The raster's own colours, and those of the new codes; wide rasters have none."""
    if max(burnt.codes, default=0) > HIGHEST_PALETTE_VALUE or source.colorinterp[0].name != "palette":
        return None
    known = tagged_codes(source, class_map.path) or {}
    fresh = palette_of({code: value for value, code in burnt.codes.items() if value not in known}, colors)
    return {**source.colormap(1), **{value: color for value, color in fresh.items() if value}}


def _write_confidence(class_map: ClassMap, burnt: _Burnt, path: Path, out: Path) -> None:
    with (
        open_raster(path) as source,
        written_as_cog(out, class_map.grid, dtype="uint8", nodata=NO_CONFIDENCE) as target,
    ):
        target.descriptions = source.descriptions
        target.update_tags(**source.tags())
        for first, classes in class_map.strips(rows_at_once(class_map.grid)):
            window = _rows(first, classes)
            confidence = read_bands(source, path, [1], window)[0]
            flat = confidence.reshape(-1)
            places, _values = burnt.rows(first, len(classes), class_map.grid.width)
            flat[places[flat[places] != NO_CONFIDENCE]] = DECIDED_CONFIDENCE
            target.write(confidence, 1, window=window)


def _rows(first: int, classes: NDArray[np.uint16]) -> Window:
    return Window(0, first, classes.shape[1], classes.shape[0])
