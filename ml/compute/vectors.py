"""Vector layers read with every check that a person would want before anything is computed."""

from pathlib import Path

import geopandas as gpd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS

from ml.compute.errors import ComputeError

AREAS = frozenset({"Polygon", "MultiPolygon"})
PLACES = AREAS | {"Point", "MultiPoint"}


def read_layer(
    path: Path, *, layer: str | None, error: type[ComputeError], kinds: frozenset[str] = AREAS
) -> gpd.GeoDataFrame:
    """Read one layer and check its projection and geometries.

    Args:
        path: a file pyogrio reads.
        layer: name of the layer; None takes the only one.
        error: the class raised, by what the file is for.
        kinds: the geometry types accepted.

    Returns:
        The rows with 2D geometries, in the layer's own CRS, index 0, 1, ...

    Raises:
        ComputeError: of class `error`: unreadable, without projection, or a geometry at fault.
    """
    if not path.is_file():
        raise error(f"{path}: the file is missing; add it or correct the path.")
    try:
        name = layer if layer is not None else _only_layer(path, error)
        frame = pyogrio.read_dataframe(path, layer=name)
    except DataLayerError as failure:
        names = ", ".join(layer_names(path))
        raise error(f"{path}: no layer '{layer}' (it has: {names}); add or rename it.") from failure
    except DataSourceError as failure:
        raise error(f"{path}: not readable as a vector file; export it again as GeoPackage.") from failure
    if not isinstance(frame, gpd.GeoDataFrame):
        raise error(f"{path}: layer '{name}' has no geometry column; export it with its geometries.")
    if frame.crs is None:
        raise error(f"{path}: layer '{name}' has no projection; set its EPSG code and save it again.")
    if frame.geometry.name != "geometry":
        frame = frame.rename_geometry("geometry")
    frame["geometry"] = frame.geometry.force_2d()
    _check_geometries(frame, f"{path}" if layer is None else f"{path} layer '{layer}'", error, kinds)
    return frame


def layer_names(path: Path) -> list[str]:
    """Names of the layers of a file."""
    return [str(name) for name, _ in pyogrio.list_layers(path)]


def most_detailed_layer(path: Path) -> str | None:
    """Name of the layer with the most rows where a file has several (the first of equals), else None."""
    if not path.is_file():
        return None
    try:
        names = layer_names(path)
    except DataSourceError:  # `read_layer` says it with the class of what the file is for
        return None
    if len(names) < 2:
        return None
    return max(names, key=lambda name: pyogrio.read_info(path, layer=name)["features"])


def in_crs(frame: gpd.GeoDataFrame, crs: CRS) -> gpd.GeoDataFrame:
    """The rows in `crs`, reprojected only where it differs."""
    return frame if frame.crs == crs else frame.to_crs(crs)


def _only_layer(path: Path, error: type[ComputeError]) -> str:
    names = layer_names(path)
    if len(names) != 1:
        raise error(f"{path}: {len(names)} layers ({', '.join(names)}); keep only one in this file.")
    return names[0]


def _check_geometries(frame: gpd.GeoDataFrame, where: str, error: type[ComputeError], kinds: frozenset[str]) -> None:
    geometries = frame.geometry.to_numpy()
    empty = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    if empty.any():
        raise error(f"{where}: row {empty.argmax() + 1} has an empty geometry; draw it or delete the row.")
    for row, kind in enumerate(frame.geom_type, 1):
        if kind not in kinds:
            raise error(f"{where}: row {row} is a {kind}; draw it as {' or '.join(sorted(kinds))}.")
    invalid = ~shapely.is_valid(geometries)
    if invalid.any():
        row = int(invalid.argmax())
        reason = shapely.is_valid_reason(geometries[row]).replace("[", " at ").rstrip("]")
        raise error(
            f"{where}: row {row + 1} crosses itself or is not a valid outline ({reason}); "
            "redraw it or run 'Fix geometries' in QGIS."
        )
