"""Samples and territories of a region folder, in the folder's projection."""

from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
from pyproj import CRS
from shapely.geometry import box

from ml.compute.errors import RegionFolderError, SampleError
from ml.compute.grids import read_grid
from ml.compute.region.folder import RegionFolder
from ml.compute.samples import read_sample_file
from ml.compute.vectors import in_crs, read_layer

TERRITORY_COLUMNS = ("code", "name", "parent_code")


def read_samples(folder: RegionFolder, year: int) -> gpd.GeoDataFrame:
    """The samples of a year with the legend's codes.

    Args:
        folder: the region folder.
        year: one of its years.

    Returns:
        Columns code, date, observers, origin, split (text, empty where absent) and geometry.

    Raises:
        RegionFolderError: the file is missing.
        SampleError: a row is wrong; it is named, counted from 1.
    """
    path = folder.samples_file(year)
    frame = in_crs(read_sample_file(path, field="code"), CRS.from_epsg(folder.epsg))
    known = {row.code for row in folder.legend}
    for row, code in enumerate(frame["code"], 1):
        if code not in known:
            raise SampleError(
                f"{path}: row {row} has the code '{code}', which legend.csv does not list; "
                "correct the row or add the class to the legend."
            )
    return frame


def read_territory_layers(folder: RegionFolder) -> dict[str, gpd.GeoDataFrame]:
    """The territories by kind, widest first; without a file, the footprint of the stack alone.

    Args:
        folder: the region folder.

    Returns:
        For each kind, the columns code, name, parent_code (and epci_code where the file has it), geometry.

    Raises:
        RegionFolderError: a layer, a column or a row is missing or wrong.
    """
    if folder.territories_file is None:
        return {folder.kinds[0]: _footprint(folder)}
    return read_territory_file(folder.territories_file, kinds=folder.kinds, epsg=folder.epsg)


def read_territory_file(path: Path, *, kinds: Sequence[str], epsg: int) -> dict[str, gpd.GeoDataFrame]:
    """The territories of a file by kind, in a projection.

    Args:
        path: a file with one layer per kind.
        kinds: names of the layers, from the widest to the narrowest.
        epsg: the projection to give them.

    Returns:
        For each kind, the columns code, name, parent_code (and epci_code where the file has it), geometry.

    Raises:
        RegionFolderError: a layer, a column or a row is missing or wrong.
    """
    layers: dict[str, gpd.GeoDataFrame] = {}
    parents: set[str] = set()
    for kind in kinds:
        layers[kind] = in_crs(_read_kind(path, kind, parents), CRS.from_epsg(epsg))
        # A kind may hang on any wider one: communes on departments even where EPCI stand between.
        parents |= set(layers[kind]["code"])
    return layers


def _footprint(folder: RegionFolder) -> gpd.GeoDataFrame:
    bounds = read_grid(folder.stack_files(folder.years[0])[0]).bounds
    row = {"code": [folder.slug], "name": [folder.name], "parent_code": [""]}
    return gpd.GeoDataFrame(row, geometry=[box(*bounds)], crs=CRS.from_epsg(folder.epsg))


def _read_kind(path: Path, kind: str, parents: set[str]) -> gpd.GeoDataFrame:
    frame = read_layer(path, layer=kind, error=RegionFolderError)
    where = f"{path} layer '{kind}'"
    missing = [column for column in TERRITORY_COLUMNS if column not in frame]
    if missing:
        raise RegionFolderError(f"{where} lacks the columns {', '.join(missing)}; add them.")
    columns = [*TERRITORY_COLUMNS, *(c for c in ("epci_code",) if c in frame)]
    for column in columns:
        frame[column] = frame[column].map(lambda value: "" if pd.isna(value) else str(value).strip())
    _check_territory_rows(frame, where, parents)
    return frame[[*columns, "geometry"]]


def _check_territory_rows(frame: gpd.GeoDataFrame, where: str, parents: set[str]) -> None:
    if frame.empty:
        raise RegionFolderError(f"{where} has no row; add the territories or drop the layer from 'kinds'.")
    seen: dict[str, int] = {}
    for row, (code, name, parent) in enumerate(zip(frame["code"], frame["name"], frame["parent_code"], strict=True), 1):
        if not code or not name:
            raise RegionFolderError(f"{where}: row {row} lacks a code or a name; fill both.")
        if code in seen:
            raise RegionFolderError(f"{where}: row {row} repeats the code '{code}' of row {seen[code]}; keep one.")
        if parent and parents and parent not in parents:
            raise RegionFolderError(
                f"{where}: row {row} has the parent_code '{parent}', unknown in the wider layers; correct it."
            )
        seen[code] = row
