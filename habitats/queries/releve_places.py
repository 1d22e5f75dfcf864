"""Where a relevé falls, and what may be shown of it: the gate of the sensitive observations, for relevés."""

from functools import cached_property
from typing import cast

import numpy as np
from django.contrib.gis.db.models.functions import PointOnSurface
from django.contrib.gis.geos import GEOSGeometry, Point
from pyproj import Transformer

from habitats.models import ReleveDataset
from species.importers.places import CELL_M
from species.permissions import Place, shown_place
from species.states import Precision
from territories.models import Region, Territory
from territories.states import TerritoryKind


class PlaceFinder:
    """Answers for one region, place by place: a table of relevés is short, a region has thousands of communes."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self._inner_points: dict[int, Point] = {}

    def shown(
        self, geometry: GEOSGeometry, *, dataset: ReleveDataset, sensitivity: int, accuracy_m: float | None
    ) -> tuple[int | None, Precision, Point | None]:
        """The commune of a place, how precisely the place may be shown, and the point that stands for it."""
        place = self._place(geometry.point_on_surface)
        precision, point = shown_place(
            place, sensitivity=sensitivity, diffusion=dataset.diffusion, uncertainty_m=accuracy_m
        )
        return place.commune, precision, point

    def _place(self, position: Point) -> Place:
        communes = Territory.objects.of_kind(TerritoryKind.COMMUNE).containing(position).order_by("code")
        commune = communes.values_list("pk", "parent").first()
        pk, parent = commune or (None, None)
        return Place(
            position=position,
            cell_center=self._cell_center(position),
            cell="",
            commune=pk,
            commune_point=self._inner_point(pk),
            department_point=self._inner_point(parent),
        )

    def _inner_point(self, pk: int | None) -> Point | None:
        if pk is None:
            return None
        if pk not in self._inner_points:
            inner = (
                Territory.objects.order_by().annotate(inner=PointOnSurface("geometry")).values_list("inner", flat=True)
            )
            self._inner_points[pk] = inner.get(pk=pk)
        return self._inner_points[pk]

    def _cell_center(self, position: Point) -> Point:
        to_region, to_world = self._transformers
        column, row = np.floor(np.array(to_region.transform(position.x, position.y)) / CELL_M)
        center = to_world.transform((column + 0.5) * CELL_M, (row + 0.5) * CELL_M)
        return Point(*center, srid=4326)

    @cached_property
    def _transformers(self) -> tuple[Transformer, Transformer]:
        return (
            Transformer.from_crs(4326, self.region.epsg, always_xy=True),
            Transformer.from_crs(self.region.epsg, 4326, always_xy=True),
        )


def single_point(geometry: GEOSGeometry) -> Point:
    """The point that stands for a place on lists and small maps."""
    return cast("Point", geometry) if geometry.geom_type == "Point" else geometry.point_on_surface
