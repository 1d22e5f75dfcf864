"""Areas by zone: each cell counts by the share of it that a zone covers, in one pass over the map."""

from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from ml.compute.class_rasters import open_class_map
from ml.compute.errors import ZoneError
from ml.compute.grids import Grid
from ml.compute.vectors import in_crs
from ml.compute.zone_cells import count_cells, zone_edges

CELLS_AT_ONCE = 8_000_000
VALUE_COUNT = 65536
# A share of a cell is summed by strips: what their order changes is rounded away.
CELL_DECIMALS = 6


def zonal_areas(classes_path: Path, zones: gpd.GeoDataFrame, zone_field: str) -> pd.DataFrame:
    """Area of each class in each zone.

    A cell on the border of a zone counts by the share of it inside: the areas are exact, however small the zone.
    Zones may overlap: each is measured by itself. Zones of another projection are reprojected; zones of the same
    name add up; a zone outside the map, or on no data, has no row; one that crosses itself is repaired.

    Args:
        classes_path: class raster, 0 = no data.
        zones: polygons.
        zone_field: column that names the zones.

    Returns:
        `zone`, `class` (code), `area_m2`; one row per class present in a zone, by zone and class value.

    Raises:
        RasterError: the raster is missing, unreadable or in degrees.
        ZoneError: the zones lack the field, a name or a projection.
    """
    class_map = open_class_map(classes_path)
    strips = ((first, *number_values(classes)) for first, classes in class_map.strips(rows_at_once(class_map.grid)))
    counts = count_by_zone(strips, zones, zone_field, class_map.grid)
    return pd.DataFrame(
        {
            "zone": counts["zone"],
            "class": [class_map.code_of(value) for value in counts["value"]],
            "area_m2": counts["cells"] * class_map.cell_area_m2,
        }
    )


def rows_at_once(grid: Grid) -> int:
    """How many rows of a grid make a strip that fits well in memory."""
    return max(1, CELLS_AT_ONCE // grid.width)


def number_values(values: NDArray[np.uint16]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Number the values that are present.

    Returns:
        The number of each cell's value, and the value of each number.
    """
    present = np.flatnonzero(np.bincount(values.ravel(), minlength=VALUE_COUNT))
    numbers = np.zeros(VALUE_COUNT, np.int32)
    numbers[present] = np.arange(present.size)
    return numbers[values], present


def count_by_zone(
    strips: Iterator[tuple[int, NDArray[np.int32], NDArray[np.int64]]],
    zones: gpd.GeoDataFrame,
    zone_field: str,
    grid: Grid,
) -> pd.DataFrame:
    """Count the cells of each value in each zone.

    Args:
        strips: first row, number of each cell's value, and value of each number (0: not counted).
        zones: polygons.
        zone_field: column that names the zones.
        grid: the cells of the strips.

    Returns:
        `zone`, `value`, `cells` (float: those on a border by their share), sorted by zone and value.

    Raises:
        ZoneError: the zones lack the field, a name or a projection.
    """
    outlines, names = _outlines_and_names(zones, zone_field, grid)
    edges = zone_edges(outlines, grid)
    found = [
        pd.DataFrame({"zone": names[zone], "value": values[number], "cells": cells})
        for first, numbers, values in strips
        for zone, number, cells in [_present(count_cells(numbers, first, values.size, edges))]
    ]
    counts = pd.concat(found, ignore_index=True)
    counted = counts[counts["value"] != 0].groupby(["zone", "value"], sort=True)["cells"].sum()
    return counted.round(CELL_DECIMALS).reset_index()


def _present(counts: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    zone, number = np.nonzero(counts)
    return zone, number, counts[zone, number]


def _outlines_and_names(zones: gpd.GeoDataFrame, zone_field: str, grid: Grid) -> tuple[NDArray[np.object_], NDArray]:
    if zone_field not in zones:
        present = ", ".join(str(column) for column in zones.columns.drop(zones.geometry.name))
        raise ZoneError(f"The zones have no column '{zone_field}' (they have: {present}); name another.")
    if zones.empty:
        raise ZoneError("The zones have no row; draw at least one.")
    names = zones[zone_field].to_numpy()
    unnamed = pd.isna(names)
    if unnamed.any():
        raise ZoneError(f"Row {unnamed.argmax() + 1} of the zones has no '{zone_field}'; fill it in.")
    if zones.crs is None:
        raise ZoneError("The zones have no projection; set their EPSG code.")
    outlines = in_crs(zones, grid.crs).geometry.to_numpy().copy()
    areal = np.isin(shapely.get_type_id(outlines), (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON))
    if not areal.all():
        raise ZoneError(f"Row {(~areal).argmax() + 1} of the zones is not a polygon; draw it as one or delete it.")
    # A valid outline may cross itself by a hair once it is reprojected.
    crossing = ~shapely.is_valid(outlines)
    outlines[crossing] = [_repaired(outline) for outline in outlines[crossing]]
    return outlines, names


def _repaired(outline: BaseGeometry) -> BaseGeometry:
    """The ground of an outline that crosses itself, without the lines that a repair may leave."""
    parts = shapely.get_parts(shapely.make_valid(outline, method="structure", keep_collapsed=False))
    return shapely.MultiPolygon([part for part in parts if part.geom_type == "Polygon"])
