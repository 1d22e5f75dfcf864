"""The place of a row: degrees, metres with their EPSG code, well-known text, or the geometry of the file itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import shapely
from django.contrib.gis.geos import GEOSGeometry
from django.utils.translation import gettext as _
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import CRSError
from shapely.errors import GEOSException
from shapely.geometry.base import BaseGeometry

from species.importers.values import is_absent, read_decimal
from territories.models import Region, Territory
from territories.states import TerritoryKind

LAMBERT_93, DEGREES = 2154, 4326
KINDS = ("Point", "Polygon", "MultiPolygon")
MOST_VERTICES = 10_000
LARGEST_HA = 100


class PlaceError(ValueError):
    """A place that cannot be used; `field` is the column at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Ground:
    """Where relevés are taken: the region, and the part of it where the person may survey."""

    region: Region
    footprint: BaseGeometry
    allowed: BaseGeometry | None
    allowed_names: str

    @classmethod
    def of(cls, region: Region, held: Iterable[Territory] | None) -> "Ground":
        """The ground of a person who may survey in some territories; None where nobody's mandate is asked."""
        footprint = shapely.from_wkb(bytes(region.footprint.wkb))
        shapely.prepare(footprint)
        if held is None:
            return cls(region, footprint, None, "")
        places = list(Territory.objects.filter(pk__in=[territory.pk for territory in held]))
        allowed: BaseGeometry | None = shapely.union_all(
            [shapely.from_wkb(bytes(place.geometry.wkb)) for place in places]
        )
        shapely.prepare(allowed)
        # The mandate of the whole region reaches as far as its map.
        if any(place.kind == TerritoryKind.REGION for place in places):
            allowed = None
        return cls(region, footprint, allowed, ", ".join(place.name for place in places[:5]))

    def check(self, place: BaseGeometry, field: str) -> None:
        """Raise PlaceError where a place is too large, outside the region, or outside the person's mandate."""
        if _area_ha(place) > LARGEST_HA:
            raise PlaceError(field, _("covers more than %(limit)s ha; draw the surveyed place") % {"limit": LARGEST_HA})
        inner = shapely.Point(shapely.get_coordinates(shapely.point_on_surface(place))[0])
        if not self.footprint.intersects(inner):
            raise PlaceError(field, self._outside(inner))
        if self.allowed is not None and not self.allowed.intersects(inner):
            raise PlaceError(
                field, _("is outside your mandate (%(names)s); ask for one there") % {"names": self.allowed_names}
            )

    def _outside(self, inner: shapely.Point) -> str:
        if self.footprint.intersects(shapely.Point(inner.y, inner.x)):
            return _("is in the region only the other way round: longitude and latitude look swapped")
        sentence = _("falls at %(lon)s, %(lat)s, outside the region %(region)s")
        return sentence % {"lon": f"{inner.x:.4f}", "lat": f"{inner.y:.4f}", "region": self.region.name}


def place_of_texts(texts: dict[str, str]) -> tuple[BaseGeometry, str]:
    """The place that a row's texts give (degrees), and the column that gives it.

    Raises:
        PlaceError: none, or one that is no place.
    """
    if not is_absent(texts.get("geometry", "")):
        shape = _from_text(texts["geometry"])
        return _in_degrees(shape, _epsg(texts) or _guessed(shape), "geometry"), "geometry"
    if not is_absent(texts.get("longitude", "")) or not is_absent(texts.get("latitude", "")):
        return _point(texts, "longitude", "latitude", DEGREES), "longitude"
    if "x" in texts and "y" in texts:
        return _point(texts, "x", "y", _epsg(texts) or LAMBERT_93), "x"
    field = next((name for name in ("longitude", "geometry") if name in texts), "longitude")
    raise PlaceError(field, _("is empty; write where the relevé was made"))


