"""The polygons around a correction: locked, in metres, and ready to be painted."""

import datetime
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TypedDict

import numpy as np
import shapely
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.contrib.gis.geos import Polygon as Outline
from django.db.models import Q
from django.utils.translation import gettext as _
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bioccia.errors import StateForbidsError
from habitats.errors import PolygonChangedError
from habitats.models import HabitatType, Polygon, Vintage
from habitats.states import VintageState
from ml.compute.coverage import Paint, Repainted, Rules, repaint
from ml.compute.errors import CoverageError
from ml.compute.exact_projection import DEGREES, ExactProjection
from territories.models import User

# Vertices drawn nearer than this to the map move onto it, in cells; where rounding then leaves a gap, less, then more.
SNAP_CELLS = (0.2, 0.02, 0.5)
# How far around an outline lies what may take a remnant under the minimum unit, in sides of that unit.
REACH_UNITS = 3.0
DECIDED_CONFIDENCE = 100

Seen = tuple[int, int]


class DecisionFacts(TypedDict):
    """Who decided, when, why, and of which day what was observed is."""

    source: str
    by: User | None
    at: datetime.datetime
    observed_on: datetime.date | None
    reason: str


@dataclass(frozen=True)
class Guess:
    """What the model, or a decision, says of a polygon beside its habitat."""

    confidence: int = DECIDED_CONFIDENCE
    runner_up_1_id: int | None = None
    runner_up_1_share: int = 0
    runner_up_2_id: int | None = None
    runner_up_2_share: int = 0

    @classmethod
    def of(cls, polygon: Polygon) -> "Guess":
        """The guess that a polygon carries."""
        return cls(**{name: getattr(polygon, name) for name in cls.__dataclass_fields__})


def held_vintage(vintage: Vintage, *states: VintageState) -> Vintage:
    """The vintage, locked to the end of the transaction: corrections of a map come one after the other.

    Reading it and pointing at it stay free. Two adjudicators can therefore not lock each other out, and numbers of
    new polygons are taken once.

    Raises:
        StateForbidsError: it is in another state.
    """
    held = Vintage.objects.select_for_update(no_key=True, of=("self",)).select_related("region").get(pk=vintage.pk)
    if held.state not in states:
        raise StateForbidsError(
            _("Vintage %(year)s is %(state)s: only a working map is corrected. Report on the working one.")
            % {"year": held.year, "state": held.get_state_display()}
        )
    return held


def check_seen(vintage: Vintage, seen: Sequence[Seen]) -> None:
    """Raise PolygonChangedError unless every polygon has the version that was looked at."""
    current = dict(
        Polygon.objects.filter(vintage=vintage, number__in=[number for number, _version in seen])
        .order_by()
        .values_list("number", "version")
    )
    changed = [number for number, version in seen if current.get(number) != version]
    if changed:
        raise PolygonChangedError(
            _("The map has changed since it was looked at (polygon %(numbers)s). Look again, then decide.")
            % {"numbers": ", ".join(map(str, sorted(changed)))}
        )


class Neighbourhood:
    """The polygons of a vintage that an outline meets, and those just around it."""

    def __init__(self, vintage: Vintage) -> None:
        self.vintage = vintage
        self.projection = ExactProjection(vintage.region.epsg)
        self.polygons: list[Polygon] = []

    def load(self, outlines: Sequence[GEOSGeometry]) -> NDArray[np.object_]:
        """Lock and read the polygons around outlines in degrees; the outlines come back in metres."""
        drawn = np.asarray(self.projection.to_metres(np.array([as_shape(one) for one in outlines], object)))
        around = shapely.buffer(shapely.union_all(drawn), REACH_UNITS * self.least_m2**0.5)
        search = as_geos(self.projection.to_degrees(np.array([around], object))[0])
        self.lock(Q(geometry__intersects=search))
        return drawn

    def lock(self, which: Q) -> None:
        """Lock and read polygons of the vintage, always in the order of their numbers."""
        mine = Polygon.objects.filter(which, vintage=self.vintage).defer("geometry_3857").order_by("number")
        self.polygons = list(mine.select_for_update(no_key=True, of=("self",)).select_related("habitat_type"))

    @cached_property
    def shapes(self) -> NDArray[np.object_]:
        """Outlines of the polygons, in metres."""
        return self.projection.to_metres(np.array([as_shape(polygon.geometry) for polygon in self.polygons], object))

    @property
    def least_m2(self) -> float:
        """The minimum unit of the vintage."""
        return float(self.vintage.minimum_unit_px * self.vintage.region.resolution_m**2)

    def rules(self, *, feeds: bool, snap_cells: float) -> Rules:
        """How outlines meet this map."""
        return Rules(snap_m=snap_cells * self.vintage.region.resolution_m, least_m2=self.least_m2, feeds=feeds)

    def repaint(self, paints: Sequence[Paint], *, feeds: bool) -> Repainted:
        """What the paints, in metres, make of the polygons.

        Raises:
            CoverageError: they cannot be drawn, however their vertices are put on the map's.
        """
        codes = [str(polygon.habitat_type_id) for polygon in self.polygons]
        *first, last = (self.rules(feeds=feeds, snap_cells=share) for share in SNAP_CELLS)
        for rules in first:
            with suppress(CoverageError):
                return repaint(self.shapes, codes, paints, rules=rules)
        return repaint(self.shapes, codes, paints, rules=last)


def paint_of(outline: BaseGeometry, habitat_type: HabitatType | int) -> Paint:
    """Ground that takes a habitat; codes of typologies may be alike, primary keys are not."""
    key = habitat_type if isinstance(habitat_type, int) else habitat_type.pk
    return Paint(outline, str(key))


def as_shape(geometry: GEOSGeometry) -> BaseGeometry:
    """The shapely twin of a geometry of the database."""
    return shapely.from_wkb(bytes(geometry.wkb))


def as_geos(shape: BaseGeometry, srid: int = DEGREES) -> GEOSGeometry:
    """The twin of a shapely geometry for the database."""
    return GEOSGeometry(memoryview(shapely.to_wkb(shape)), srid=srid)


def as_outline(shape: BaseGeometry, srid: int = DEGREES) -> Outline:
    """The twin of one polygon for the database."""
    outline = as_geos(shape, srid)
    if not isinstance(outline, Outline):
        raise TypeError(f"{shape.geom_type} instead of a polygon")
    return outline


def as_multipolygon(shape: BaseGeometry) -> MultiPolygon:
    """Polygons of a shape in degrees, for a column of multipolygons."""
    parts = [as_outline(part) for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    return MultiPolygon(parts, srid=DEGREES)
