"""What the small maps of relevés read: bounds, outlines of territories, points with the page each leads to."""

from collections.abc import Iterable
from typing import Any

from django.contrib.gis.db.models import Extent
from django.contrib.gis.geos import GEOSGeometry
from django.utils.translation import gettext as _

from habitats.queries.releve_places import single_point
from habitats.tiles import address_of_tiles
from territories.models import Region

MARGIN_DEGREES = 0.002


def releve_map(places: Iterable[tuple[str, str, GEOSGeometry]], *, picks: bool = False) -> dict[str, Any]:
    """Settings of the map.

    Args:
        places: name, address (or nothing) and place of each relevé.
        picks: whether a click chooses the place of the form.
    """
    points = [
        {"name": name, "url": url, "lon": round(point.x, 6), "lat": round(point.y, 6)}
        for name, url, place in places
        for point in [single_point(place)]
    ]
    return {
        "bounds": _bounds(points),
        "outlines": address_of_tiles("habitats:outline-tile"),
        "points": points,
        "picks": picks,
        "words": {"zoom_in": _("Zoom in"), "zoom_out": _("Zoom out"), "chosen": _("Place of the relevé")},
    }


def _bounds(points: list[dict[str, Any]]) -> list[list[float]]:
    if points:
        lats, lons = [point["lat"] for point in points], [point["lon"] for point in points]
        south, north = min(lats) - MARGIN_DEGREES, max(lats) + MARGIN_DEGREES
        return [[south, min(lons) - MARGIN_DEGREES], [north, max(lons) + MARGIN_DEGREES]]
    west, south, east, north = Region.objects.aggregate(box=Extent("footprint"))["box"] or (-5, 41, 10, 51)
    return [[south, west], [north, east]]
