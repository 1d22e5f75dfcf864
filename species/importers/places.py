"""Where positions fall: the footprint, the commune, its department, the 10 km cell of the region's CRS."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from django.contrib.gis.geos import Point
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from pyproj import Transformer

from bioccia.errors import StateForbidsError
from species.permissions import Place
from territories.models import Region, Territory
from territories.states import TerritoryKind

CELL_M = 10_000
LAMBERT_93 = 2154
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Communes:
    """The communes of the region, ready for points; arrays of one length, tree by position."""

    keys: Sequence[int]
    points: Sequence[Point]
    departments: Sequence[Point | None]
    tree: shapely.STRtree


class Gazetteer:
    """Answers where a position falls. Reads the region once."""

    def __init__(self) -> None:
        region = Region.objects.first()
        if region is None:
            raise StateForbidsError(
                _("No region is loaded: observations are kept where they fall in it. Run import_region first.")
            )
        self.region_name = region.name
        self.footprint = shapely.from_wkb(bytes(region.footprint.wkb))
        shapely.prepare(self.footprint)
        self.prefix = "10kmL93" if region.epsg == LAMBERT_93 else f"10kmEPSG{region.epsg}"
        self.to_region = Transformer.from_crs(4326, region.epsg, always_xy=True)
        self.to_world = Transformer.from_crs(region.epsg, 4326, always_xy=True)
        self.communes = _read_communes()

    def holds(self, longitudes: Numbers, latitudes: Numbers) -> NDArray[np.bool_]:
        """Which positions (degrees) fall in the footprint; its border counts as inside."""
        return shapely.intersects_xy(self.footprint, longitudes, latitudes)

    def places(self, longitudes: Numbers, latitudes: Numbers) -> list[Place]:
        """The places of positions of the footprint (degrees), in their order."""
        columns, rows = (
            np.floor(np.asarray(axis) / CELL_M).astype(int) for axis in self.to_region.transform(longitudes, latitudes)
        )
        centers = np.column_stack(self.to_world.transform((columns + 0.5) * CELL_M, (rows + 0.5) * CELL_M))
        communes = self._commune_positions(longitudes, latitudes)
        return [
            self._place(Point(lon, lat, srid=4326), center, f"{self.prefix}E{column:03d}N{row:03d}", commune)
            for lon, lat, center, column, row, commune in zip(
                longitudes, latitudes, centers, columns, rows, communes, strict=True
            )
        ]

    def _commune_positions(self, longitudes: Numbers, latitudes: Numbers) -> NDArray[np.int64]:
        """The position of the commune of each point; -1: none; on a border, the first by code."""
        found = np.full(len(longitudes), len(self.communes.keys), dtype=np.int64)
        points = shapely.points(np.column_stack((longitudes, latitudes)))
        point_positions, commune_positions = self.communes.tree.query(points, predicate="intersects")
        np.minimum.at(found, point_positions, commune_positions)
        return np.where(found == len(self.communes.keys), -1, found)

    def _place(self, position: Point, center: Numbers, cell: str, commune: int) -> Place:
        center_point = Point(float(center[0]), float(center[1]), srid=4326)
        if commune < 0:
            return Place(position=position, cell_center=center_point, cell=cell)
        return Place(
            position=position,
            cell_center=center_point,
            cell=cell,
            commune=self.communes.keys[commune],
            commune_point=self.communes.points[commune],
            department_point=self.communes.departments[commune],
        )


def _read_communes() -> _Communes:
    departments = {
        department.pk: _inner_point(shapely.from_wkb(bytes(department.geometry.wkb)))
        for department in Territory.objects.of_kind(TerritoryKind.DEPARTMENT).only("geometry")
    }
    rows = list(
        Territory.objects.of_kind(TerritoryKind.COMMUNE).order_by("code").values_list("pk", "parent_id", "geometry")
    )
    shapes = shapely.from_wkb([bytes(geometry.wkb) for _key, _parent, geometry in rows])
    return _Communes(
        keys=[key for key, _parent, _geometry in rows],
        points=[_inner_point(shape) for shape in shapes],
        departments=[departments.get(parent) for _key, parent, _geometry in rows],
        tree=shapely.STRtree(shapes),
    )


def _inner_point(shape: shapely.Geometry) -> Point:
    point = shapely.point_on_surface(shape)
    return Point(point.x, point.y, srid=4326)
