"""Layers of territories, from a region folder or from a file of their own."""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.db import transaction

from ml.compute.region import read_territory_file
from territories.actions import store_region, store_territories
from territories.models import Region

NOMINAL_CELL_M = 10.0


@transaction.atomic
def import_territories(
    path: Path, *, kinds: Sequence[str], epsg: int, slug: str, at: datetime.datetime
) -> dict[str, int]:
    """Read territories alone, before any stack: people can have their mandates and look for their commune.

    Args:
        path: a file with one layer per kind.
        kinds: names of the layers, from the widest to the narrowest.
        epsg: the projection in which areas are measured.
        slug: short name of the region.
        at: the moment.

    Returns:
        The number of territories by kind.

    Raises:
        RegionFolderError: a layer, a column or a row is wrong; nothing was written.
    """
    layers = read_territory_file(path, kinds=kinds, epsg=epsg)
    if not Region.objects.exists():
        widest = next(iter(layers.values()))
        facts = {"name": widest["name"].iloc[0], "epsg": epsg, "resolution_m": NOMINAL_CELL_M}
        store_region(slug=slug, footprint=footprint_of(widest), at=at, folder=str(path.absolute()), **facts)
    return store_layers(layers)


def store_layers(layers: Mapping[str, gpd.GeoDataFrame]) -> dict[str, int]:
    """Write layers, widest first; communes find their intercommunality by place where no code says it."""
    counts = {}
    for kind, frame in layers.items():
        if kind == "commune" and "epci" in layers and "epci_code" not in frame:
            frame = _with_epci(frame, layers["epci"])
        counts[kind] = store_territories(kind=kind, rows=_rows(frame))
    return counts


def _with_epci(communes: gpd.GeoDataFrame, epcis: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    inside = communes.set_geometry(communes.representative_point())
    joined = inside.sjoin(epcis[["code", "geometry"]], predicate="within", how="left", rsuffix="epci")
    codes = joined["code_epci"].fillna("").groupby(level=0).first()
    return communes.assign(epci_code=codes.reindex(communes.index, fill_value=""))


def footprint_of(layer: gpd.GeoDataFrame) -> GEOSGeometry:
    """The outline of a whole layer, SRID 4326."""
    return _to_geos(shapely.union_all(shapely.make_valid(layer.to_crs(4326).geometry.values)), srid=4326)


def _rows(frame: gpd.GeoDataFrame) -> Iterator[Mapping[str, Any]]:
    """Rows for `store_territories`, of a layer in the region's CRS."""
    plain, tiles = frame.to_crs(4326).geometry, frame.to_crs(3857).geometry
    areas = frame.geometry.area
    for position, row in enumerate(frame.itertuples(index=False)):
        yield {
            "code": row.code,
            "name": row.name,
            "parent_code": getattr(row, "parent_code", ""),
            "epci_code": getattr(row, "epci_code", ""),
            "geometry": _to_geos(plain.iloc[position], srid=4326),
            "geometry_3857": _to_geos(tiles.iloc[position], srid=3857),
            "area_m2": float(areas.iloc[position]),
        }


def _to_geos(geometry: shapely.Geometry, *, srid: int) -> GEOSGeometry:
    """A polygon, a multipolygon or a collection that holds some, as a multipolygon of Django's."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = shapely.multipolygons(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
    return GEOSGeometry(memoryview(shapely.to_wkb(polygons)), srid=srid)
