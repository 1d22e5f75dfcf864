"""Outlines that programs send, as GeoJSON."""

import math
from typing import Any

from django.contrib.gis.geos import GEOSException, LinearRing, MultiPolygon, Polygon
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

WGS84 = 4326
OUTLINE_SCHEMA = {
    "type": ["object", "null"],
    "description": "A GeoJSON Polygon or MultiPolygon in EPSG:4326; a third coordinate is left out.",
    "required": ["type", "coordinates"],
    "properties": {
        "type": {"type": "string", "enum": ["Polygon", "MultiPolygon"]},
        "coordinates": {
            "type": "array",
            "items": {},
            "examples": [[[[2.30, 43.60], [2.31, 43.60], [2.31, 43.61], [2.30, 43.60]]]],
        },
    },
}


@extend_schema_field(OUTLINE_SCHEMA)
class OutlineField(serializers.Field):
    """Read by hand: it takes nothing but finite degrees, and never gives a driver a text to parse."""

    default_error_messages = {
        "kind": _("Give a GeoJSON Polygon or MultiPolygon."),
        "coordinates": _("Write coordinates as GeoJSON does: rings of [longitude, latitude], in degrees, closed."),
    }

    def to_internal_value(self, data: Any) -> Polygon | MultiPolygon:
        """The outline, valid or not: that is for the action to say."""
        kind = data.get("type") if isinstance(data, dict) else None
        if kind not in ("Polygon", "MultiPolygon"):
            self.fail("kind")
        try:
            if kind == "Polygon":
                return _polygon(data.get("coordinates"))
            return MultiPolygon([_polygon(part) for part in _some(data.get("coordinates"))], srid=WGS84)
        except (ValueError, OverflowError, GEOSException):
            self.fail("coordinates")

    def to_representation(self, value: Any) -> Any:
        """Outlines leave through GeoJSONField."""
        raise NotImplementedError


def _polygon(rings: Any) -> Polygon:
    return Polygon(
        *(LinearRing([_position(position) for position in _some(ring)]) for ring in _some(rings)), srid=WGS84
    )


def _some(value: Any) -> list:
    if not isinstance(value, list) or not value:
        raise ValueError("not a list")
    return value


def _position(position: Any) -> tuple[float, float]:
    longitude, latitude = (_degrees(number) for number in _some(position)[:2])
    if abs(longitude) > 180 or abs(latitude) > 90:
        raise ValueError("not degrees")
    return longitude, latitude


def _degrees(number: Any) -> float:
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
        raise ValueError("not a number")
    return float(number)
