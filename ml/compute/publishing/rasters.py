"""The rasters of a release: cloud-optimised, with the legend's colours, and nothing that changes from run to run."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from rasterio.windows import Window

from ml.compute.class_rasters import open_class_map
from ml.compute.classmaps import HIGHEST_PALETTE_VALUE, TAG, palette_of
from ml.compute.cogs import written_as_cog
from ml.compute.grids import grid_of, open_raster

STRIP_ROWS = 512
NO_CONFIDENCE = 255


def write_classes(source: Path, target: Path, *, colors: Mapping[str, str], tags: Mapping[str, str]) -> dict[str, int]:
    """Write the class raster of a release.

    Args:
        source: class raster, 0 = no data.
        target: the COG to write: same values, CLASSES tag, colour table.
        colors: `#rrggbb` by code.
        tags: what the file says of itself.

    Returns:
        Cells of each code.

    Raises:
        RasterError: the source is unreadable.
    """
    class_map = open_class_map(source)
    counts = np.zeros(0, np.int64)
    with open_raster(source) as opened:
        dtype = opened.dtypes[0]
    with written_as_cog(target, class_map.grid, dtype=dtype, nodata=0) as output:
        for first, values in class_map.strips(STRIP_ROWS):
            counts = _added(counts, np.bincount(values.ravel()))
            output.write(values.astype(dtype), 1, window=Window(0, first, class_map.grid.width, len(values)))
        found = {int(value): class_map.code_of(int(value)) for value in np.flatnonzero(counts) if value}
        codes = dict(sorted({**class_map.codes, **found}.items()))
        output.set_band_description(1, "class")
        output.update_tags(**{**tags, TAG: json.dumps(codes, ensure_ascii=False)})
        if max(codes, default=0) <= HIGHEST_PALETTE_VALUE:
            output.write_colormap(1, palette_of({code: value for value, code in codes.items()}, colors))
    return {code: int(counts[value]) for value, code in sorted(found.items())}


def write_confidence(source: Path, target: Path, *, tags: Mapping[str, str]) -> None:
    """Write the confidence raster of a release: 0-100, 255 = no data.

    Raises:
        RasterError: the source is unreadable.
    """
    with open_raster(source) as opened:
        grid = grid_of(opened, source)
        with written_as_cog(target, grid, dtype="uint8", nodata=NO_CONFIDENCE, overviews="average") as output:
            for first in range(0, grid.height, STRIP_ROWS):
                window = Window(0, first, grid.width, min(STRIP_ROWS, grid.height - first))
                output.write(opened.read(1, window=window), 1, window=window)
            output.set_band_description(1, "confidence (%)")
            output.update_tags(**tags)


def cells_by_code(path: Path) -> tuple[dict[str, int], float]:
    """Cells of each code of a class raster, and the area of a cell in m².

    Raises:
        RasterError: the raster is unreadable or in degrees.
    """
    class_map = open_class_map(path)
    counts = np.zeros(0, np.int64)
    for _first, values in class_map.strips(STRIP_ROWS):
        counts = _added(counts, np.bincount(values.ravel()))
    found = {class_map.code_of(int(value)): int(counts[value]) for value in np.flatnonzero(counts) if value}
    return found, class_map.cell_area_m2


def _added(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    longer, shorter = (first, second) if first.size >= second.size else (second, first)
    total = longer.copy()
    total[: shorter.size] += shorter
    return total
