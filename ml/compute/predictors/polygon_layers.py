"""Soil and geology drawn as polygons, burnt into the region's cells by a field: codes, or a quantity."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.features import rasterize
from rasterio.windows import Window
from shapely.geometry import box

from ml.compute.predictors.errors import PredictorError
from ml.compute.predictors.layers import KINDS, quiet_offset, quiet_scale
from ml.compute.predictors.outputs import LEVELS, OutputBand, OutputFile, levels_of
from ml.compute.predictors.places import Place, bounds_of, cells_of
from ml.compute.predictors.recipe_keys import choice_of, file_of, require_known_keys, window_of
from ml.compute.predictors.sections import Levels, as_plain
from ml.compute.region.keys import text_of
from ml.compute.vectors import in_crs, read_layer

KEYS = ("file", "source", "layer", "field", "name", "kind", "unit", "licence", "window_px")
CLASSES = "CLASSES"


@dataclass(frozen=True)
class PolygonsSection:
    """One [[polygons]]; texts of `field` are numbered from 1 in their alphabetical order."""

    file: str
    source: str
    layer: str
    field: str
    name: str
    kind: str
    unit: str
    licence: str
    window_px: int
    where: str

    def parameters(self) -> dict[str, Any]:
        """All that decides its values."""
        kept = {key: value for key, value in asdict(self).items() if key not in ("where", "window_px", "licence")}
        return as_plain(kept)

    def local_inputs(self, place: Place) -> list[Path]:
        """The one file.

        Raises:
            PredictorError: no file has that name, or several.
        """
        paths = place.find(self.source)
        if len(paths) != 1:
            raise PredictorError(
                f"{self.where}: {len(paths)} files are called '{self.source}'; write one in the key 'source'."
            )
        return paths

    def open(self, place: Place) -> "OpenPolygons":
        """Read the polygons."""
        return OpenPolygons(self, place)


def polygons_section(table: Mapping[str, Any], where: str) -> PolygonsSection:
    """Read a [[polygons]] section.

    Raises:
        PredictorError: a key is missing or wrong.
    """
    require_known_keys(table, KEYS, where)
    field = text_of(table, "field", where)
    return PolygonsSection(
        file=file_of(table, where),
        source=text_of(table, "source", where),
        layer=text_of(table, "layer", where, ""),
        field=field,
        name=text_of(table, "name", where, field),
        kind=choice_of(table, "kind", KINDS, where, "category"),
        unit=text_of(table, "unit", where, ""),
        licence=text_of(table, "licence", where, "unknown"),
        window_px=window_of(table, where, 512),
        where=where,
    )


class OpenPolygons:
    """The polygons of a section, in the region's projection."""

    remote_inputs: tuple[dict[str, Any], ...] = ()

    def __init__(self, section: PolygonsSection, place: Place) -> None:
        """Read them and number their codes.

        Raises:
            PredictorError: the file, the field or a geometry is at fault, or nothing lies on the region.
        """
        path = section.local_inputs(place)[0]
        frame = read_layer(path, layer=section.layer or None, error=PredictorError)
        if section.field not in frame:
            raise PredictorError(
                f"{section.where}: {path} has no field '{section.field}'; it has "
                f"{', '.join(str(name) for name in frame.columns if name != 'geometry')}."
            )
        self._grid = place.grid
        self._frame, classes = _numbered(in_crs(frame, CRS.from_wkt(place.grid.crs.to_wkt())), section)
        self._require_some(section, path)
        values = self._frame["value"]
        band = _output_band(section, float(values.min()), float(values.max()))
        tags = {CLASSES: json.dumps(classes, ensure_ascii=False)} if classes else {}
        overviews = "average" if section.kind == "continuous" else "mode"
        self.files = (OutputFile(section.file, (band,), overviews=overviews, tags=tags),)

    def close(self) -> None:
        """Nothing stays open."""

    def levels(self, window: Window) -> Sequence[Levels]:
        """The value of the polygon that each cell's centre is in, (1, rows, columns)."""
        near = self._frame.iloc[np.sort(self._frame.sindex.query(box(*bounds_of(self._grid, window))))]
        cells = cells_of(self._grid, window)
        shape = int(window.height), int(window.width)
        plane: NDArray[np.float32] = np.full(shape, np.nan, np.float32)
        if len(near):
            shapes = zip(near.geometry, near["value"], strict=True)
            rasterize(shapes, out=plane, transform=cells.transform)
        return [levels_of([plane], self.files[0])]

    def _require_some(self, section: PolygonsSection, path: Path) -> None:
        if self._frame.empty or not len(self._frame.sindex.query(box(*self._grid.bounds))):
            raise PredictorError(
                f"{section.where}: no polygon of {path} with a '{section.field}' lies on the region; correct it."
            )


def _numbered(frame: gpd.GeoDataFrame, section: PolygonsSection) -> tuple[gpd.GeoDataFrame, dict[str, str]]:
    """Rows that have a value, as numbers, and the texts that the numbers stand for."""
    known = frame[frame[section.field].notna()]
    numbers = pd.to_numeric(known[section.field], errors="coerce")
    if numbers.notna().all():
        return known.assign(value=numbers.astype(float)), {}
    if section.kind == "continuous":
        raise PredictorError(
            f"{section.where}: the field '{section.field}' holds text; write kind = \"category\" or name another field."
        )
    texts = known[section.field].astype(str).str.strip()
    codes = {text: number for number, text in enumerate(sorted(set(texts)), 1)}
    return known.assign(value=texts.map(codes).astype(float)), {str(number): text for text, number in codes.items()}


def _output_band(section: PolygonsSection, low: float, high: float) -> OutputBand:
    if section.kind == "continuous":
        scale = quiet_scale(low, high)
        return OutputBand(section.name, scale, quiet_offset(low, high, scale), section.unit)
    if low < -LEVELS or high > LEVELS:
        raise PredictorError(
            f"{section.where}: the codes of '{section.field}' go from {low:g} to {high:g}; "
            f"number them within -{LEVELS} and {LEVELS}."
        )
    return OutputBand(section.name, 1.0, unit="code")
