"""The polygons of a map as a GeoPackage, written a part at a time."""

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pyogrio

from ml.compute.files import written_aside

POLYGONS_LAYER = "polygons"


def write_parts(path: Path, parts: Iterator[gpd.GeoDataFrame], small_features: dict[str, gpd.GeoDataFrame]) -> float:
    """Write polygons as they come, so that never more than a part is held, then the layers beside them.

    Args:
        path: the final file; an earlier one stays until the new one is whole.
        parts: one frame at least, all with the same columns.
        small_features: by name, layers of points, lines and polygons, written after the polygons.

    Returns:
        The area of the polygons, in square metres.

    Raises:
        ComputeError: the disk is full.
    """
    area_m2 = 0.0
    with written_aside(path) as aside:
        for number, part in enumerate(parts):
            _write(aside, part, POLYGONS_LAYER, geometry_type="Polygon", append=number > 0)
            area_m2 += float(part["area_m2"].sum())
        for name, features in small_features.items():
            _write(aside, features, name, geometry_type="Unknown", append=False)
    return area_m2


def _write(path: Path, frame: gpd.GeoDataFrame, layer: str, *, geometry_type: str, append: bool) -> None:
    pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG", geometry_type=geometry_type, append=append)
