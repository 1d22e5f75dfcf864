"""Tables of places, as CSV or GeoPackage by the suffix of the file."""

from pathlib import Path

import geopandas as gpd

from ml.compute.errors import ComputeError
from ml.compute.files import written_aside

SUFFIXES = (".csv", ".gpkg")


def write_places(table: gpd.GeoDataFrame, path: Path, *, layer: str) -> None:
    """Write a table of points.

    Args:
        table: with columns x and y beside the geometry.
        path: .csv for the columns alone, .gpkg with the points; replaced as a whole.
        layer: its name in a GeoPackage.

    Raises:
        ComputeError: another suffix, or the disk is full.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ComputeError(f"{path}: no known table; name it {' or '.join(SUFFIXES)}.")
    with written_aside(path) as aside:
        if path.suffix.lower() == ".csv":
            table.drop(columns="geometry").to_csv(aside, index=False, encoding="utf-8")
        else:
            table.to_file(aside, layer=layer, driver="GPKG")
