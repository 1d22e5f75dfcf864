"""The layers of a release as GeoPackages, in the CRS of the region."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from ml.compute.coverage_check import mismatched
from ml.compute.files import written_aside

HABITATS_LAYER = "habitats"
SMALL_FEATURES_LAYER = "small_features"
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


@dataclass(frozen=True)
class Layer:
    """A layer or a table of a GeoPackage.

    Attributes:
        name: its name for programs.
        rows: the rows, in the order to keep; with a geometry, or a plain table.
        words: what it says of itself.
        geometry_type: OGR's name of the kind of geometry; None for a plain table.
    """

    name: str
    rows: pd.DataFrame
    words: Words
    geometry_type: str | None = "Polygon"


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


def write_layers(path: Path, *layers: Layer) -> None:
    """Write a GeoPackage whose bytes depend on its content alone.

    Args:
        path: the final file.
        layers: what it holds; the first one is what a program reads that names none.

    Raises:
        ComputeError: the disk is full.
    """
    with written_aside(path) as aside:
        for layer in layers:
            options = {"IDENTIFIER": layer.words.title, "DESCRIPTION": layer.words.description}
            if layer.geometry_type:
                options["GEOMETRY_NAME"] = "geom"
            with _dated(layer.words.date):
                pyogrio.write_dataframe(
                    layer.rows,
                    aside,
                    layer=layer.name,
                    driver="GPKG",
                    geometry_type=layer.geometry_type,
                    layer_options=options,
                )


@contextmanager
def _dated(date: str) -> Iterator[None]:
    """Give GDAL the date it writes into GeoPackages."""
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{date}T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
