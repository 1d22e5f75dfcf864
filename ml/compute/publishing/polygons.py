"""The polygons of a release as a GeoPackage, in the CRS of the region."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from ml.compute.coverage_check import mismatched
from ml.compute.files import written_aside

HABITATS_LAYER = "habitats"
# A millimetre: outlines come from cells of metres, and went through degrees.
DECIMALS = 3
DEGREES = 4326


@dataclass(frozen=True)
class Words:
    """What a layer says of itself.

    Attributes:
        title: its name for people.
        description: what it is, its licence and its limits.
        date: `YYYY-MM-DD`, in place of the clock's: the same map must give the same bytes.
    """

    title: str
    description: str
    date: str


def published_outlines(degrees: Sequence[bytes], epsg: int) -> NDArray[np.object_]:
    """Outlines in the CRS of the region, to the millimetre.

    A vertex that two neighbours share goes to one place: a coverage without gaps in degrees has none after.

    Args:
        degrees: WKB of polygons in EPSG:4326.
        epsg: the CRS of the region.

    Returns:
        (n,) shapely polygons.
    """
    transformer = Transformer.from_crs(DEGREES, epsg, always_xy=True)
    outlines = shapely.from_wkb(np.asarray(degrees, dtype=object))
    points = shapely.get_coordinates(outlines)
    moved = np.column_stack(transformer.transform(points[:, 0], points[:, 1])) if len(points) else points
    return np.asarray(shapely.set_coordinates(outlines, np.round(moved, DECIMALS)))


def faults_of_coverage(outlines: NDArray[np.object_]) -> NDArray[np.intp]:
    """Places in the array of the outlines that are invalid or do not match their neighbours."""
    if not outlines.size:
        return np.zeros(0, np.intp)
    wrong = np.flatnonzero(~np.asarray(shapely.is_valid(outlines)))
    return wrong if wrong.size else mismatched(outlines)


def write_layer(path: Path, frame: gpd.GeoDataFrame, *, layer: str, words: Words) -> None:
    """Write one layer of polygons as a GeoPackage whose bytes depend on its content alone.

    Args:
        path: the final file.
        frame: the rows, in the order to keep.
        layer: name of the table.
        words: what the layer says of itself.

    Raises:
        ComputeError: the disk is full.
    """
    with written_aside(path) as aside, _dated(words.date):
        pyogrio.write_dataframe(
            frame,
            aside,
            layer=layer,
            driver="GPKG",
            geometry_type="Polygon",
            layer_options={"IDENTIFIER": words.title, "DESCRIPTION": words.description, "GEOMETRY_NAME": "geom"},
        )


@contextmanager
def _dated(date: str) -> Iterator[None]:
    """Give GDAL the date it writes into GeoPackages."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{date}T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