def place_of_shape(shape: BaseGeometry | None, crs: CRS) -> BaseGeometry:
    """The geometry of a row of a GeoPackage, in degrees.

    Raises:
        PlaceError: there is none, or it is no place.
    """
    if shape is None or shape.is_empty:
        raise PlaceError("geometry", _("is empty; draw it, or delete the row"))
    return _in_degrees(shape, crs.to_epsg() or crs.to_wkt(), "geometry")


def as_geos(place: BaseGeometry) -> GEOSGeometry:
    """For the database."""
    return GEOSGeometry(memoryview(shapely.to_wkb(place)), srid=DEGREES)


def _point(texts: dict[str, str], east: str, north: str, epsg: int) -> BaseGeometry:
    values = []
    for name in (east, north):
        try:
            value = read_decimal(texts.get(name, ""))
        except ValueError as error:
            raise PlaceError(name, str(error)) from error
        if value is None:
            raise PlaceError(name, _("is empty or not a number; write a coordinate"))
        values.append(value)
    if epsg == DEGREES:
        for name, value, bound in ((east, values[0], 180), (north, values[1], 90)):
            if abs(value) > bound:
                raise PlaceError(name, _("%(value)s is no angle in degrees") % {"value": texts[name]})
    elif max(map(abs, values)) <= 180:
        raise PlaceError(east, _("looks like degrees; name the columns longitude and latitude"))
    return _in_degrees(shapely.Point(values), epsg, east)


def _from_text(text: str) -> BaseGeometry:
    try:
        shape: BaseGeometry = shapely.from_wkt(text.split(";", 1)[-1])
    except GEOSException as error:
        raise PlaceError("geometry", _("is no well-known text; write POINT (3.05 43.6)")) from error
    if shape is None or shape.is_empty:
        raise PlaceError("geometry", _("is empty; draw it, or delete the row"))
    return shape


def _guessed(shape: BaseGeometry) -> int:
    """Coordinates that fit in degrees are degrees."""
    west, south, east, north = shape.bounds
    fits = max(abs(west), abs(east)) <= 180 and max(abs(south), abs(north)) <= 90
    return DEGREES if fits else LAMBERT_93


def _epsg(texts: dict[str, str]) -> int | None:
    text = texts.get("epsg", "").upper().removeprefix("EPSG:").removesuffix(".0").strip()
    if is_absent(text):
        return None
    if not text.isdigit() or len(text) > 6:
        raise PlaceError("epsg", _("%(value)s is no EPSG code; write 2154 or 4326") % {"value": text[:30]})
    return int(text)


def _in_degrees(shape: BaseGeometry, crs: int | str, field: str) -> BaseGeometry:
    if shape.geom_type not in KINDS:
        raise PlaceError(field, _("is a %(kind)s; a relevé is a point or a polygon") % {"kind": shape.geom_type})
    if shapely.get_num_coordinates(shape) > MOST_VERTICES:
        raise PlaceError(field, _("has more than %(count)s points; simplify it") % {"count": MOST_VERTICES})
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape).split("[")[0]
        raise PlaceError(field, _("is no valid outline (%(reason)s); redraw it") % {"reason": reason})
    place = shapely.force_2d(shape)
    if crs != DEGREES:
        to_degrees = _transformer(crs)
        if to_degrees is None:
            raise PlaceError("epsg", _("%(value)s is no EPSG code; write 2154 or 4326") % {"value": crs})
        place = shapely.transform(place, to_degrees.transform, interleaved=False)  # type: ignore[arg-type] # two columns
    if not all(map(_is_finite, place.bounds)):
        raise PlaceError(field, _("falls nowhere on Earth in this projection; check the EPSG code"))
    return place


def _is_finite(value: float) -> bool:
    return abs(value) <= 180


@lru_cache(maxsize=32)
def _transformer(crs: int | str) -> Transformer | None:
    try:
        return Transformer.from_crs(crs, DEGREES, always_xy=True)
    except CRSError:
        return None


def _area_ha(place: BaseGeometry) -> float:
    if place.geom_type == "Point":
        return 0.0
    area, _length = Geod(ellps="GRS80").geometry_area_perimeter(place)
    return abs(float(area)) / 10_000
